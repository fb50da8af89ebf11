"""The durable store of runs: SQLite in a file, PostgreSQL for many machines, or memory for simulations.

open_journal    checks, locks, migrates, serves           __init__, opening
examine         looks at all of it, changing nothing      __init__, places
SqlJournal      ports.Journal over SQL                    sql_journal, registering, owning, sql, texts, rows, tables
Writer          one task commits for all                  writer
Place           what differs between the two stores       places, sqlite (sqlite_*, files, sidecar), postgres
MemoryJournal   ports.Journal for simulations             memory, memory_journal
what both kinds of journal agree on                       rules, pause
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import anyio
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from engine.errors import StorageError
from engine.journal import rules
from engine.journal.memory import MemoryJournal, MemoryStore
from engine.journal.opening import Health
from engine.journal.places import Place
from engine.journal.postgres import PostgresPlace
from engine.journal.sql_journal import serve, serve_reading
from engine.journal.sqlite import SqlitePlace
from engine.ports import Clock, Journal

__all__ = ["Health", "MemoryJournal", "MemoryStore", "examine", "open_journal"]


@asynccontextmanager
async def open_journal(url: str, *, command: str, clock: Clock, read_only: bool = False) -> AsyncIterator[Journal]:
    """Open the journal at `url`: a path, `sqlite+aiosqlite:///PATH`, or `postgresql+psycopg://…`.

    For writing it is made if need be, brought up to date and, in a file, locked; `command` is what others are told who
    find it locked. `read_only` takes no lock and changes nothing, and works while another process writes; where there
    is no journal yet it gives an empty one whose name is "". Raises `JournalLocked`, `JournalNewer`,
    `JournalUnreadable` or another `StorageError`.
    """
    place = _place(url, command, clock)
    if not read_only:
        opened = await anyio.to_thread.run_sync(place.open, rules.token())
        async with serve(place, opened, clock) as journal:
            yield journal
        return
    found = await anyio.to_thread.run_sync(place.look)
    if found is None:
        yield MemoryStore().open(clock, read_only=True)
    else:
        async with serve_reading(place, found, clock) as journal:
            yield journal


async def examine(url: str, *, clock: Clock) -> Health | None:
    """Examine the journal at `url` from end to end, also while another process writes; changes nothing.

    None where there is none yet. Raises `JournalUnreadable` for one that is damaged, of another version, or that may
    not be written.
    """
    return await anyio.to_thread.run_sync(_place(url, "", clock).examine)


def _place(url: str, command: str, clock: Clock) -> Place:
    if "://" not in url:
        if not Path(url).absolute().name:
            raise StorageError(f"{url} is not a file", "name a file with --store or HEADWAY_STORE")
        return SqlitePlace(Path(url), url, command=command, now=clock.wall())
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageError(
            "the place of the journal is not a URL that can be read",  # nor shown: a password may be in it
            "name a file or a PostgreSQL database with --store or HEADWAY_STORE",
        ) from None
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return SqlitePlace(Path(parsed.database), parsed.database, command=command, now=clock.wall())
    if parsed.get_backend_name() == "postgresql":
        if find_spec("psycopg") is None:
            raise StorageError("a journal on PostgreSQL needs psycopg", "install it: pip install 'headway[postgres]'")
        return PostgresPlace(parsed)
    raise StorageError(f"cannot keep a journal in {parsed.render_as_string()}", "name a file or a PostgreSQL database")
