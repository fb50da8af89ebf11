"""What opening a journal does in the database: its version, its migrations, its name and identity.

Plain (not async) functions on a SQLAlchemy connection: they run once, in a worker thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, inspect, text

from engine.errors import JournalNewer, JournalOlder
from engine.journal import rules, sql, tables
from engine.journal.tables import REVISION

VERSION_TABLE = "journal_version"

MAKE_VERSION = (
    f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL, "
    f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
)
"""As Alembic makes it."""

SCRIPTS = Path(__file__).parents[2] / "migrations"
"""Beside this package in the checkout and in the wheel alike; not by name, which a folder of the user's may bear."""

_alembic = Lock()
"""Alembic keeps the migration at hand in global variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A journal that was opened: what `ports.Journal` says of itself, and its number of commits so far."""

    name: str
    process: str
    replaced: bool
    commits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A journal that was examined from end to end: the migration that it is at, and its bytes."""

    version: str
    size: int


def version(connection: Connection) -> str | None:
    """The migration that the database is at; None when it holds no journal."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return found


def check_version(connection: Connection, shown: str) -> str | None:
    """`version`, unless it is one that this headway does not know."""
    found = version(connection)
    if found is not None and found > REVISION:
        raise JournalNewer(
            f"{shown} was written by a newer headway (version {found}, this one knows {REVISION})",
            "update headway; the journal was not touched",
        )
    return found


def check_readable(connection: Connection, shown: str) -> bool:
    """Whether there is a journal to read. Raises `JournalOlder` for one that has to be migrated first."""
    found = check_version(connection, shown)
    if found is not None and found < REVISION:
        raise JournalOlder(
            f"{shown} was written by an older headway (version {found}, this one reads {REVISION})",
            "any command that writes, e.g. headway run, brings it up to date",
        )
    return found is not None


def make(connection: Connection) -> None:
    """Make the tables of a new journal as they are declared, at `REVISION`, in the connection's transaction."""
    tables.metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(MAKE_VERSION)
    connection.exec_driver_sql(f"INSERT INTO {VERSION_TABLE} VALUES ('{REVISION}')")  # noqa: S608


def migrate(connection: Connection) -> None:
    """Bring an older journal to `REVISION`, in the connection's transaction."""
    from alembic import command  # noqa: PLC0415 - 0.2 s that a journal which is new or up to date does not pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _alembic:
        command.upgrade(config, REVISION)


def read_meta(connection: Connection) -> dict[str, str]:
    """What the journal says of itself; empty before its first opening."""
    return dict(connection.execute(sql.META).all())


def settle(connection: Connection, found: dict[str, str], *, identity: str, replaced: bool, process: str) -> Opened:
    """Record the store that the journal is in now. One that was `replaced` gets a new name, and all its runs become
    suspect (rule 7). `found` is what it said of itself."""
    if not found or replaced:
        found = found | {"name": "j" + rules.token()}
    if replaced:
        connection.execute(sql.SUSPECT_ALL)
    commits = int(found.get("commits", 0)) + 1
    found = found | {"identity": identity, "commits": str(commits)}
    connection.execute(sql.SET_META, [{"key": key, "value": value} for key, value in found.items()])
    return Opened(name=found["name"], process=process, replaced=replaced, commits=commits)


def seen(found: dict[str, str], identity: str | None) -> Opened | None:
    """A journal that is only read: what it says of itself, and whether it is in its own store (None: cannot be told).
    None for one that was made, but never opened."""
    if not found:
        return None
    replaced = identity not in (None, found["identity"])
    return Opened(name=found["name"], process="", replaced=replaced, commits=int(found["commits"]))
