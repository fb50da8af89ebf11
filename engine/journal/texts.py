"""The few statements that run for every record, or for thousands of values: in the driver's own words.

SQLAlchemy's handling of parameters would cost more than the statements do. One text for both stores, but for the mark
that stands for a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Table

from engine.journal.rules import RUN_CHANGES
from engine.journal.tables import history, runs, steps

T = TypeVar("T")

CHUNK = 500
"""Values in one `IN (…)`."""

KNOWN = "SELECT key, run_id, status, inputs_print, definition, source, suspect, scope FROM runs WHERE run_id IN"
STEPS = f"SELECT {', '.join(column.name for column in steps.columns)} FROM steps WHERE run IN"  # noqa: S608
EPOCHS = "SELECT key, epoch FROM runs WHERE key IN"

NEW_RUN = (
    "run_id", "workflow", "variant", "scope", "source", "shared", "status", "generation", "suspect", "epoch", "batch",
    "created_at", "definition", "inputs_print", "inputs",
)  # fmt: skip
"""What registering writes of a new run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Statements that take many rows at once; `rows.py` makes the rows."""

    new_run: str
    run: str
    step: str
    event: str


@cache
def _texts(mark: str) -> Texts:
    changes = ", ".join(f"{name} = {mark}" for name in RUN_CHANGES)
    event = [column.name for column in history.columns if column is not history.c.id]
    return Texts(
        new_run=f"{insert(runs, NEW_RUN, mark)} ON CONFLICT (run_id) DO NOTHING",
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


def insert(table: Table, columns: Sequence[str], mark: str) -> str:
    """Insert a row. All names are our own."""
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})"  # noqa: S608


def upsert(table: Table, keys: Sequence[str], mark: str) -> str:
    """Insert a full row, or replace all of it but its keys."""
    columns = [column.name for column in table.columns]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    return f"{insert(table, columns, mark)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"


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
    tail = "" if connection.dialect.name == "sqlite" else " ORDER BY key FOR NO KEY UPDATE"
    return dict(among(connection, EPOCHS, sorted(keys), tail))
