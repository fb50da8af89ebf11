"""How Alembic runs the migrations: always on the connection that `engine.journal.opening` gives it.

To write a new one: `python -m migrations "what it does"` compares the tables with the newest migration.
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
