"""What label errors a project is suspected of, and what people answered, as files of its own."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.suspects import Suspect
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.files import write_whole
from prelabel.workspace import Workspace

_SUSPECTS = "suspects.json"
_ANSWERS = "answers.jsonl"
_COPIES = "copies.json"
_SENT = "sent.jsonl"
_NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class KeptSuspects:
    """All suspects by frame id, and when they were found; "" as long as nobody looked."""

    made_at: str
    by_frame: Mapping[str, Sequence[Suspect]]


@dataclass(frozen=True, slots=True)
class KeptCopies:
    """Two frames that are nearly the same picture; `leaks`: they are in different splits."""

    first_id: str
    second_id: str
    likeness: float
    leaks: bool


def write_copies(workspace: Workspace, copies: Sequence[KeptCopies]) -> None:
    """Keep the near-duplicates in place of earlier ones."""
    path = errors_folder(workspace) / _COPIES
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps([asdict(one) for one in copies]).encode())


def read_copies(workspace: Workspace) -> list[KeptCopies]:
    """What `write_copies` kept; nothing as long as nobody looked."""
    path = errors_folder(workspace) / _COPIES
    if not path.exists():
        return []
    return [KeptCopies(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a suspect, as it was when people were asked, is an error, and who says so."""

    suspect: Suspect
    is_error: bool
    by: str


def errors_folder(workspace: Workspace) -> Path:
    """Where suspects, answers and the cross-validated trainings of a project lie."""
    return workspace.folder / "errors"


def write_newest(workspace: Workspace, name: str) -> None:
    """Note the folder, below the errors folder, of the last cross-validation that ended."""
    write_whole(errors_folder(workspace) / _NEWEST, name.encode())


def read_newest(workspace: Workspace) -> str | None:
    """What `write_newest` noted; None as long as no cross-validation has ended."""
    path = errors_folder(workspace) / _NEWEST
    return path.read_text(encoding="utf-8") if path.exists() else None


def write_suspects(workspace: Workspace, suspects: Sequence[Suspect], made_at: str) -> Path:
    """Keep the suspects, most probable first, in place of earlier ones; the file."""
    path = errors_folder(workspace) / _SUSPECTS
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"made_at": made_at, "suspects": [asdict(one) for one in suspects]}
    write_whole(path, json.dumps(content).encode())
    return path


def read_suspects(workspace: Workspace) -> KeptSuspects:
    """What `write_suspects` kept; BadInputError where the file is damaged."""
    path = errors_folder(workspace) / _SUSPECTS
    if not path.exists():
        return KeptSuspects("", {})
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        by_frame: dict[str, list[Suspect]] = {}
        for row in content["suspects"]:
            by_frame.setdefault(row["frame_id"], []).append(_suspect(row))
        return KeptSuspects(content["made_at"], by_frame)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            f"{path}: cannot be read: {error}; run `prelabel errors` anew"
        ) from error


@dataclass(frozen=True, slots=True)
class Sent:
    """A suspect that people were asked about, and the frame's label version at that time.

    `audit` names the audit that it was drawn for; None where it was sent for its probability.
    """

    suspect: Suspect
    version: int
    audit: str | None


def add_sent(workspace: Workspace, sent: Sequence[Sent]) -> None:
    """Note what people are asked about; it is on the disk when this returns."""
    rows = [
        {"suspect": asdict(one.suspect), "version": one.version, "audit": one.audit} for one in sent
    ]
    _append(errors_folder(workspace) / _SENT, rows)


def read_sent(workspace: Workspace) -> list[Sent]:
    """All that people were asked about, oldest first."""
    return [
        Sent(_suspect(row["suspect"]), row["version"], row["audit"])
        for row in _lines(errors_folder(workspace) / _SENT)
    ]


def keep_audit(workspace: Workspace, name: str, suspects: Sequence[Suspect]) -> None:
    """Keep what an audit's sample is drawn from."""
    path = errors_folder(workspace) / f"audit-{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps([asdict(one) for one in suspects]).encode())


def read_audit(workspace: Workspace, name: str) -> list[Suspect]:
    """What the sample of an audit was drawn from."""
    path = errors_folder(workspace) / f"audit-{name}.json"
    return [_suspect(row) for row in json.loads(path.read_text(encoding="utf-8"))]


def add_answers(workspace: Workspace, answers: Sequence[Answer]) -> None:
    """Append answers; they are on the disk when this returns."""
    _append(errors_folder(workspace) / _ANSWERS, [asdict(one) for one in answers])


def read_answers(workspace: Workspace) -> list[Answer]:
    """All answers, the latest of each suspect only."""
    latest: dict[str, Answer] = {}
    for row in _lines(errors_folder(workspace) / _ANSWERS):
        answer = Answer(_suspect(row["suspect"]), row["is_error"], row["by"])
        latest[answer.suspect.suspect_id] = answer
    return list(latest.values())


def _suspect(row: dict[str, Any]) -> Suspect:
    of_tuples = {name: tuple(row[name]) for name in ("xyxy", "evidence")}
    return Suspect(**row | of_tuples | {"kind": ErrorKind(row["kind"])})


def _append(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":
                file.write(b"\n")  # a line that a kill cut off stays alone
        file.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
        file.flush()
        os.fsync(file.fileno())


def _lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; a line that a kill cut off is left out."""
    rows: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with suppress(ValueError):
            rows.append(json.loads(line))
    return rows
