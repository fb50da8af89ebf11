"""Pauses end on the boot clock, too, which nobody sets."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Those of before end on the wall clock alone."""
    op.add_column("pauses", sa.Column("boot", sa.Double, nullable=False, server_default="0"))
