"""What was proposed on the frames of each batch, and which model was in use when."""

import sqlalchemy as sa
from alembic import op

from prelabel.store.migrations.append_only import refuse_changes

revision = "0002"
down_revision = "0001"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "shown",
        sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("frame", Number, primary_key=True, autoincrement=False),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("shown_score", sa.Double, nullable=False),
        sa.Column("proposals", sa.LargeBinary, nullable=False),
        sa.Column("uncertainty", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["round", "frame"], ["picks.round", "picks.frame"], name="shown_on_a_pick"
        ),
    )
    refuse_changes("shown", "round = NEW.round AND frame = NEW.frame")
    op.create_table(
        "adoptions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model", sa.Integer, sa.ForeignKey("models.number"), nullable=False),
        sa.Column("round", sa.Integer, sa.ForeignKey("rounds.number")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    # Until now each model came into use when it was added, and stayed until the next one.
    op.execute("INSERT INTO adoptions SELECT number, number, round, added_at FROM models")
    refuse_changes("adoptions", "number = NEW.number")
