"""modAL's ActiveLearner over frame ids."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from modAL.models import ActiveLearner

from prelabel.active.estimator import DetectorEstimator, FrameIds, Labels, object_array
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float32s
from prelabel.datasets.errors import InvalidValueError

QueryFunction = Callable[..., tuple[Any, Any]]


class DetectionLearner(ActiveLearner):  # type: ignore[misc]  # modAL has no stubs
    """An ActiveLearner whose samples are frame ids and whose labels are annotation sets.

    `query` is modAL's own. Only what modAL cannot do is replaced: `fit` and `teach` check their
    arguments with an option that scikit-learn 1.8 removed; labels of frames have no common shape,
    which modAL would stack; and `bootstrap_init` is not kept, without which scikit-learn can
    neither print nor clone a learner. A frame that is taught again gets its new labels in place
    of the old.
    """

    def __init__(
        self,
        estimator: DetectorEstimator,
        query_strategy: QueryFunction,
        X_training: FrameIds | None = None,
        y_training: Labels | None = None,
        bootstrap_init: bool = False,
        on_transformed: bool = True,
    ) -> None:
        self.bootstrap_init = bootstrap_init
        if X_training is not None:
            _check(X_training, () if y_training is None else y_training)
        super().__init__(
            estimator, query_strategy, X_training, y_training, bootstrap_init, on_transformed
        )

    def fit(
        self, X: FrameIds, y: Labels, bootstrap: bool = False, **fit_kwargs: Any
    ) -> "DetectionLearner":
        """Forget all labels, take these, and train on them."""
        _check(X, y)
        self.X_training, self.y_training = object_array(X), object_array(y)
        self._fit_to_known(bootstrap=bootstrap, **fit_kwargs)
        return self

    def teach(
        self,
        X: FrameIds,
        y: Labels,
        bootstrap: bool = False,
        only_new: bool = False,
        **fit_kwargs: Any,
    ) -> None:
        """Add these labels and train on all, or with `only_new` on these alone.

        Unlike modAL's own, `only_new` remembers the labels too. Further arguments go to the
        estimator's `fit`.
        """
        self.remember(X, y)
        if only_new:
            self._fit_on_new(object_array(X), object_array(y), bootstrap=bootstrap, **fit_kwargs)
        else:
            self._fit_to_known(bootstrap=bootstrap, **fit_kwargs)

    def remember(self, X: Sequence[str] | FrameIds, y: Sequence[AnnotationSet] | Labels) -> None:
        """Add these labels without training."""
        self._add_training_data(X, y)

    def transform_without_estimating(self, X: FrameIds) -> Float32s:
        """Frame embeddings, by which modAL's own batch strategies compare frames."""
        estimator: DetectorEstimator = self.estimator
        return estimator.embed(X)

    def _add_training_data(
        self, X: Sequence[str] | FrameIds, y: Sequence[AnnotationSet] | Labels
    ) -> None:
        _check(X, y)
        new_ids, new_labels = object_array(X), object_array(y)
        if self.X_training is not None:
            replaced = set(new_ids)
            kept = np.array([one not in replaced for one in self.X_training], np.bool_)
            new_ids = np.concatenate([self.X_training[kept], new_ids])
            new_labels = np.concatenate([self.y_training[kept], new_labels])
        self.X_training, self.y_training = new_ids, new_labels


def _check(X: Sequence[str] | FrameIds, y: Sequence[AnnotationSet] | Labels) -> None:
    if len(X) != len(y):
        raise InvalidValueError(f"{len(X)} frames cannot be taught with {len(y)} sets of labels")
    seen: set[str] = set()
    for frame_id, labels in zip(X, y, strict=True):
        if frame_id in seen:
            raise InvalidValueError(f"frame {frame_id} is taught twice at once")
        if not isinstance(labels, AnnotationSet):
            raise InvalidValueError(
                f"labels of frame {frame_id} must be an AnnotationSet, but are {labels!r}"
            )
        seen.add(frame_id)
