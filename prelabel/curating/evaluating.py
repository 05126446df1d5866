"""The newest model measured on the labels, as an evaluation that FiftyOne knows."""

from collections.abc import Sequence
from typing import Any

from prelabel.curating.fields import EVALUATION, LABELS
from prelabel.curating.samples import all_samples

_MOST_MATCHES = 300_000  # more are not kept for the panel: FiftyOne reads them as one document


def judged_frames(dataset: Any) -> set[str]:
    """The frames on which some model's proposals were compared with labels."""
    return set(all_samples(dataset).exists(f"{EVALUATION}_tp").values("frame_id"))


def register_evaluation(dataset: Any, proposals: str, classes: Sequence[str], judged: int) -> None:
    """Let FiftyOne know that the boxes hold an evaluation, so that its patches views work.

    Where proposals were compared on `judged` frames since the last time, the results that its
    Model Evaluation panel shows are made anew.
    """
    from prelabel.curating.evaluation_method import MatcherConfig

    method = MatcherConfig(proposals, LABELS).build()
    known = dataset.has_evaluation(EVALUATION)
    if known and dataset.get_evaluation_info(EVALUATION).config.pred_field == proposals:
        if not judged:
            return
    else:
        if known:
            # Only the note goes: deleting an evaluation would take its fields away as well, and
            # overwriting one of another model is refused.
            method.delete_run(dataset, EVALUATION, cleanup=False)
        method.register_run(dataset, EVALUATION)
    view = all_samples(dataset).exists(f"{EVALUATION}_tp")
    if view.count(f"{proposals}.detections") > _MOST_MATCHES:
        return
    results = method.generate_results(
        view, kept_matches(view, proposals), EVALUATION, list(classes), missing=None
    )
    method.save_run_results(dataset, EVALUATION, results, cache=False)


def kept_matches(view: Any, proposals: str) -> list[tuple[Any, ...]]:
    """What the boxes say of each other: class names, IoU, score and ids, None where one lacks."""
    sides = []
    for name in (proposals, LABELS):
        wanted = ("label", EVALUATION, f"{EVALUATION}_id", f"{EVALUATION}_iou", "confidence", "id")
        columns = view.values([f"{name}.detections.{one}" for one in wanted], unwind=True)
        sides.append(list(zip(*columns, strict=True)))
    of_proposals, of_labels = sides
    names = {box_id: label for label, *_, box_id in of_labels}
    found: list[tuple[Any, ...]] = []
    for label, verdict, other, iou, score, box_id in of_proposals:
        if verdict == "tp":
            found.append((names[other], label, iou, score, other, box_id))
        elif verdict == "fp":
            found.append((None, label, None, score, None, box_id))
    for label, verdict, *_, box_id in of_labels:
        if verdict == "fn":
            found.append((label, None, None, None, box_id, None))
    return found
