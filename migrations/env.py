"""How Alembic runs the migrations: always on the connection that `engine.journal.opening` gives it.

A new one is written by hand after the newest in `versions/`, with the next number, and `tables.REVISION` raised to it;
`tests/test_migrations.py` shows whatever then differs from `tables.py`. Expand first; contract a release later.
"""

from alembic import context

from engine.journal.opening import VERSION_TABLE
from engine.journal.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
