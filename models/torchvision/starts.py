"""Weights that a net may start from: a checkpoint of this program, or torchvision's own."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor, nn

from prelabel.models.detector import DetectorError
from prelabel.models.torchvision.variants import Variant

STARTS = ("coco", "imagenet")
_BACKGROUND = "__background__"
_NO_CLASSES = (_BACKGROUND, "N/A")  # COCO leaves numbers out
# The layers whose rows belong to single classes.
_BY_CLASS = re.compile(
    r"box_predictor\.|classification_head\.cls_logits\.|classification_head\.module_list\.\d+\.1\."
)


def load_named_start(
    net: nn.Module, variant: Variant, start: str, classes: Sequence[str], state_folder: Path
) -> None:
    """Load torchvision's weights called `start` ("coco" or "imagenet") into a fresh net.

    The file is downloaded to `state_folder`/torchvision when it is not there. A class of the
    project that COCO knows by the same name starts with COCO's weights for it.

    Raises DetectorError for a start that there is not, and without network, saying where to put
    the file.
    """
    weights = {"coco": variant.coco, "imagenet": variant.imagenet}.get(start)
    if weights is None:
        known = [f"@{name}" for name in STARTS if getattr(variant, name) is not None]
        raise DetectorError(
            f"torchvision:{variant.name} has no start @{start}; "
            f"{'write ' + ' or '.join(known) if known else 'leave it out'}"
        )
    state = _downloaded(weights.url, state_folder / "torchvision")
    if start == "imagenet":
        _load_backbone(net, state)
        return
    take_weights(net, state, _class_rows(variant, weights.meta["categories"], classes))
    if variant.name == "retinanet":  # torchvision trained these with frozen norms without epsilon
        for part in net.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eps = 0.0


def coco_classes(variant: Variant) -> tuple[str, ...]:
    """The classes that a variant's COCO weights know; none where there are no such weights."""
    named = () if variant.coco is None else variant.coco.meta["categories"]
    return tuple(name for name in named if name not in _NO_CLASSES)


def load_starter(
    net: nn.Module,
    variant: Variant,
    state: Mapping[str, Tensor],
    known_classes: Sequence[str],
    classes: Sequence[str],
) -> None:
    """Load a checkpoint of the same variant, class by class of the same name."""
    background = [_BACKGROUND] if variant.has_background else []
    known = [*background, *known_classes]
    take_weights(net, state, _class_rows(variant, known, classes))


def take_weights(
    net: nn.Module, state: Mapping[str, Tensor], class_rows: Sequence[int | None]
) -> None:
    """Copy weights into `net`, what belongs to single classes by their place in `state`.

    `class_rows` gives for each output of `net` its place among the outputs of `state`, or None
    where its weights stay as they are. Raises DetectorError where layers do not fit.
    """
    own = net.state_dict()
    missing = {name for name in own.keys() - state.keys() if "num_batches_tracked" not in name}
    for name, value in state.items():
        by_class = _BY_CLASS.search(name)
        if missing or name not in own or not (by_class or own[name].shape == value.shape):
            odd = min(missing, default=name)
            raise DetectorError(f"the weights are of another detector: layer {odd} does not fit")
        if by_class:
            _take_classes(name, own[name], value, class_rows)
        else:
            own[name].copy_(value)


def _take_classes(name: str, own: Tensor, value: Tensor, class_rows: Sequence[int | None]) -> None:
    known = [(row, place) for row, place in enumerate(class_rows) if place is not None]
    if not known:
        return
    to, taken = (torch.tensor(column) for column in zip(*known, strict=True))
    outputs_a_class = len(own) // len(class_rows)
    known_count = len(value) // outputs_a_class
    _by_class(name, own, len(class_rows))[:, to] = _by_class(name, value, known_count)[:, taken]


def _by_class(name: str, layer: Tensor, class_count: int) -> Tensor:
    """A view (outputs a class, classes, rest) of the weights of an output layer."""
    if "bbox_pred" in name:  # the box layer of Faster R-CNN runs over classes, then sides
        return layer.view(class_count, -1, *layer.shape[1:]).transpose(0, 1)
    return layer.view(-1, class_count, *layer.shape[1:])


def _class_rows(variant: Variant, known: Sequence[str], classes: Sequence[str]) -> list[int | None]:
    place = {name.casefold(): row for row, name in enumerate(known)}
    wanted = [_BACKGROUND, *classes] if variant.has_background else list(classes)
    return [place.get(name.casefold()) for name in wanted]


def _load_backbone(net: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Weights of a classifier, whose last layers a detector does not have."""
    body: Any = net.backbone.body  # type: ignore[union-attr]  # those with ImageNet have one
    own = body.state_dict()
    for name, value in state.items():
        inner = name.removeprefix("features.")
        if inner in own:
            own[inner].copy_(value)


def _downloaded(url: str, folder: Path) -> Mapping[str, Tensor]:
    path = folder / Path(urlparse(url).path).name
    try:
        state: Mapping[str, Tensor] = torch.hub.load_state_dict_from_url(
            url, str(folder), map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except OSError as error:  # no network, no such host, no room
        raise DetectorError(
            f"{url}: cannot be downloaded ({error}); fetch it where there is a network and put it "
            f"at {path}"
        ) from error
    except (RuntimeError, UnpicklingError, EOFError) as error:
        told = " ".join(str(error).split())
        raise DetectorError(f"{path}: is not the file of weights: {told}; remove it") from error
    return state
