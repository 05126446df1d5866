"""Scores that something else than a strategy gave: a table of frames, values and reasons."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from prelabel.active.frame_score import FrameScore
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.scoring import Scored, StrategyError
from prelabel.datasets.errors import BadInputError, InvalidValueError
from prelabel.datasets.files import write_whole

_COLUMNS = ("frame_id", "score", "reason")
NOT_TOLD = "no score was given for it"


@dataclass(frozen=True, slots=True)
class GivenScores:
    """Scores by frame, and a digest of the file they are from."""

    by_frame: Mapping[str, FrameScore]
    digest: str


def write_scores(path: Path, scores: Iterable[FrameScore]) -> None:
    """A CSV file with the columns frame_id, score and reason, the highest score first."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    for one in sorted(scores, key=lambda one: (-one.score, one.frame_id)):
        table.writerow((one.frame_id, repr(float(one.score)), one.reason))
    write_whole(path, text.getvalue().encode())


def read_scores(path: Path) -> GivenScores:
    """What `write_scores`, or anybody, wrote; BadInputError naming the line that is wrong."""
    try:
        content = path.read_bytes()
        table = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        missing = set(_COLUMNS) - set(table.fieldnames or ())
        if missing:
            raise BadInputError(
                f"{path}: line 1: has no column {', '.join(sorted(missing))}: the first line must "
                f"name {', '.join(_COLUMNS)}"
            )
        found = {}
        for row in table:
            found[row["frame_id"]] = _score(path, table.line_num, row)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path}: is no table of scores: {error}") from error
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    return GivenScores(MappingProxyType(found), digest)


def _score(path: Path, line: int, row: Mapping[str, str | None]) -> FrameScore:
    try:
        return FrameScore(row["frame_id"] or "", float(row["score"] or ""), row["reason"] or "")
    except (ValueError, InvalidValueError) as error:
        raise BadInputError(f"{path}: line {line}: {error}") from error


@dataclass(frozen=True, slots=True)
class Given:
    """The scores that the pool was given; 0 for frames that the table says nothing of.

    Raises StrategyError where there is no table.
    """

    name: str = "given"
    needs: frozenset[Need] = frozenset({Need.GIVEN})

    def of(self, pool: Pool) -> Scored:
        told = pool.given
        if told is None and len(pool):
            raise StrategyError(
                "strategy given takes its scores from a table: name the file as "
                "`selection: {scores: FILE}` in prelabel.yaml"
            )
        table = told or {}
        values = np.array([table[one].score if one in table else 0.0 for one in pool.frame_ids])

        def reasons(rows: Rows) -> list[str]:
            ids = [pool.frame_ids[row] for row in rows]
            return [table[one].reason if one in table else NOT_TOLD for one in ids]

        return Scored(values, reasons)
