"""What 20 first picks without any label cover: classes, rare classes, and near-duplicates."""

import argparse
import json
import re
from pathlib import Path

import numpy as np
from machine import describe_machine
from numpy.typing import NDArray

from prelabel.active.budgets import Budget
from prelabel.active.neighbourhoods import squared_distances
from prelabel.active.pool import Pool
from prelabel.active.strategies import WITHOUT_MODEL, strategy_by_name
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.formats.report import ImportReport
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.descriptors import describe_frame

PICKS, SEEDS, POOL_SHARE = 20, 20, 0.8


def pool_of(frames: list[LabelledFrame]) -> Pool:
    """A pool that nothing is predicted on, with descriptors as embeddings."""
    nothing = [
        Prediction(one.frame.frame_id, "none", Boxes.none(), (), (), ClassScores.INDEPENDENT)
        for one in frames
    ]
    vectors = np.stack([describe_frame(one.frame) for one in frames])
    seconds = np.full(len(frames), 10.0)
    return Pool.of([one.frame for one in frames], nothing, vectors, seconds, ())


def measured(pool: Pool, frames: list[LabelledFrame], name: str, seed: int) -> list[float]:
    """Classes seen, boxes of the two rarest, boxes, picks shot beside another, mean gap."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(pool))[: int(POOL_SHARE * len(pool))]
    part = pool.take(rows)
    picks = strategy_by_name(name).choose(part, Budget(PICKS), rng).indices
    chosen = rows[picks]
    everywhere = class_counts(frames)
    rarest = np.argsort(everywhere)[:2]
    counts = class_counts([frames[row] for row in chosen], len(everywhere))
    gaps = squared_distances(part.embeddings, part.embeddings[picks]).min(axis=1)
    beside = shot_beside_another([frames[row].frame.uri for row in chosen])
    return [
        float((counts > 0).sum()),
        float(counts[rarest].sum()),
        float(counts.sum()),
        float(beside),
        float(np.sqrt(gaps.mean())),
    ]


def class_counts(frames: list[LabelledFrame], least: int = 0) -> NDArray[np.intp]:
    """Boxes of each class."""
    ids = [one.annotations.class_id for one in frames if one.annotations is not None]
    return np.bincount(np.concatenate(ids), minlength=least)


def shot_beside_another(uris: list[str]) -> int:
    """Picks whose running number in the file name is next to that of another pick."""
    numbers = [re.match(r"(\D*)(\d+)", Path(uri).name) for uri in uris]
    places = [(one[1], int(one[2])) for one in numbers if one]
    return sum(
        any(kind == other and 0 < abs(number - near) <= 2 for other, near in places)
        for kind, number in places
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("datasets", type=Path, nargs="+")
    result: dict[str, float] = {}
    for folder in arguments.parse_args().datasets:
        opened = open_dataset(folder, report=ImportReport())
        frames = [
            one
            for one in opened.frames
            if one.annotations is not None and one.frame.split is not Split.TEST
        ]
        pool = pool_of(frames)
        print(f"\n{folder.name}: {len(frames)} frames, {len(opened.classes)} classes")
        print("| strategy | classes | rare boxes | boxes | beside another | mean gap |")
        print("|---|---:|---:|---:|---:|---:|")
        for name in WITHOUT_MODEL:
            figures = np.array([measured(pool, frames, name, seed) for seed in range(SEEDS)])
            told = " | ".join(
                f"{mean:.2f} ± {spread:.2f}"
                for mean, spread in zip(figures.mean(0), figures.std(0, ddof=1), strict=True)
            )
            print(f"| {name} | {told} |")
            result[f"{folder.name}.{name}.classes"] = round(float(figures[:, 0].mean()), 3)
    print(f"\n{describe_machine()}")
    print(f"RESULT {json.dumps(result)}")


if __name__ == "__main__":
    main()
