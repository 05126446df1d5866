"""Labels that a rule accepted, and what became of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from prelabel.store.migrations.append_only import refuse_changes

revision = "0005"
down_revision = "0004"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Values = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "acceptances",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("settings", Values, nullable=False),
    )
    refuse_changes("acceptances", "number = NEW.number")
    acceptance = sa.ForeignKey("acceptances.number")
    op.create_table(
        "accepted_frames",
        sa.Column("acceptance", sa.Integer, acceptance, primary_key=True, autoincrement=False),
        sa.Column(
            "frame", Number, sa.ForeignKey("frames.number"), primary_key=True, autoincrement=False
        ),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("labels", sa.LargeBinary, nullable=False),
    )
    op.create_index("acceptances_of_frame", "accepted_frames", ["frame"])
    refuse_changes("accepted_frames", "acceptance = NEW.acceptance AND frame = NEW.frame")
    op.create_table(
        "acceptance_ends",
        sa.Column(
            "acceptance",
            sa.Integer,
            sa.ForeignKey("acceptances.number"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("at", Time, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    refuse_changes("acceptance_ends", "acceptance = NEW.acceptance")
