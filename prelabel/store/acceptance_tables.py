"""The tables of labels that a rule accepted; docs/store.md tells what they are for."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from prelabel.store.tables import Number, UtcTime, Values, metadata

acceptances = Table(
    "acceptances",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("settings", Values, nullable=False),  # promises, rule, and what they rest on
)

accepted_frames = Table(
    "accepted_frames",
    metadata,
    Column(
        "acceptance",
        Integer,
        ForeignKey("acceptances.number"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("frame", Number, ForeignKey("frames.number"), primary_key=True, autoincrement=False),
    Column("part", Text, nullable=False),  # whole, half, audit_whole, audit_half
    Column("version", Integer),  # of the labels that were written; None where none were
    Column("labels", LargeBinary, nullable=False),  # the accepted boxes; packing.py tells how
    Index("acceptances_of_frame", "frame"),
)

acceptance_ends = Table(
    "acceptance_ends",
    metadata,
    Column(
        "acceptance",
        Integer,
        ForeignKey("acceptances.number"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("at", UtcTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("kind", Text, nullable=False),  # withdrawn, broken
    Column("reason", Text, nullable=False),
)
