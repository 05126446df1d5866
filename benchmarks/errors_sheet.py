"""A contact sheet of the likeliest label errors in the published labels of bccd."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from errors_data import BCCD, predictions
from numpy.typing import NDArray

from prelabel.active.label_errors.ranking import rank_suspects, strongest
from prelabel.active.label_errors.suspects import Suspect
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.pictures import read_picture

SUSPECTS = 50
COLUMNS = 10
TILE_PX = 132
CAPTION_PX = 16
AROUND = 1.6  # the side of a crop, in longer sides of the suspect
LEAST_PX = 80
BORDER_PX = 3.0
_SUSPECT, _LABEL, _INK = (40, 40, 230), (255, 255, 255), (20, 20, 20)  # BGR

Picture = NDArray[np.uint8]


def sheet(
    suspects: Sequence[Suspect], frames: Sequence[LabelledFrame], classes: Sequence[str]
) -> Picture:
    """Suspects in rows of ten, likeliest first: the suspect in red, the other labels in white."""
    by_id = {one.frame.frame_id: one for one in frames}
    tiles = [
        _tile(number, one, by_id[one.frame_id], classes) for number, one in enumerate(suspects, 1)
    ]
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[at : at + COLUMNS]) for at in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)


def _tile(number: int, suspect: Suspect, one: LabelledFrame, classes: Sequence[str]) -> Picture:
    picture = read_picture(one.frame)
    left, top, right, bottom = suspect.xyxy
    side = max(AROUND * max(right - left, bottom - top), LEAST_PX)
    corner = np.array([(left + right - side) / 2, (top + bottom - side) / 2])
    zoom = TILE_PX / side
    view = np.array([[zoom, 0, -zoom * corner[0]], [0, zoom, -zoom * corner[1]]])
    seen = cv2.warpAffine(picture, view, (TILE_PX, TILE_PX), flags=cv2.INTER_LINEAR)
    crop = np.asarray(seen, np.uint8)
    labels = one.annotations
    if labels is not None:
        for box_id, xyxy in zip(labels.box_id, labels.boxes.xyxy, strict=True):
            if box_id != suspect.box_id:
                _outline(crop, (xyxy.reshape(2, 2) - corner) * zoom, _LABEL, 1)
    _outline(crop, (np.reshape(suspect.xyxy, (2, 2)) - corner) * zoom, _SUSPECT, 2)
    caption = np.full((CAPTION_PX, TILE_PX, 3), 255, np.uint8)
    text = f"{number} {suspect.kind.value} {classes[suspect.class_id]}"
    cv2.putText(caption, text, (2, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.34, _INK, 1, cv2.LINE_AA)
    tile = np.vstack([crop, caption])
    tile[:, -1] = 255
    return np.asarray(tile, np.uint8)


def _outline(
    crop: Picture, corners: NDArray[np.floating], colour: tuple[int, int, int], width: int
) -> None:
    (left, top), (right, bottom) = np.round(corners).astype(int).tolist()
    cv2.rectangle(crop, (left, top), (right, bottom), colour, width)


def _at_border(suspect: Suspect, width_px: int, height_px: int) -> bool:
    left, top, right, bottom = suspect.xyxy
    return min(left, top, width_px - right, height_px - bottom) < BORDER_PX


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    classes, frames = BCCD.read(given.data, given.work)
    found = predictions("bccd", BCCD, classes, tuple(frames), given.work)
    by_id = {one.frame_id: one for one in found}
    ranked = rank_suspects(frames, by_id, len(classes), np.random.default_rng(0))
    suspects = strongest(ranked)
    top = suspects[:SUSPECTS]
    jpeg = [cv2.IMWRITE_JPEG_QUALITY, 82]
    cv2.imwrite(str(given.picture), sheet(top, frames, classes), jpeg)
    for number, one in enumerate(top, 1):
        print(f"{number:3} {one.probability:.2f} {one.kind.value:14} {classes[one.class_id]}")
    sizes = {one.frame.frame_id: (one.frame.width_px, one.frame.height_px) for one in frames}
    cut = sum(_at_border(one, *sizes[one.frame_id]) for one in top)
    print(f"{cut} of the first {len(top)} touch the border of their picture")
    likely = sum(one.probability for one in suspects)
    kinds = Counter(one.kind.value for one in top)
    print(
        f"{len(suspects)} suspects, {likely:.0f} errors expected; of the first {len(top)}: {kinds}"
    )


if __name__ == "__main__":
    main()
