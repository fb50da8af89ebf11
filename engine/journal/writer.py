"""Group commit: one task writes, everybody else waits for it.

All records that wait while one commit syncs go into the next one, so that the cost of a sync is shared and a caller
still resumes only when its record is durable. Callers do nothing but wait: one that is cancelled cannot tear a group.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.errors import StorageError
from engine.journal import rows, rules, sql
from engine.model import Record, RunState

T = TypeVar("T")

Transaction = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Begins a transaction; leaving it commits, durably. Raises `StorageError` when it cannot."""

GROUP = 1000
"""Records in one commit at most: what comes later waits for the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record as rows, and who waits for it."""

    run: RunState
    run_row: rows.Row | None
    steps: list[rows.Row]
    events: list[rows.Row]
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[T]):
    """Any other work that needs the connection for writing, in a transaction of its own."""

    work: Callable[[AsyncConnection], Awaitable[T]]
    done: asyncio.Future[T]


class Writer:
    """The queue and the one task that drains it (`run`)."""

    def __init__(self, transaction: Transaction, marks: str) -> None:
        self._transaction, self._texts = transaction, sql.group_texts(marks)
        self._entries: deque[Entry] = deque()
        self._jobs: deque[Job[object]] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    async def record(self, record: Record) -> None:
        """Durable on return; raises `Fenced` or another `StorageError`."""
        run = record.run
        done: asyncio.Future[None] = self._queue_open()
        entry = Entry(
            run=run,
            run_row=rows.run_row(run) if record.with_run else None,
            steps=[rows.step_row(run.key, step) for step in record.steps],
            events=[rows.event_row(run.key, event) for event in record.events],
            done=done,
        )
        self._entries.append(entry)
        self._wake.set()
        await done

    async def call(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do `work` in a transaction; its result when that is durable."""
        done: asyncio.Future[T] = self._queue_open()
        self._jobs.append(Job(work=work, done=done))  # type: ignore[arg-type]
        self._wake.set()
        return await done

    def _queue_open(self) -> asyncio.Future[T]:
        if self._closed:
            raise StorageError("the journal is closed")
        return asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """Take nothing more; `run` ends when all that waits is written."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Drain the queue until `close`. Not cancelled from outside: receipts may still be on their way."""
        with anyio.CancelScope(shield=True):
            while not self._closed or self._entries or self._jobs:
                await self._wake.wait()
                self._wake.clear()
                while self._entries or self._jobs:
                    if self._entries:
                        await self._commit(self._take_group())
                    if self._jobs:
                        await self._do(self._jobs.popleft())

    def _take_group(self) -> list[Entry]:
        return [self._entries.popleft() for _ in range(min(GROUP, len(self._entries)))]

    async def _do(self, job: Job[object]) -> None:
        try:
            async with self._transaction() as connection:
                result = await job.work(connection)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
            _fail(job.done, error)
        else:
            if not job.done.done():
                job.done.set_result(result)

    async def _commit(self, group: list[Entry]) -> None:
        try:
            async with self._transaction() as connection:
                kept = await self._fence(connection, group)
                await self._write(connection, kept)
        except StorageError as error:
            for entry in group:
                _fail(entry.done, type(error)(str(error), error.hint))  # one each: tasks that raise it add to it
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
            for entry in group:
                _fail(entry.done, error)
        else:
            for entry in kept:
                if not entry.done.done():
                    entry.done.set_result(None)

    async def _fence(self, connection: AsyncConnection, group: list[Entry]) -> list[Entry]:
        """Those whose epoch is still the run's; the others are told that they are fenced."""
        found = await connection.execute(sql.FENCE, {"keys": list({entry.run.key for entry in group})})
        epochs = dict(found.tuples().all())
        kept = []
        for entry in group:
            if epochs.get(entry.run.key) == entry.run.epoch:
                kept.append(entry)
            else:
                _fail(entry.done, rules.fenced(entry.run))
        return kept

    async def _write(self, connection: AsyncConnection, group: list[Entry]) -> None:
        for text, values in (
            (self._texts.run, [entry.run_row for entry in group if entry.run_row is not None]),
            (self._texts.step, [row for entry in group for row in entry.steps]),
            (self._texts.event, [row for entry in group for row in entry.events]),
        ):
            if values:
                await connection.exec_driver_sql(text, values)


def _fail(done: asyncio.Future[T], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
