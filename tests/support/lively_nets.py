"""Networks with random weights that find something, and pictures for them to look at."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import inspect_picture, read_picture

CLASSES = ("heron", "egret", "ibis")


def coloured_picture(path: Path, width_px: int, height_px: int, seed: int) -> Frame:
    """A frame with rectangles and discs of any colour."""
    rng = np.random.default_rng(seed)
    picture = np.full((height_px, width_px, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(6):
        (x, left), (y, top) = rng.integers(0, width_px, 2), rng.integers(0, height_px, 2)
        colour = rng.integers(0, 256, 3).tolist()
        cv2.rectangle(picture, (int(x), int(y)), (int(left), int(top)), colour, -1)
        cv2.circle(picture, (int(left), int(y)), int(rng.integers(3, 30)), colour[::-1], -1)
    assert cv2.imwrite(str(path), picture)
    facts = inspect_picture(path)
    return Frame(facts.frame_id, str(path), facts.width_px, facts.height_px)


def lively_net(variant: str, frames: list[Frame], input_px: int) -> Any:
    """A network of ultralytics for CLASSES that finds something on these pictures."""
    from prelabel.models.ultralytics.networks import start_net

    net = start_net(variant, CLASSES, Path("unused"))
    enliven(net, frames, input_px)
    return net


def one_pass(net: Any, *, reduced_precision: bool = False) -> Any:
    """The network made ready to predict; it is left as it is."""
    from prelabel.models.ultralytics.prediction import OnePass

    return OnePass(deepcopy(net), reduced_precision=reduced_precision)


def saved_net(net: Any, path: Path, input_px: int) -> Path:
    """A checkpoint of the network."""
    from prelabel.models.ultralytics.networks import net_bytes

    path.write_bytes(net_bytes(net, input_px))
    return path


def enliven(net: Any, frames: list[Frame], input_px: int) -> None:
    """Set batch norms by these pictures, and outputs so that about 3 % of anchors are sure.

    A network with fresh weights answers the same everywhere, with scores near 0.01.
    """
    import torch

    pictures = [
        cv2.resize(read_picture(frame), (input_px, input_px))[..., ::-1] for frame in frames
    ]
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    head = net.model[-1]
    with torch.no_grad():
        _set_batch_norms(net, batch)
        if hasattr(head, "dec_score_head"):
            _scale(head.dec_score_head, lambda: net(batch)[1][1], axis=3)
            return
        _scale([one[-1] for one in head.cv3], lambda: _raw(net, batch)["scores"], axis=1)
        spread = float(_raw(net, batch)["boxes"].std())
        for one in head.cv2:
            one[-1].weight /= 2 * spread
            if head.reg_max == 1:  # distances: mostly positive, as trained ones are
                one[-1].bias += 2


def _set_batch_norms(net: Any, batch: Any) -> None:
    from torch.nn import BatchNorm2d

    norms = [module for module in net.modules() if isinstance(module, BatchNorm2d)]
    net.eval()
    for norm in norms:
        norm.momentum = None  # the plain mean over the batches seen
        norm.reset_running_stats()
        norm.train()
    net(batch)
    net.eval()


def _scale(outputs: Any, logits: Any, axis: int) -> None:
    deviation = logits().std()
    for one in outputs:
        one.weight *= 1.5 / deviation
    limit = logits().amax(axis).flatten().quantile(0.97)
    for one in outputs:
        one.bias -= limit


def _raw(net: Any, batch: Any) -> Any:
    raw = net(batch)[1]
    return raw.get("one2many", raw)
