"""Tasks of a batch, edits, submissions, judgements, and what became of each proposal."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from prelabel.store.migrations.append_only import refuse_changes

revision = "0003"
down_revision = "0002"

# Tables in which rows stay as they were written, and when a row has the place of a NEW one.
APPEND_ONLY = {
    "task_skips": "task = NEW.task AND attempt = NEW.attempt AND person = NEW.person",
    "submissions": (
        "number = NEW.number OR (task = NEW.task AND person = NEW.person "
        "AND request_id = NEW.request_id)"
    ),
    "edits": (
        "task = NEW.task AND (number = NEW.number OR "
        "(person = NEW.person AND edit_id = NEW.edit_id))"
    ),
    "judgements": "submission = NEW.submission",
    "corrections": "submission = NEW.submission AND box_id = NEW.box_id",
}

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Values = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_tasks()
    _create_submissions_and_edits()
    _create_judgements_and_corrections()
    for table, taken in APPEND_ONLY.items():
        refuse_changes(table, taken)


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("frame", Number, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("copy", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("leased_until", Time),
        sa.Column("held_until", Time),
        sa.Column("sent_back_reason", sa.Text),
        sa.Column("skips", sa.Integer, nullable=False),
        sa.Column("submission", sa.Integer),
        sa.ForeignKeyConstraint(
            ["round", "frame"], ["picks.round", "picks.frame"], name="task_of_a_pick"
        ),
        sa.UniqueConstraint("round", "frame", "copy", name="tasks_copy_once"),
    )
    op.create_index("tasks_of_frame", "tasks", ["frame"])
    op.create_index("tasks_of_person", "tasks", ["person", "state"])
    op.create_index("tasks_by_state", "tasks", ["state", "round"])
    is_open = sa.text("state IN ('queued', 'in_work', 'sent_back')")
    op.create_index(
        "tasks_in_line",
        "tasks",
        ["skips", "round", "position", "copy"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "task_skips",
        sa.Column("task", sa.Integer, sa.ForeignKey("tasks.number"), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("at", Time, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )


def _create_submissions_and_edits() -> None:
    op.create_table(
        "submissions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("task", sa.Integer, sa.ForeignKey("tasks.number"), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("shown_score", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("edits", sa.Integer, nullable=False),
        sa.Column("box_count", sa.Integer, nullable=False),
        sa.Column("labels", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("task", "person", "request_id", name="submissions_request_once"),
    )
    op.create_index("submissions_of_person", "submissions", ["person"])
    op.create_table(
        "edits",
        sa.Column("task", sa.Integer, sa.ForeignKey("tasks.number"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("reviews", sa.Integer, sa.ForeignKey("submissions.number")),
        sa.Column("edit_id", sa.Text, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("received_at", Time, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("boxes", Values, nullable=False),
        sa.UniqueConstraint("task", "person", "edit_id", name="edits_once"),
    )


def _create_judgements_and_corrections() -> None:
    op.create_table(
        "judgements",
        sa.Column("submission", sa.Integer, sa.ForeignKey("submissions.number"), primary_key=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("judge", sa.Text),
        sa.Column("at", Time, nullable=False),
        sa.Column("reason", sa.Text),
    )
    geometry = ("left", "top", "right", "bottom", "angle")
    op.create_table(
        "corrections",
        sa.Column("submission", sa.Integer, sa.ForeignKey("submissions.number"), primary_key=True),
        sa.Column("box_id", sa.Text, primary_key=True),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("model_id", sa.Text),
        sa.Column("score", sa.Double),
        sa.Column("before_class", sa.Integer),
        *(sa.Column(f"before_{name}", sa.Double) for name in geometry),
        sa.Column("after_class", sa.Integer),
        *(sa.Column(f"after_{name}", sa.Double) for name in geometry),
    )
