"""What detectors that cannot be trained have in common."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from prelabel.datasets.progress import Progress
from prelabel.models.detector import (
    DetectorSpec,
    FitOptions,
    NotTrainableError,
    TrainingExample,
)


class PredictOnly:
    """A detector but for its `predict`; `kind` says in words what it is, for the refusal."""

    def __init__(self, spec: DetectorSpec, model_id: str, kind: str) -> None:
        self._spec = spec
        self._model_id = model_id
        self._kind = kind

    @property
    def spec(self) -> DetectorSpec:
        return self._spec

    @property
    def model_id(self) -> str:
        """Made from all that decides what is predicted."""
        return self._model_id

    def fit(
        self,
        train: Sequence[TrainingExample],
        validation: Sequence[TrainingExample],
        options: FitOptions,
        folder: Path,
        progress: Progress,
    ) -> NoReturn:
        """Always NotTrainableError."""
        raise NotTrainableError(
            f"{self._spec.name}: {self._kind} cannot be trained; take a detector of another family"
        )
