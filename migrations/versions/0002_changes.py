"""What a run had before: inputs that steps may still have, and names of its source."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add them."""
    op.add_column("runs", sa.Column("was", sa.Text))
    op.add_column("runs", sa.Column("formerly", sa.Text))
