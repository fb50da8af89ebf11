"""The journal over SQL: `ports.Journal`, one code for SQLite and PostgreSQL.

Whatever writes goes through the writer's one connection; reading has connections of its own, and holds one only for a
page at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import TypeVar

import anyio
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.journal import registering, rows, rules, sql
from engine.journal.opening import Opened
from engine.journal.owning import Owning
from engine.journal.pause import Pause, running
from engine.journal.places import Place
from engine.journal.texts import KNOWN, among, chunks
from engine.journal.writer import Writer
from engine.model import Event, Known, NewRun, Record, RunState, RunStatus, Scope
from engine.ports import Clock, Standing

T = TypeVar("T")

PAGE = 200
"""Runs that reading holds in memory at once."""


class SqlJournal:
    """One opening of a journal; satisfies `engine.ports.Journal`. Made by `serve`."""

    def __init__(self, place: Place, opened: Opened, clock: Clock, readers: AsyncEngine, writer: Writer | None) -> None:
        self.name, self.process, self.replaced = opened.name, opened.process, opened.replaced
        self._place, self._clock, self._readers, self._writer = place, clock, readers, writer
        self._owning = Owning(place=place, process=opened.process)
        self._defined: set[str] = set()

    async def _write(self, work: Callable[[Connection], T]) -> T:
        if self._writer is None:
            raise rules.reading_only()
        return await self._writer.call(work)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        """A page is read to its end where only this machine is asked: a connection that is cut off at work leaves a
        closing behind that never ends (SQLAlchemy over aiosqlite), and for which the event loop waits."""
        try:
            with anyio.CancelScope(shield=self._place.local):
                async with self._readers.connect() as connection:
                    found = await connection.run_sync(work)
        except (DBAPIError, OSError) as error:
            raise self._place.explain(error) from error
        return found

    # --- registering --------------------------------------------------------------------------------------------------

    async def new_batch(self) -> int:
        def work(connection: Connection) -> int:
            number: int = connection.execute(sql.NEW_BATCH).scalar_one()
            return number

        return await self._write(work)

    async def register(
        self, batch: int, runs: Sequence[NewRun], changing: Collection[str] = ()
    ) -> Sequence[tuple[Standing, Known]]:
        def work(connection: Connection) -> Sequence[tuple[Standing, Known]]:
            self._place.serialise(connection)
            return registering.register(connection, runs, batch=batch, now=self._clock.wall(), changing=changing)

        return await self._write(work)

    async def compare(self, runs: Sequence[NewRun]) -> Sequence[tuple[Standing, Known | None]]:
        return await self._read(partial(registering.compare, runs=runs))

    async def enroll(self, batch: int, statuses: Collection[RunStatus], run_ids: Collection[str] | None = None) -> int:
        return await self._write(partial(registering.enroll, batch=batch, statuses=statuses, run_ids=run_ids))

    # --- owning and writing -------------------------------------------------------------------------------------------

    async def claim(self, batch: int, *, begun: bool, after: int, limit: int) -> Sequence[RunState]:
        return await self._write(partial(self._owning.claim, batch=batch, begun=begun, after=after, limit=limit))

    async def claim_one(self, run_id: str) -> RunState:
        return await self._write(partial(self._owning.claim_one, run_id=run_id))

    async def claim_shared(self, run: NewRun) -> RunState:
        patience = self._clock.boot() + rules.PATIENCE
        while True:
            now, patient = self._clock.wall(), self._clock.boot() < patience
            state = await self._write(partial(self._owning.claim_shared, run=run, patient=patient, now=now))
            if state is not None:
                return state
            await anyio.sleep(rules.POLL)

    async def write(self, record: Record) -> None:
        if self._writer is None:
            raise rules.reading_only()
        await self._writer.record(record)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def load(self, run_id: str) -> RunState:
        state = await self._read(partial(self._owning.load, run_id=run_id))
        if state is None:
            raise rules.unknown(run_id)
        return state

    async def stream(
        self,
        *,
        statuses: Collection[RunStatus] | None = None,
        run_ids: Collection[str] | None = None,
        shared: bool = False,
    ) -> AsyncIterator[RunState]:
        chosen = RunStatus if statuses is None else statuses
        kind = {"shared": shared, "statuses": [status.value for status in chosen]}

        def work(connection: Connection, keys: list[int]) -> list[RunState]:
            return self._owning.states(connection, connection.execute(sql.SOME_RUNS, kind | {"keys": keys}))

        async for keys in self._pages(kind) if run_ids is None else self._chosen(run_ids):
            states = await self._read(partial(work, keys=keys))
            for state in sorted(states, key=lambda state: (state.source, state.key)):
                yield state

    async def _pages(self, kind: Mapping[str, object]) -> AsyncIterator[list[int]]:
        """The keys of all runs of a kind, by source name."""
        values = {**kind, "source": "", "after": 0, "most": PAGE}
        while found := await self._read(lambda c: c.execute(sql.NEXT_KEYS, values).all()):
            yield [key for _, key in found]
            values.update(source=found[-1][0], after=found[-1][1])

    async def _chosen(self, run_ids: Collection[str]) -> AsyncIterator[list[int]]:
        """The keys of certain runs, by source name."""

        def work(connection: Connection) -> list[tuple[str, int]]:
            return sorted((row.source, row.key) for row in among(connection, KNOWN, list(run_ids)))

        for page in chunks(await self._read(work), PAGE):
            yield [key for _, key in page]

    async def counts(self) -> Mapping[RunStatus, int]:
        found: dict[str, int] = dict(await self._read(lambda c: c.execute(sql.COUNTS).all()))
        return {status: found.get(status.value, 0) for status in RunStatus}

    async def history(self, key: int, step: str | None = None) -> AsyncIterator[Event]:
        values = {"key": key, "step": step, "most": PAGE, "after": 0}
        while page := await self._read(lambda c: c.execute(sql.EVENTS[step is not None], values).all()):
            for row in page:
                yield rows.read_event(row[1:])
            values["after"] = page[-1][0]

    async def scopes(self) -> Sequence[Scope]:
        return await self._read(lambda c: [rows.read_scope(row) for row in c.execute(sql.USED_SCOPES)])

    # --- beside runs --------------------------------------------------------------------------------------------------

    async def define(self, fingerprint: str, text: str) -> None:
        if fingerprint not in self._defined:
            await self._write(lambda c: c.execute(sql.DEFINE, {"fingerprint": fingerprint, "text": text}))
            self._defined.add(fingerprint)

    async def definition(self, fingerprint: str) -> str | None:
        return await self._read(lambda c: c.execute(sql.DEFINITION, {"print": fingerprint}).scalar())

    async def pause(self, family: str, seconds: float) -> None:
        pause = asdict(Pause.begin(self._clock, seconds))
        await self._write(lambda c: c.execute(sql.PAUSE, {"family": family, **pause}))

    async def pauses(self) -> Mapping[str, float]:
        found = await self._read(lambda c: c.execute(sql.PAUSES).all())
        return running(((family, Pause(*pause)) for family, *pause in found), self._clock)


@asynccontextmanager
async def serve(place: Place, opened: Opened, clock: Clock) -> AsyncIterator[SqlJournal]:
    """A journal at an opened place, with the task that writes."""
    writer, failure = Writer(place), None
    async with place.writing(), place.reading() as readers:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.run)
            try:
                yield SqlJournal(place, opened, clock, readers, writer)
            except BaseException as error:  # noqa: BLE001 - raised below, where the group does not wrap it
                failure = error
            writer.close()
        if failure is not None:
            raise failure


@asynccontextmanager
async def serve_reading(place: Place, opened: Opened, clock: Clock) -> AsyncIterator[SqlJournal]:
    """A journal at a place that was looked at."""
    async with place.reading() as readers:
        yield SqlJournal(place, opened, clock, readers, None)
