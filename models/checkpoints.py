"""Files of trained weights, and the card beside each that says what it is."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from prelabel.datasets.files import write_whole
from prelabel.models.detector import DetectorError

_MODEL_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What one needs to know to load a checkpoint: the detector's name, classes and input size.

    A checkpoint that is not `trained` holds no weights, but the id of a detector that is used as
    it stands; a relative path in its name is meant from the folder of the checkpoint.
    """

    detector: str
    classes: tuple[str, ...]
    input_px: int
    trained: bool = True


def model_id_of(checkpoint: Path) -> str:
    """An id made from the bytes of a file: 16 hexadecimal digits, equal for equal weights."""
    digest = hashlib.blake2b(digest_size=_MODEL_ID_BYTES)
    with checkpoint.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def card_path(checkpoint: Path) -> Path:
    """Where the card of a checkpoint lies: beside it."""
    return checkpoint.with_name(checkpoint.name + ".json")


def write_card(checkpoint: Path, card: ModelCard) -> None:
    """Put the card beside the checkpoint, whole or not at all."""
    write_whole(card_path(checkpoint), json.dumps(asdict(card), ensure_ascii=False).encode())


def read_card(checkpoint: Path) -> ModelCard:
    """The card of a checkpoint; DetectorError where there is none or it cannot be read."""
    path = card_path(checkpoint)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return ModelCard(
            content["detector"],
            tuple(content["classes"]),
            content["input_px"],
            content.get("trained", True),
        )
    except FileNotFoundError as error:
        raise DetectorError(
            f"{checkpoint}: has no card {path.name} beside it; copy both files of a trained model"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DetectorError(f"{path}: is not the card of a trained model") from error
