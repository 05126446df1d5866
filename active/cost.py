"""What labelling costs in human seconds, measured on known labels or foretold without them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from prelabel.active.box_table import BoxTable
from prelabel.active.matching import UNMATCHED, Matching, match
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.predictions import Prediction

TIGHT_IOU = 0.75  # from here on a proposal is accepted as it stands

DISPLAY_CHOICES = tuple(round(0.05 * step, 2) for step in range(1, 19))  # 0.05 to 0.90
EXTREME_CLICKING_S = 7.0
CAREFUL_DRAWING_S = 25.5

_LEAST_TO_FIT = 10  # true boxes; fewer say too little about the share of loose ones
_LEAST_FRAMES = 3  # fewer say too little about objects that nothing points at


@dataclass(frozen=True, slots=True)
class CostModel:
    """Seconds that each action of an annotator takes.

    - `verify_s` 1.6: look at a proposal and accept or reject it (Papadopoulos et al., "We don't
      need no bounding-boxes: training object class detectors using only human verification",
      CVPR 2016).
    - `adjust_s` 7: bring a loose box to its object, taken to be as long as drawing it by extreme
      clicking (Papadopoulos et al., "Extreme clicking for efficient object annotation", ICCV 2017).
    - `draw_s` 7: draw a box by extreme clicking (the same); 25.5 is the median of careful drawing
      with quality control (Su, Deng, Fei-Fei, "Crowdsourcing annotations for visual object
      detection", 2012).
    - `open_s` 3, `class_s` 2, `find_s` 2: open and take in a frame, choose another class, find an
      object that nothing points at. These three are **assumptions**; `assumption_factor`
      multiplies them, to see how much a result hangs on them (0.5 and 2 are usual).
    """

    open_s: float = 3.0
    verify_s: float = 1.6
    adjust_s: float = EXTREME_CLICKING_S
    draw_s: float = EXTREME_CLICKING_S
    class_s: float = 2.0
    find_s: float = 2.0
    assumption_factor: float = 1.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (np.isfinite(value) and value >= 0):
                raise InvalidValueError(f"{one.name} must be finite and at least 0, but is {value}")

    def constants(self) -> dict[str, float]:
        """The constants by name, to be kept beside results."""
        return asdict(self)

    def resolved(self) -> "CostModel":
        """The same model with `assumption_factor` multiplied in."""
        return replace(
            self,
            open_s=self.open_s * self.assumption_factor,
            class_s=self.class_s * self.assumption_factor,
            find_s=self.find_s * self.assumption_factor,
            assumption_factor=1.0,
        )

    def missed_s(self) -> float:
        """Finding and drawing one object that no proposal points at."""
        return self.resolved().find_s + self.draw_s

    def charged_seconds(self, proposals: Prediction, truth: AnnotationSet) -> float:
        """Seconds to turn the proposals that are shown into the true boxes.

        `open + 1.6 tight + 7 loose + 1.6 false + class changes + missed (find + draw)`: a proposal
        is tight from IoU 0.75, loose from 0.5, false below. One of a wrong class costs `class_s`
        more, tight or loose. Pass only what is shown: see `displayed`.
        """
        return self.matched_seconds(match(proposals, truth))

    def matched_seconds(self, matching: Matching) -> float:
        """`charged_seconds` of proposals that are matched already."""
        cost = self.resolved()
        matched = matching.truth_of != UNMATCHED
        loose = matched & (matching.iou < TIGHT_IOU)
        wrong_class = matched & ~matching.same_class
        return float(
            cost.open_s
            + (~loose).sum() * cost.verify_s
            + loose.sum() * cost.adjust_s
            + wrong_class.sum() * cost.class_s
            + len(matching.missed) * cost.missed_s()
        )

    def scratch_seconds(self, boxes: int) -> float:
        """Seconds to label a frame with this many objects when nothing is proposed."""
        return self.resolved().open_s + boxes * self.missed_s()


def displayed(prediction: Prediction, display_score: float) -> Prediction:
    """The proposals that a person is shown: those of at least this score."""
    count = int((prediction.score >= display_score).sum())
    if count == len(prediction):
        return prediction
    shown = slice(0, count)  # scores fall
    return Prediction(
        prediction.frame_id,
        prediction.model_id,
        prediction.boxes.take(np.arange(count)),
        prediction.score[shown],
        prediction.class_id[shown],
        prediction.class_scores,
        class_probs=None if prediction.class_probs is None else prediction.class_probs[shown],
        spread_px=None if prediction.spread_px is None else prediction.spread_px[shown],
        support=None if prediction.support is None else prediction.support[shown],
        box_embedding=None if prediction.box_embedding is None else prediction.box_embedding[shown],
        frame_embedding=prediction.frame_embedding,
        class_peak=prediction.class_peak,
    )


def best_display_score(
    cost: CostModel,
    predictions: Sequence[Prediction],
    truths: Sequence[AnnotationSet],
    choices: Iterable[float] = DISPLAY_CHOICES,
) -> float:
    """The threshold under which correcting these labelled frames takes the fewest seconds.

    The frames must not have trained the model. Of equal thresholds the lowest wins: people miss
    fewer objects when more is shown.
    """
    if not predictions:
        raise InvalidValueError("a display threshold cannot be chosen without labelled frames")
    pairs = list(zip(predictions, truths, strict=True))

    def total(threshold: float) -> float:
        return sum(cost.charged_seconds(displayed(one, threshold), truth) for one, truth in pairs)

    return min(sorted(choices), key=total)


@dataclass(frozen=True, slots=True)
class CostForecast:
    """Foretells the seconds of a frame nobody has labelled, from its detections.

    A detection of score s is taken to be a right one with probability s. Shown (score at least
    `display_score`), it then costs a glance or, for a share `loose_share` of right ones, an
    adjustment; otherwise a rejection. Not shown, it is an object to find and draw with probability
    s. That is multiplied by `factor`, which `fitted` makes right on average. Every frame takes
    `unhinted_s` more for objects that no detection points at, which a young model leaves most of.
    """

    cost: CostModel
    display_score: float
    loose_share: float = 0.25  # an assumption until fitted
    factor: float = 1.0
    unhinted_s: float = 0.0

    def seconds(self, prediction: Prediction) -> float:
        """Foretold seconds for one frame."""
        return float(self.seconds_of(BoxTable.of([prediction]))[0])

    def seconds_of(self, boxes: BoxTable) -> Float64s:
        """Foretold seconds for each of n frames, (n,)."""
        work_s = self._work_of_boxes(boxes.score)
        a_frame = np.bincount(boxes.owner, work_s, boxes.frame_count)
        always_s = self.cost.resolved().open_s + self.unhinted_s
        return np.asarray(always_s + self.factor * a_frame, np.float64)

    def fitted(
        self, predictions: Sequence[Prediction], truths: Sequence[AnnotationSet]
    ) -> "CostForecast":
        """The forecast measured on labelled frames that the model has not seen.

        Share and factor stay as they are with fewer than `_LEAST_TO_FIT` true boxes, `unhinted_s`
        with fewer than `_LEAST_FRAMES` frames. The factor is held within 1/4 and 4.
        """
        pairs = list(zip(predictions, truths, strict=True))
        hinted = self._with_unhinted(pairs)
        if sum(len(truth) for truth in truths) < _LEAST_TO_FIT:
            return hinted
        matchings = [match(displayed(one, self.display_score), truth) for one, truth in pairs]
        overlaps = np.concatenate([one.iou[one.truth_of != UNMATCHED] for one in matchings])
        loose = float((overlaps < TIGHT_IOU).mean()) if len(overlaps) else self.loose_share
        forecast = replace(hinted, loose_share=loose, factor=1.0)
        foretold = sum(float(forecast._work_of_boxes(one.score).sum()) for one in predictions)
        always_s = self.cost.resolved().open_s + forecast.unhinted_s
        charged = sum(self.cost.matched_seconds(one) - always_s for one in matchings)
        if foretold <= 0 or charged <= 0:
            return forecast
        return replace(forecast, factor=float(np.clip(charged / foretold, 0.25, 4.0)))

    def _with_unhinted(self, pairs: Sequence[tuple[Prediction, AnnotationSet]]) -> "CostForecast":
        if len(pairs) < _LEAST_FRAMES:
            return self
        unhinted = sum(len(match(one, truth).missed) for one, truth in pairs)
        return replace(self, unhinted_s=self.cost.missed_s() * unhinted / len(pairs))

    def _work_of_boxes(self, scores: Float32s) -> Float64s:
        score: Float64s = scores.astype(np.float64)
        shown = score >= self.display_score
        right_s = (
            1 - self.loose_share
        ) * self.cost.verify_s + self.loose_share * self.cost.adjust_s
        shown_s = score * right_s + (1 - score) * self.cost.verify_s
        hidden_s = score * self.cost.missed_s()
        return np.where(shown, shown_s, hidden_s)
