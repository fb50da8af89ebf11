"""Steps remember that what they made was switched off."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Nothing was, as far as is known without its receipt."""
    op.add_column("steps", sa.Column("off", sa.Boolean))
