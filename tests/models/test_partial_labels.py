"""Frames of which only some objects are labelled: what nobody vouched for is not punished."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import SHAPES, shape_examples
from trainings import LOOK, OPTIONS, Noted, a_detector

from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.progress import Silent
from prelabel.models.detector import DetectorError, TrainingExample
from prelabel.models.torchvision.partial import COMPLETE
from prelabel.models.torchvision.variants import variant_called
from prelabel.models.training_batches import Batches
from prelabel.models.ultralytics.partial import KnownOnly

VARIANTS = ("micro", "fcos", "retinanet", "ssdlite")


def with_one_label(examples: Sequence[TrainingExample], complete: bool) -> list[TrainingExample]:
    """Of each frame only the first box is kept."""
    return [
        TrainingExample(one.frame, one.annotations.take(np.arange(1)), complete) for one in examples
    ]


def test_batches_tell_which_pictures_are_complete(examples: list[TrainingExample]) -> None:
    some = [replace(one, is_complete=row % 2 == 0) for row, one in enumerate(examples)]
    batches = Batches(some, 64, len(some), 0)
    complete = batches.batch(0).complete
    assert complete is not None
    assert complete.tolist() == [some[row].is_complete for row in batches.indices(0)]


def test_candidates_without_a_label_have_no_loss_on_incomplete_pictures() -> None:
    entropy = KnownOnly()
    logits = torch.tensor([[[4.0, -4.0], [4.0, 4.0]]] * 2, requires_grad=True)
    targets = torch.tensor([[[0.5, 0.0], [0.0, 0.0]]] * 2)
    everything = entropy(logits, targets)
    entropy.complete = torch.tensor([True, False])
    known = entropy(logits, targets)
    torch.testing.assert_close(known[0], everything[0])
    torch.testing.assert_close(known[1, 0], everything[1, 0])
    assert known[1, 1].tolist() == [0.0, 0.0]
    known.sum().backward()
    assert logits.grad is not None
    assert logits.grad[1, 1].tolist() == [0.0, 0.0]
    assert logits.grad[0, 1].abs().min() > 0


@pytest.mark.parametrize("name", VARIANTS)
def test_what_nobody_vouched_for_moves_no_weight(name: str) -> None:
    variant = variant_called(name)
    net = variant.build(len(SHAPES), 0).train()
    pictures = torch.rand(2, 3, 64, 64)
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}

    def slope(complete: bool) -> float:
        net.zero_grad()
        losses = net(pictures, [{**nothing, COMPLETE: torch.tensor(complete)}] * 2)
        sum(losses.values()).backward()
        found = [one.grad.abs().max() for one in net.parameters() if one.grad is not None]
        return float(max(found))

    assert slope(complete=False) == 0
    # SSD looks at the background beside objects only: without any there is nothing to learn.
    assert (slope(complete=True) > 0) == (name != "ssdlite")


@pytest.mark.parametrize("name", ["torchvision:micro", "torchvision:ssdlite", "ultralytics:micro"])
def test_trains_on_complete_and_incomplete_frames(
    name: str, tmp_path: Path, examples: list[TrainingExample]
) -> None:
    ids = set()
    for complete in (True, False):
        train = [*with_one_label(examples[:3], complete), *examples[3:]]
        noted = Noted()
        result = a_detector(name, tmp_path).fit(train, [], OPTIONS, tmp_path / str(complete), noted)
        assert all(np.isfinite(float(note.split()[1])) for note in noted.notes)
        ids.add(result.model_id)
    assert len(ids) == 2


def scores_of_unlabelled(name: str, folder: Path, train: Sequence[TrainingExample]) -> float:
    """The mean best score on objects that were not labelled in training."""
    detector = a_detector(name, folder)
    options = replace(OPTIONS, steps=150, batch_size=8, input_px=96)
    labelled = with_one_label(train, complete=folder.name == "complete")
    detector.fit(labelled, [], options, folder / "run", Silent())
    found = detector.predict([one.frame for one in train], replace(LOOK, input_px=96))
    best = []
    for prediction, one in zip(found, train, strict=True):
        overlap = boxes_iou(one.annotations.boxes, prediction.boxes)[1:]
        best += np.where(overlap > 0.5, prediction.score[None], 0).max(axis=1, initial=0).tolist()
    return float(np.mean(best))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torchvision:micro", "ultralytics:micro"])
def test_objects_nobody_labelled_are_still_found(name: str, tmp_path: Path) -> None:
    every = shape_examples(tmp_path / "pictures", 40)
    several = [one for one in every if len(one.annotations) > 1]
    punished = scores_of_unlabelled(name, tmp_path / "complete", several)
    spared = scores_of_unlabelled(name, tmp_path / "partial", several)
    assert spared > punished + 0.1


def test_what_cannot_be_learned_is_refused(tmp_path: Path, examples: list[TrainingExample]) -> None:
    part = with_one_label(examples[:1], complete=False)
    detector = a_detector("torchvision:micro", tmp_path)
    with pytest.raises(DetectorError, match="all of their objects"):
        detector.fit(examples[1:], part, OPTIONS, tmp_path / "a", Silent())
    rtdetr = a_detector("ultralytics:rtdetr-l.yaml", tmp_path)
    assert not rtdetr.spec.learns_parts
    with pytest.raises(DetectorError, match="only some of its objects"):
        rtdetr.fit(part, [], OPTIONS, tmp_path / "b", Silent())
