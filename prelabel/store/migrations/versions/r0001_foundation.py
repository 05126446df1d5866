"""Classes, frames, label versions, events, rounds, models and batches."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from prelabel.store.migrations.append_only import refuse_changes

revision = "0001"
down_revision = None

# Tables in which rows stay as they were written, and when a row has the place of a NEW one.
APPEND_ONLY = {
    "classes": "class_id = NEW.class_id OR name = NEW.name",
    "events": "number = NEW.number",
    "label_versions": "frame = NEW.frame AND number = NEW.number",
    "models": "number = NEW.number OR model_id = NEW.model_id",
    "batches": "round = NEW.round",
    "picks": "round = NEW.round AND (position = NEW.position OR frame = NEW.frame)",
}

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Values = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_frames_and_events()
    _create_rounds_and_versions()
    _create_models_and_batches()
    for table, taken in APPEND_ONLY.items():
        refuse_changes(table, taken)


def _create_frames_and_events() -> None:
    op.create_table(
        "classes",
        sa.Column("class_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "frames",
        sa.Column("number", Number, primary_key=True, autoincrement=False),
        sa.Column("frame_id", sa.Text, nullable=False, unique=True),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("width_px", sa.Integer, nullable=False),
        sa.Column("height_px", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("split", sa.Text, nullable=False),
        sa.Column("group_name", sa.Text),
        sa.Column("sequence_name", sa.Text),
        sa.Column("sequence_index", Number),
        sa.Column("calibration", Values),
        sa.Column("label_version", sa.Integer),
    )
    op.create_table(
        "events",
        sa.Column("number", Number, primary_key=True, autoincrement=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("frame", Number, sa.ForeignKey("frames.number")),
        sa.Column("details", Values, nullable=False),
        sa.Column("labels", sa.LargeBinary),
    )
    op.create_index("events_of_frame", "events", ["frame", "number"])


def _create_rounds_and_versions() -> None:
    op.create_table(
        "rounds",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("settings", Values, nullable=False),
        sa.Column("finished_at", Time),
        sa.Column("figures", Values),
    )
    op.create_table(
        "label_versions",
        sa.Column("frame", Number, sa.ForeignKey("frames.number"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", Number, sa.ForeignKey("events.number"), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("round", sa.Integer, sa.ForeignKey("rounds.number")),
        sa.Column("box_count", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )


def _create_models_and_batches() -> None:
    op.create_table(
        "models",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model_id", sa.Text, nullable=False, unique=True),
        sa.Column("detector", sa.Text, nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
        sa.Column("train_frames", sa.Integer, nullable=False),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("validation_map50", sa.Double),
        sa.Column("round", sa.Integer, sa.ForeignKey("rounds.number")),
        sa.Column("added_at", Time, nullable=False),
    )
    op.create_table(
        "batches",
        sa.Column("round", sa.Integer, sa.ForeignKey("rounds.number"), primary_key=True),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("at", Time, nullable=False),
    )
    op.create_table(
        "picks",
        sa.Column("round", sa.Integer, sa.ForeignKey("batches.round"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("frame", Number, sa.ForeignKey("frames.number"), nullable=False),
        sa.Column("score", sa.Double),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("cost_s", sa.Double, nullable=False),
        sa.Column("is_control", sa.Boolean, nullable=False),
        sa.UniqueConstraint("round", "frame", name="picks_frame_once"),
    )
