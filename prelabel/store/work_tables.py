"""The tables of people's work on batches; docs/store.md tells what they are for."""

from sqlalchemy import (
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from prelabel.store.tables import Number, UtcTime, Values, metadata, picks

# States in which a task still asks for somebody's work, as partial indexes and queries spell them.
OPEN_STATES = ("queued", "in_work", "sent_back")
_IS_OPEN = text("state IN ('queued', 'in_work', 'sent_back')")

tasks = Table(
    "tasks",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("round", Integer, nullable=False),
    Column("frame", Number, nullable=False),
    Column("position", Integer, nullable=False),  # of the pick in its batch
    Column("copy", Integer, nullable=False),  # from 0; more than one where people are compared
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),  # from 1; raised each time it is queued again
    Column("person", Text),  # who has it, or had it last
    Column("leased_until", UtcTime),
    Column("held_until", UtcTime),  # sent back: others may take it from then on
    Column("sent_back_reason", Text),
    Column("skips", Integer, nullable=False),
    Column("submission", Integer),  # the newest one of this attempt
    ForeignKeyConstraint(["round", "frame"], [picks.c.round, picks.c.frame], "task_of_a_pick"),
    UniqueConstraint("round", "frame", "copy", name="tasks_copy_once"),
    Index("tasks_of_frame", "frame"),
    Index("tasks_of_person", "person", "state"),
    Index("tasks_by_state", "state", "round"),
    Index(
        "tasks_in_line",
        "skips",
        "round",
        "position",
        "copy",
        sqlite_where=_IS_OPEN,
        postgresql_where=_IS_OPEN,
    ),
)

task_skips = Table(
    "task_skips",
    metadata,
    Column("task", Integer, ForeignKey("tasks.number"), primary_key=True, autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("person", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
)

submissions = Table(
    "submissions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("task", Integer, ForeignKey("tasks.number"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("shown_score", Double, nullable=False),
    Column("seconds", Double),  # active time of the person on this task so far
    Column("edits", Integer, nullable=False),  # number of the last edit that is in it
    Column("box_count", Integer, nullable=False),
    Column("labels", LargeBinary, nullable=False),  # packing.py tells how
    UniqueConstraint("task", "person", "request_id", name="submissions_request_once"),
    Index("submissions_of_person", "person"),
)

edits = Table(
    "edits",
    metadata,
    Column("task", Integer, ForeignKey("tasks.number"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1 in each task
    Column("person", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reviews", Integer, ForeignKey("submissions.number")),  # made while judging this one
    Column("edit_id", Text, nullable=False),
    Column("at", UtcTime, nullable=False),  # by the clock of the person's computer
    Column("received_at", UtcTime, nullable=False),
    Column("action", Text, nullable=False),
    Column("boxes", Values, nullable=False),  # a list each: folding.py tells what
    UniqueConstraint("task", "person", "edit_id", name="edits_once"),
)

judgements = Table(
    "judgements",
    metadata,
    Column(
        "submission",
        Integer,
        ForeignKey("submissions.number"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("verdict", Text, nullable=False),  # accepted, sent_back
    Column("judge", Text),  # None: accepted by the rule, without a reviewer
    Column("at", UtcTime, nullable=False),
    Column("reason", Text),
)

corrections = Table(
    "corrections",
    metadata,
    Column(
        "submission",
        Integer,
        ForeignKey("submissions.number"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("box_id", Text, primary_key=True),
    Column("action", Text, nullable=False),
    Column("model_id", Text),  # None: no detector proposed it
    Column("score", Double),
    *(
        Column(f"{when}_{name}", Integer if name == "class" else Double)
        for when in ("before", "after")
        for name in ("class", "left", "top", "right", "bottom", "angle")
    ),
    # Of boxes seen from above, where somebody has said their height.
    *(
        Column(f"{when}_{name}", Double)
        for when in ("before", "after")
        for name in ("bottom_m", "top_m")
    ),
)
