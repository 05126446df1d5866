"""The folder of one training run: what it was asked to do, how far it is, and what it gave.

    run.json      the arguments, so that another run never writes over this one
    state.pt      everything needed to go on after a kill; gone once the run is finished
    best.pt       the best checkpoint so far, with its card beside it
    result.json   written last: the run is finished

Each file is written whole or not at all.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prelabel.datasets.files import write_whole
from prelabel.models.checkpoints import ModelCard, model_id_of, write_card
from prelabel.models.detector import (
    DetectorError,
    DetectorSpec,
    FitOptions,
    FitResult,
    TrainingExample,
)


class RunFolder:
    """The files of one run, for reading and for writing.

    Raises DetectorError where the folder holds another run, or files that cannot be read.
    """

    def __init__(self, folder: Path, arguments: Mapping[str, Any]) -> None:
        self._folder = folder
        self._arguments = arguments
        self.checkpoint = folder / "best.pt"
        if (folder / "run.json").exists():
            _check_same_run(folder, _read_json(folder / "run.json"), arguments)
        elif self.checkpoint.exists():
            raise DetectorError(f"{folder}: holds a best.pt of another origin; take another folder")

    def begin(self) -> None:
        """Take the folder for this run, making it where it is not there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(self._arguments, ensure_ascii=False)
        write_whole(self._folder / "run.json", content.encode())

    def result(self) -> FitResult | None:
        """What the run gave; None while it is not finished."""
        path = self._folder / "result.json"
        if not path.exists():
            return None
        content = _read_json(path)
        try:
            curve = tuple((int(step), float(score)) for step, score in content["validation_curve"])
            result = FitResult(
                self.checkpoint,
                content["model_id"],
                content["steps"],
                content["seconds"],
                content["validation_map50"],
                curve,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DetectorError(f"{path}: is not the result of a training run") from error
        if not self.checkpoint.exists() or model_id_of(self.checkpoint) != result.model_id:
            raise DetectorError(
                f"{self.checkpoint}: is missing or was changed after training; remove the folder "
                "to train anew"
            )
        return result

    def state(self) -> dict[str, Any] | None:
        """The last saved state of an unfinished run; None where none was saved."""
        path = self._folder / "state.pt"
        if not path.exists():
            return None
        import torch

        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return content

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Keep what is needed to go on from here."""
        import torch

        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        write_whole(self._folder / "state.pt", buffer.getvalue())

    def save_checkpoint(self, content: bytes, card: ModelCard) -> None:
        """Keep a checkpoint as the best so far."""
        write_whole(self.checkpoint, content)
        write_card(self.checkpoint, card)

    def finish(self, steps: int, seconds: float, curve: Sequence[tuple[int, float]]) -> FitResult:
        """Mark the run as finished and give back its result."""
        best = max((score for _, score in curve), default=None)
        result = FitResult(
            self.checkpoint, model_id_of(self.checkpoint), steps, seconds, best, tuple(curve)
        )
        content = {key: value for key, value in asdict(result).items() if key != "checkpoint"}
        write_whole(self._folder / "result.json", json.dumps(content).encode())
        (self._folder / "state.pt").unlink(missing_ok=True)
        return result


def run_arguments(
    spec: DetectorSpec,
    train: Sequence[TrainingExample],
    validation: Sequence[TrainingExample],
    options: FitOptions,
) -> dict[str, Any]:
    """All that decides what a run gives, in a form that JSON keeps."""
    starter = options.starter and model_id_of(options.starter)
    return {
        "detector": spec.name,
        "classes": list(spec.classes),
        **asdict(options),
        "starter": starter,
        "train": _digest_of(train),
        "validation": _digest_of(validation),
    }


def _digest_of(examples: Iterable[TrainingExample]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for one in examples:
        digest.update(one.frame.frame_id.encode())
        digest.update(one.annotations.boxes.tobytes())
        digest.update(one.annotations.class_id.tobytes())
        if not one.is_complete:
            digest.update(b"part")
    return digest.hexdigest()


def _check_same_run(folder: Path, have: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    other = [name for name in sorted({*have, *wanted}) if have.get(name) != wanted.get(name)]
    if other:
        told = ", ".join(f"{name} {have.get(name)!r} there" for name in other)
        raise DetectorError(
            f"{folder}: holds a training run with other arguments ({told}); take another folder"
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DetectorError(f"{path}: cannot be read; remove the folder to train anew") from error
    return content
