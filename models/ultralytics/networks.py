"""Building, loading and saving networks of ultralytics, without its engine around them."""

import io
import pickle
import zipfile
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import torch
from ultralytics.cfg import get_cfg
from ultralytics.nn.modules import OBB, OBB26, Detect, RTDETRDecoder, v10Detect
from ultralytics.nn.tasks import (
    DetectionModel,
    OBBModel,
    RTDETRDetectionModel,
    torch_safe_load,
    yaml_model_load,
)

from prelabel.models.detector import DetectorError
from prelabel.models.ultralytics.weights import find_source

Net: TypeAlias = Any  # one of the classes below; ultralytics comes without types

_CLASSES = (("RTDETRDecoder", RTDETRDetectionModel), ("OBB", OBBModel), ("OBB26", OBBModel))

_LEAST_SHARED = 0.5  # of a starter's tensors; fewer that fit mean another network


def start_net(variant: str, classes: Sequence[str], state_folder: Path, seed: int = 0) -> Net:
    """The network of a variant for these classes: random weights drawn from `seed`, or its own.

    Weights of a `.pt` file carry over, those of the class outputs by the name of the class.
    Raises DetectorError where there is no such network or it does not detect boxes.
    """
    source = find_source(variant, state_folder)
    if source.suffix == ".pt":
        trained = read_net(source)
        net = _random_net(trained.yaml, classes, seed)
        take_weights(net, trained, str(source))
        return net
    try:
        definition = yaml_model_load(source)  # type: ignore[no-untyped-call]  # no types
    except FileNotFoundError as error:
        raise DetectorError(f"{variant}: neither a file nor a definition of ultralytics") from error
    return _random_net(definition, classes, seed)


def _random_net(definition: dict[str, Any], classes: Sequence[str], seed: int) -> Net:
    name = Path(definition.get("yaml_file", "network")).name
    parts = [str(layer[2]) for layer in definition.get("head", [])]
    kind: Any = next((made for head, made in _CLASSES if head in parts), DetectionModel)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            net = kind({**deepcopy(definition), "yaml_file": name}, nc=len(classes), verbose=False)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise DetectorError(f"{name}: is not the definition of a network: {error!r}") from error
    if not detects_boxes(net):
        raise DetectorError(f"{name}: is not a network that detects boxes")
    net.names = dict(enumerate(classes))
    net.nc = len(classes)
    net.task = "obb" if gives_turned_boxes(net) else "detect"
    return net


def detects_boxes(net: Net) -> bool:
    """Whether the head is one for boxes; those for masks or poses derive from it."""
    return type(net.model[-1]) in (Detect, v10Detect, RTDETRDecoder, OBB, OBB26)


def gives_turned_boxes(net: Net) -> bool:
    """Whether the head gives each box an angle."""
    return isinstance(net.model[-1], OBB)


def is_rtdetr(net: Net) -> bool:
    """Whether this is an RT-DETR, which takes pictures stretched to a square."""
    return isinstance(net.model[-1], RTDETRDecoder)


def same_class(name: str, other: str) -> bool:
    """Whether ultralytics takes two names for one class when it carries weights over."""
    return name.strip().lower() == other.strip().lower()


def take_weights(net: Net, trained: Net, origin: str) -> None:
    """Start `net` from trained weights; class outputs are matched by the name of the class.

    Raises DetectorError where most tensors do not fit: `trained` is another network then.
    """
    before = {name: value.shape for name, value in net.state_dict().items()}
    other = {name: value.shape for name, value in trained.state_dict().items()}
    shared = sum(other.get(name) == shape for name, shape in before.items())
    if shared < _LEAST_SHARED * len(before):
        raise DetectorError(
            f"{origin}: holds the weights of another network, {shared} of {len(before)} tensors "
            "fit; start from a checkpoint of the same variant"
        )
    names = dict(net.names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # outputs of classes that are new to the network are drawn at random
        net.load(deepcopy(trained), verbose=False)
    net.names = names


def read_net(checkpoint: Path) -> Net:
    """The network in a `.pt` file, for prediction: float32, evaluation mode, no gradients.

    Read without running code from the file: only known classes are built. Raises DetectorError
    where the file cannot be read or holds something else.
    """
    if not checkpoint.is_file():
        raise DetectorError(f"{checkpoint}: there is no such file")
    if not zipfile.is_zipfile(checkpoint):  # what every torch since 1.6 writes
        raise DetectorError(f"{checkpoint}: cannot be read as weights: it is not a file of torch")
    try:
        content, _ = torch_safe_load(  # type: ignore[no-untyped-call]  # no types
            checkpoint, safe_only=True
        )
        net = content.get("ema") or content.get("model")
    except (OSError, TypeError, RuntimeError, pickle.UnpicklingError, ImportError) as error:
        told = " ".join(str(error).split())[:200]
        raise DetectorError(f"{checkpoint}: cannot be read as weights: {told}") from error
    if not isinstance(net, torch.nn.Module) or not detects_boxes(net):
        raise DetectorError(f"{checkpoint}: does not hold a network that detects boxes")
    return net.float().eval().requires_grad_(False)


def net_bytes(net: Net, input_px: int) -> bytes:
    """The `.pt` file of a network, which ultralytics reads too; equal networks give equal bytes."""
    plain = deepcopy(net).cpu().float().eval().requires_grad_(False)
    plain = plain.to(memory_format=torch.contiguous_format)
    plain.criterion, plain.pt_path = None, None
    plain.args = {"task": plain.task, "imgsz": input_px}
    buffer = io.BytesIO()
    torch.save({"model": plain, "train_args": dict(plain.args)}, buffer)
    return buffer.getvalue()


def loss_gains(steps: int) -> SimpleNamespace:
    """How ultralytics weighs the parts of its loss; one "epoch" of its schedules is one step."""
    gains: SimpleNamespace = get_cfg(overrides={"epochs": steps, "task": "detect"})
    return gains
