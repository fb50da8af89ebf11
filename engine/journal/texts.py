"""The few statements that run for every record, or for thousands of values: in the driver's own words.

SQLAlchemy's handling of a statement would cost more than the statement does. One text for both stores, but for the mark
that stands for a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from engine.journal.rules import RUN_CHANGES
from engine.journal.tables import history, runs, steps

T = TypeVar("T")

CHUNK = 500
"""Values in one `IN (…)`."""

ROWS = (64, 32, 16, 8, 4, 2, 1)
"""Rows in one statement: few sizes, so that each stays prepared, and few statements, since the interpreter is let go
once for each. 64 rows of 14 values are fewer values than the least that any SQLite takes (999)."""

KNOWN = "SELECT key, run_id, status, inputs_print, source, suspect, scope FROM runs WHERE run_id IN"
STEPS = f"SELECT {', '.join(column.name for column in steps.columns)} FROM steps WHERE run IN"  # noqa: S608
INPUTS = "SELECT key, begun_by, inputs, was, formerly, source FROM runs WHERE key IN"
EPOCHS = "SELECT key, epoch FROM runs WHERE key IN"
EPOCHS_AT_ONCE = "SELECT json_group_object(key, epoch) FROM runs WHERE key IN"
"""In one row: sqlite3 lets the interpreter go, and waits for it, once for each."""

NEW_RUN = (
    "run_id", "workflow", "variant", "scope", "source", "shared", "status", "generation", "suspect", "epoch", "batch",
    "created_at", "definition", "inputs_print", "inputs", "formerly",
)  # fmt: skip
"""What registering writes of a new run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Statements that take many rows at once; `rows.py` makes the rows."""

    new_run: Mapping[int, str]
    run: str
    step: Mapping[int, str]
    event: Mapping[int, str]


@cache
def _texts(mark: str) -> Texts:
    changes = ", ".join(f"{name} = {mark}" for name in RUN_CHANGES)
    event = [column.name for column in history.columns if column is not history.c.id]
    return Texts(
        new_run=insert(runs, NEW_RUN, mark, " ON CONFLICT (run_id) DO NOTHING"),
        run=f"UPDATE runs SET {changes} WHERE key = {mark}",  # noqa: S608
        step=upsert(steps, ("run", "step"), mark),
        event=insert(history, event, mark),
    )


def texts(connection: Connection) -> Texts:
    """For the connection's driver."""
    return _texts(mark(connection))


def mark(connection: Connection) -> str:
    """What stands for a value."""
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


def insert(table: Table, columns: Sequence[str], mark: str, tail: str = "") -> Mapping[int, str]:
    """Insert rows, by their number. All names are our own."""
    head = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "  # noqa: S608
    row = f"({', '.join([mark] * len(columns))})"
    return {size: f"{head}{', '.join([row] * size)}{tail}" for size in ROWS}


def upsert(table: Table, keys: Sequence[str], mark: str) -> Mapping[int, str]:
    """Insert full rows, or replace all of them but their keys. No row may occur twice."""
    columns = [column.name for column in table.columns]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    return insert(table, columns, mark, f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}")


@contextmanager
def driver(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor, within the connection's transaction. Its errors are raised as SQLAlchemy's."""
    try:
        yield connection.connection.cursor()
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(None, None, error) from error


def put(connection: Connection, texts: Mapping[int, str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert any number of rows."""
    start = 0
    with driver(connection) as cursor:
        for size in ROWS:
            while len(rows) - start >= size:
                cursor.execute(texts[size], tuple(chain.from_iterable(rows[start : start + size])))
                start += size


def change(connection: Connection, text: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Execute a statement for each of some rows."""
    if rows:
        with driver(connection) as cursor:
            cursor.executemany(text, rows)


def among(connection: Connection, statement: str, values: Sequence[object], tail: str = "") -> Iterator[Any]:
    """The rows of a statement that ends in `IN`, for any number of values."""
    for chunk in chunks(values, CHUNK):
        marks = ", ".join([mark(connection)] * len(chunk))
        yield from connection.exec_driver_sql(f"{statement} ({marks}){tail}", tuple(chunk))


def chunks(values: Sequence[T], size: int) -> Iterator[list[T]]:
    """Consecutive parts of a sequence."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def epochs(connection: Connection, keys: Collection[int]) -> dict[int, int]:
    """The epochs of some runs, which nobody changes until the transaction ends: a server locks them, in one order; an
    SQLite transaction that writes is alone anyway."""
    lite = connection.dialect.name == "sqlite"
    select, tail = (EPOCHS_AT_ONCE, "") if lite else (EPOCHS, " ORDER BY key FOR NO KEY UPDATE")
    found: dict[int, int] = {}
    with driver(connection) as cursor:
        for chunk in chunks(sorted(keys), CHUNK):
            size = 1 << (len(chunk) - 1).bit_length()  # few sizes here, too: the last key is named several times
            marks = ", ".join([mark(connection)] * size)
            cursor.execute(f"{select} ({marks}){tail}", chunk + chunk[-1:] * (size - len(chunk)))
            if lite:
                found.update((int(key), epoch) for key, epoch in orjson.loads(cursor.fetchone()[0]).items())
            else:
                found.update(cursor.fetchall())
    return found
