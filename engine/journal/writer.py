"""Group commit: one task writes, everybody else waits for it.

All records that wait while one commit syncs go into the next one, so that the cost of a sync is shared and a caller
still resumes only when its record is durable. Callers do nothing but wait: one that is cancelled cannot tear a group.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import anyio
from sqlalchemy import Connection

from engine.errors import StorageError
from engine.journal import rows, rules
from engine.journal.places import Place
from engine.journal.texts import change, epochs, put, texts
from engine.model import Record, RunState

T = TypeVar("T")

GROUP = 1000
"""Records in one commit at most: what comes later waits for the next."""

TURNS = 2
"""Turns of the loop before a commit: whoever the last one has woken adds a record to this one. Python runs one thread
at a time, so that while the loop is busy a commit would get no further anyway; when it is not, they cost nothing."""


class Entry(NamedTuple):
    """A record as rows, which run and epoch it is of, and who waits for it."""

    key: int
    epoch: int
    run: RunState
    run_row: rows.Row | None
    steps: list[rows.Row]
    events: list[rows.Row]
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class Transaction(Generic[T]):
    """Any other work that writes, in a transaction of its own."""

    work: Callable[[Connection], T]
    done: asyncio.Future[T]


class Writer:
    """The queue and the one task that drains it (`run`)."""

    def __init__(self, place: Place) -> None:
        self._place, self._loop = place, asyncio.get_running_loop()
        self._entries: deque[Entry] = deque()
        self._transactions: deque[Transaction[object]] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def record(self, record: Record) -> asyncio.Future[None]:
        """Done when the record is durable; fails with `Fenced` or another `StorageError`."""
        run, done = record.run, self._future()
        row = rows.run_row(run) if record.with_run else None
        steps = [rows.step_row(run.key, step) for step in record.steps]
        events = [rows.event_row(run.key, event) for event in record.events]
        self._entries.append(Entry(run.key, run.epoch, run, row, steps, events, done))
        self._wake.set()
        return done

    async def call(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction; its result when that is durable."""
        done: asyncio.Future[T] = self._future()
        self._transactions.append(Transaction(work, done))  # type: ignore[arg-type] # of any result
        self._wake.set()
        return await done

    def _future(self) -> asyncio.Future[Any]:
        if self._closed:
            raise StorageError("the journal is closed")
        return self._loop.create_future()

    def close(self) -> None:
        """Take nothing more; `run` ends when all that waits is written."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Drain the queue until `close`. Not cancelled from outside: receipts may still be on their way."""
        with anyio.CancelScope(shield=True):
            while not self._closed or self._entries or self._transactions:
                await self._wake.wait()
                self._wake.clear()
                while self._entries or self._transactions:
                    if self._entries:
                        for _ in range(TURNS):
                            await asyncio.sleep(0)
                        await self._commit([self._entries.popleft() for _ in range(min(GROUP, len(self._entries)))])
                    if self._transactions:
                        await self._do(self._transactions.popleft())

    async def _do(self, transaction: Transaction[object]) -> None:
        try:
            result = await self._place.transact(transaction.work)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
            _fail(transaction.done, error)
        else:
            _succeed(transaction.done, result)

    async def _commit(self, group: list[Entry]) -> None:
        try:
            stale = await self._place.transact(lambda connection: _write(connection, group))
        except StorageError as error:
            for entry in group:
                _fail(entry.done, type(error)(str(error), error.hint))  # one each: whoever raises it adds to it
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
            for entry in group:
                _fail(entry.done, error)
        else:
            for entry in stale:
                _fail(entry.done, rules.fenced(entry.run))
            for entry in group:
                _succeed(entry.done, None)


def _write(connection: Connection, group: list[Entry]) -> list[Entry]:
    """Write those records whose epoch is still their run's; the others."""
    known = epochs(connection, {entry.key for entry in group})
    kept = [entry for entry in group if known.get(entry.key) == entry.epoch]
    text = texts(connection)
    change(connection, text.run, [entry.run_row for entry in kept if entry.run_row is not None])
    steps = {row[:2]: row for entry in kept for row in entry.steps}  # a later row of a step replaces an earlier one
    put(connection, text.step, list(steps.values()))
    put(connection, text.event, [row for entry in kept for row in entry.events])
    return [entry for entry in group if known.get(entry.key) != entry.epoch] if len(kept) < len(group) else []


def _succeed(done: asyncio.Future[T], result: T) -> None:
    if not done.done():  # else whoever waited was cancelled
        done.set_result(result)


def _fail(done: asyncio.Future[T], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
