"""Frames that a curator has taken out of the work."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "exclusions",
        sa.Column("frame", Number, sa.ForeignKey("frames.number"), primary_key=True,
                  autoincrement=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
