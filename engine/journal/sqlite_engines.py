"""SQLAlchemy's engines for an SQLite file: its address, its pragmas, and transactions that begin where they should."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, Pool

from engine.journal.texts import driver

BUSY = 5.0
"""Seconds that a statement waits for another program that has the file locked."""

READERS = 4

# None is None: sqlite3 would search for another word for it each time, at length.
sqlite3.register_adapter(NoneType, cast("Callable[[None], None]", {}.get))


def make_engine(path: Path, mode: Mapping[str, str], *, write: bool = False, pool: type[Pool] = NullPool) -> Engine:
    """For one connection at a time. `mode`: what SQLite is told of the file, as parameters of its address."""
    engine = create_engine(_url("sqlite", path, mode), poolclass=pool, hide_parameters=True)
    _set_up(engine, write=write)
    return engine


def make_readers(path: Path, mode: Mapping[str, str]) -> AsyncEngine:
    """For a few connections that only read."""
    engine = create_async_engine(
        _url("sqlite+aiosqlite", path, mode),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=None,
        hide_parameters=True,
    )
    _set_up(engine.sync_engine, write=False)
    return engine


def _url(driver: str, path: Path, mode: Mapping[str, str]) -> URL:
    return URL.create(driver, database="file:" + quote(str(path)), query={**mode, "uri": "true"})


def _set_up(engine: Engine, *, write: bool) -> None:
    pragmas = [f"busy_timeout = {int(BUSY * 1000)}", "foreign_keys = ON", "trusted_schema = OFF"]
    if write:
        pragmas += ["journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON"]
    else:
        pragmas += ["query_only = ON"]

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # sqlite3 must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        with driver(connection) as cursor:
            cursor.execute("BEGIN IMMEDIATE" if write else "BEGIN")
