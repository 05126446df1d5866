"""Heights of boxes seen from above, before and after people corrected them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for name in ("before_bottom_m", "before_top_m", "after_bottom_m", "after_top_m"):
        op.add_column("corrections", sa.Column(name, sa.Double))
