"""Tables of people: who they are, how they log in, what they read, when they work, who is told."""

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text

from prelabel.store.tables import Number, UtcTime, Values, metadata

people = Table(
    "people",
    metadata,
    Column("name", Text, primary_key=True),
    Column("name_key", Text, nullable=False, unique=True),  # equal where only the case differs
    Column("role", Text, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("has_login", Boolean, nullable=False),  # ever had a password or a link
    Column("password_hash", Text),
    Column("login_number", Integer, nullable=False),  # grows when all sessions so far must end
)

login_links = Table(
    "login_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.name"), nullable=False, index=True),
    Column("expires_at", UtcTime, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.name"), nullable=False, index=True),
    Column("login_number", Integer, nullable=False),  # the person's, when the session began
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),  # moves on with use
    Column("ends_at", UtcTime, nullable=False),  # stays
)

guidelines = Table(
    "guidelines",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

activity = Table(
    "activity",
    metadata,
    Column("person", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),  # the client's, so that sending twice is harmless
    Column("task", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    # Milliseconds since 1970, as clients tell them and as both databases can add them up.
    Column("told_ms", Number, nullable=False),  # by the client's clock
    Column("at_ms", Number, nullable=False),  # the same, never later than its arrival
    Column("received_ms", Number, nullable=False),
    Index("activity_of_task", "task", "person"),
    Index("activity_of_person", "person", "at_ms"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("url", Text, nullable=False),
    Column("kinds", Values, nullable=False),
    Column("secret", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
    Column("busy_until", UtcTime),  # a process delivers to it, or did last
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("delivery_id", Text, nullable=False, unique=True),
    Column("webhook", Integer, ForeignKey("webhooks.number"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("queued_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Index("deliveries_due", "webhook", "state", "next_at"),
)

delivery_tries = Table(
    "delivery_tries",
    metadata,
    Column(
        "delivery",
        Number,
        ForeignKey("deliveries.number"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("status", Integer),  # None: there was no answer
    Column("answer", Text, nullable=False),  # its beginning, or why there was none
)
