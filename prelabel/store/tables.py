"""The tables as the newest migration leaves them; docs/store.md tells what they are for."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from prelabel.datasets.errors import InvalidValueError


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC to the microsecond; SQLite keeps it as text without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise InvalidValueError(f"times need a zone, but {value} has none")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


# SQLite makes a column its fast row number only where the type is spelled INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")
Values = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

metadata = MetaData()

classes = Table(
    "classes",
    metadata,
    Column("class_id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
)

frames = Table(
    "frames",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("frame_id", Text, nullable=False, unique=True),
    Column("uri", Text, nullable=False),
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("split", Text, nullable=False),
    Column("group_name", Text),
    Column("sequence_name", Text),
    Column("sequence_index", Number),
    Column("calibration", Values),
    Column("label_version", Integer),  # the current one, None: not labelled
)

events = Table(
    "events",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("frame", Number, ForeignKey("frames.number")),
    Column("details", Values, nullable=False),
    Column("labels", LargeBinary),  # packing.py tells how; only where labels were written
    Index("events_of_frame", "frame", "number"),
)

rounds = Table(
    "rounds",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("author", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("settings", Values, nullable=False),
    Column("finished_at", UtcTime),
    Column("figures", Values),
)

label_versions = Table(
    "label_versions",
    metadata,
    Column("frame", Number, ForeignKey("frames.number"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", Number, ForeignKey("events.number"), nullable=False),
    Column("author", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("seconds", Double),
    Column("round", Integer, ForeignKey("rounds.number")),
    Column("box_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

models = Table(
    "models",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("model_id", Text, nullable=False, unique=True),
    Column("detector", Text, nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("train_frames", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("validation_map50", Double),
    Column("round", Integer, ForeignKey("rounds.number")),
    Column("added_at", UtcTime, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("round", Integer, ForeignKey("rounds.number"), primary_key=True, autoincrement=False),
    Column("strategy", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
)

picks = Table(
    "picks",
    metadata,
    Column("round", Integer, ForeignKey("batches.round"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("frame", Number, ForeignKey("frames.number"), nullable=False),
    Column("score", Double),
    Column("reason", Text, nullable=False),
    Column("cost_s", Double, nullable=False),
    Column("is_control", Boolean, nullable=False),
    UniqueConstraint("round", "frame", name="picks_frame_once"),
)

exclusions = Table(
    "exclusions",
    metadata,
    Column("frame", Number, ForeignKey("frames.number"), primary_key=True, autoincrement=False),
    Column("author", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
)

shown = Table(
    "shown",
    metadata,
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("frame", Number, primary_key=True, autoincrement=False),
    Column("model_id", Text, nullable=False),
    Column("shown_score", Double, nullable=False),
    Column("proposals", LargeBinary, nullable=False),  # packing.py tells how
    Column("uncertainty", LargeBinary, nullable=False),  # n x f4, little-endian
    ForeignKeyConstraint(["round", "frame"], [picks.c.round, picks.c.frame], "shown_on_a_pick"),
)

adoptions = Table(
    "adoptions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("model", Integer, ForeignKey("models.number"), nullable=False),
    Column("round", Integer, ForeignKey("rounds.number")),
    Column("at", UtcTime, nullable=False),
)
