"""People, links, sessions, guidelines, activity, webhooks and their deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from prelabel.store.migrations.append_only import refuse_changes

revision = "0004"
down_revision = "0003"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Values = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_people()
    _create_guidelines_and_activity()
    _create_webhooks()
    refuse_changes("guidelines", "number = NEW.number")
    refuse_changes("activity", "person = NEW.person AND event_id = NEW.event_id")
    refuse_changes("delivery_tries", "delivery = NEW.delivery AND number = NEW.number")


def _create_people() -> None:
    op.create_table(
        "people",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("name_key", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("added_at", Time, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("has_login", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("login_number", sa.Integer, nullable=False),
    )
    op.create_table(
        "login_links",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, sa.ForeignKey("people.name"), nullable=False, index=True),
        sa.Column("expires_at", Time, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, sa.ForeignKey("people.name"), nullable=False, index=True),
        sa.Column("login_number", sa.Integer, nullable=False),
        sa.Column("seen_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.Column("ends_at", Time, nullable=False),
    )


def _create_guidelines_and_activity() -> None:
    op.create_table(
        "guidelines",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", Time, nullable=False),
    )
    op.create_table(
        "activity",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("task", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("told_ms", Number, nullable=False),
        sa.Column("at_ms", Number, nullable=False),
        sa.Column("received_ms", Number, nullable=False),
    )
    op.create_index("activity_of_task", "activity", ["task", "person"])
    op.create_index("activity_of_person", "activity", ["person", "at_ms"])


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kinds", Values, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("added_at", Time, nullable=False),
        sa.Column("removed_at", Time),
        sa.Column("busy_until", Time),
    )
    op.create_table(
        "deliveries",
        sa.Column("number", Number, primary_key=True, autoincrement=False),
        sa.Column("delivery_id", sa.Text, nullable=False, unique=True),
        sa.Column("webhook", sa.Integer, sa.ForeignKey("webhooks.number"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("queued_at", Time, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", Time, nullable=False),
    )
    op.create_index("deliveries_due", "deliveries", ["webhook", "state", "next_at"])
    op.create_table(
        "delivery_tries",
        sa.Column("delivery", Number, sa.ForeignKey("deliveries.number"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.Text, nullable=False),
    )
