"""How good a model's proposals were, as the people who corrected them have found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Subquery, func, select

from prelabel.store.classes import class_names
from prelabel.store.store import Store
from prelabel.store.tables import shown
from prelabel.store.work_tables import corrections, judgements, submissions, tasks
from prelabel.work.records import Action, Verdict

_COUNTED_AS = {
    Action.ACCEPTED: "right",
    Action.MOVED: "moved",
    Action.RECLASSED: "wrong",
    Action.MOVED_AND_RECLASSED: "wrong",
    Action.DELETED: "wrong",
    Action.DRAWN: "missed",
}


@dataclass(frozen=True, slots=True)
class ProposalStatistics:
    """What became of the boxes that a model proposed as one class.

    `right` were kept as they were, `moved` kept but moved, `wrong` deleted or given another class;
    `missed` boxes of the class were drawn on frames on which the model had been at work. Only
    accepted submissions count, of each task the last one.
    """

    model_id: str
    class_id: int
    class_name: str
    right: int = 0
    moved: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def proposed(self) -> int:
        """How many boxes of the class were proposed and judged."""
        return self.right + self.moved + self.wrong


def statistics(store: Store) -> list[ProposalStatistics]:
    """By model and class, in the order of their names and ids; classes never seen are left out."""
    with store.database.reading() as connection:
        names = class_names(connection)
        counts: dict[tuple[str, int], dict[str, int]] = {}
        for row in _counted(connection):
            of_class = counts.setdefault((row.model_id, row.class_id), {})
            name = _COUNTED_AS[Action(row.action)]
            of_class[name] = of_class.get(name, 0) + row.boxes
    return [
        ProposalStatistics(model_id, class_id, names[class_id], **counted)
        for (model_id, class_id), counted in sorted(counts.items())
    ]


def _counted(connection: Connection) -> Iterable[Row[Any]]:
    """Boxes by model, class and action."""
    last, boxes = _last_accepted(), func.count().label("boxes")
    proposed = (
        select(
            corrections.c.model_id,
            corrections.c.before_class.label("class_id"),
            corrections.c.action,
            boxes,
        )
        .join(last, last.c.submission == corrections.c.submission)
        .where(corrections.c.model_id.is_not(None))
        .group_by(corrections.c.model_id, corrections.c.before_class, corrections.c.action)
    )
    drawn = (
        select(
            shown.c.model_id,
            corrections.c.after_class.label("class_id"),
            corrections.c.action,
            boxes,
        )
        .select_from(corrections)
        .join(last, last.c.submission == corrections.c.submission)
        .join(tasks, tasks.c.number == last.c.task)
        .join(shown, (shown.c.round == tasks.c.round) & (shown.c.frame == tasks.c.frame))
        .where(corrections.c.action == Action.DRAWN.value)
        .group_by(shown.c.model_id, corrections.c.after_class, corrections.c.action)
    )
    return [*connection.execute(proposed), *connection.execute(drawn)]


def _last_accepted() -> Subquery:
    return (
        select(submissions.c.task, func.max(submissions.c.number).label("submission"))
        .join(judgements, judgements.c.submission == submissions.c.number)
        .where(judgements.c.verdict == Verdict.ACCEPTED.value)
        .group_by(submissions.c.task)
        .subquery()
    )
