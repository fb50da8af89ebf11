"""The journal's tables, as data. Statements are in `sql.py`, changes over time in `migrations/`.

JSON columns are plain text: the journal never looks inside. Times are epoch seconds.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

REVISION = "0003"
"""The newest migration. A journal with a higher one was written by a newer headway."""

APPLICATION_ID = 0x68647779
"""Marks an SQLite file as a journal (`PRAGMA application_id`): "hdwy"."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

BigKey = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite takes only INTEGER for the row's own number."""

SortedText = Text().with_variant(Text(collation="C"), "postgresql")
"""Sorts by code point on both stores, as Python does."""

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

scopes = Table(
    "scopes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("org", Text, nullable=False),
    Column("sandbox", Text, nullable=False),
    Column("created", Text, nullable=False),  # "" is unknown: NULLs would not be unique
    UniqueConstraint("gateway", "org", "sandbox", "created"),
)

definitions = Table(
    "definitions", metadata, Column("fingerprint", Text, primary_key=True), Column("text", Text, nullable=False)
)

runs = Table(
    "runs",
    metadata,
    Column("key", BigKey, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("workflow", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("scope", Integer, ForeignKey(scopes.c.id), nullable=False),
    Column("source", SortedText, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("suspect", Boolean, nullable=False),
    Column("doomed", Text),  # JSON
    Column("begun_by", Text),
    Column("owner", Text),
    Column("epoch", Integer, nullable=False),
    Column("batch", Integer),
    Column("failure", Text),  # JSON
    Column("created_at", Double, nullable=False),
    Column("finished_at", Double),
    Column("definition", Text, nullable=False),
    Column("inputs_print", Text, nullable=False),
    Column("inputs", Text, nullable=False),  # late: SQLite reads no further than it must
    Column("was", Text),  # JSON
    Column("formerly", Text),  # JSON
    Index(None, "shared", "source", "key"),
    Index(None, "shared", "status"),
)


@event.listens_for(runs, "after_create")
def _index_claims(_table: Table, connection: Connection, **_: Any) -> None:
    """Claiming reads one of these from a key on. They are text, as an `Index` with `postgresql_where` loads that
    dialect for every journal, a twentieth of the time to the first request."""
    for name, where in (("ix_runs_begun", "IS NOT NULL"), ("ix_runs_fresh", "IS NULL")):
        connection.execute(text(f'CREATE INDEX {name} ON runs (batch, "key") WHERE begun_by {where}'))


steps = Table(
    "steps",
    metadata,
    Column("run", BigKey, ForeignKey(runs.c.key, ondelete="CASCADE"), primary_key=True),
    Column("step", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("attempts", Text),  # JSON
    Column("tries", Integer, nullable=False),
    Column("spec", Text),
    Column("generation", Integer, nullable=False),
    Column("receipt", Text),  # JSON
    Column("failure", Text),  # JSON
    Column("due", Double),
    Column("tombstones", Text),  # JSON
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("body", Text),
    Column("off", Boolean),  # NULL: no
    sqlite_with_rowid=False,
)

history = Table(
    "history",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("run", BigKey, ForeignKey(runs.c.key, ondelete="CASCADE"), nullable=False, index=True),
    Column("step", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("name", Text, nullable=False),
    Column("detail", Text),  # JSON
)

pauses = Table(
    "pauses",
    metadata,
    Column("family", Text, primary_key=True),
    Column("until", Double, nullable=False),  # on the wall clock
    Column("seconds", Double, nullable=False),
    Column("boot", Double, nullable=False, server_default="0"),  # until when on the boot clock
)
