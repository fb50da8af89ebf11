"""The journal over SQL: `ports.Journal`, one code for SQLite and PostgreSQL.

Whatever writes goes through the writer's one connection; reading has connections of its own, and holds one only for a
page at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any, TypeVar

import anyio
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from engine.journal import registering, rows, rules, sql
from engine.journal.opening import Opened
from engine.journal.places import Place
from engine.journal.writer import Writer
from engine.model import Event, Known, NewRun, Record, RunState, RunStatus, Scope, StepState
from engine.ports import Clock, Standing

T = TypeVar("T")

PAGE = 200
"""Runs that reading holds in memory at once."""


class SqlJournal:
    """One opening of a journal; satisfies `engine.ports.Journal`. Made by `serve`."""

    def __init__(self, place: Place, opened: Opened, clock: Clock, readers: AsyncEngine, writer: Writer | None) -> None:
        self.name, self.process, self.replaced = opened.name, opened.process, opened.replaced
        self._place, self._clock, self._readers, self._writer = place, clock, readers, writer
        self._scopes: dict[int, Scope] = {}
        self._defined: set[str] = set()

    async def _call(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        if self._writer is None:
            raise rules.reading_only()
        return await self._writer.call(work)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._readers.connect() as connection:
                yield connection
        except (DBAPIError, OSError) as error:
            raise self._place.explain(error) from error

    # --- registering --------------------------------------------------------------------------------------------------

    async def new_batch(self) -> int:
        async def work(connection: AsyncConnection) -> int:
            number: int = (await connection.execute(sql.NEW_BATCH)).scalar_one()
            return number

        return await self._call(work)

    async def register(self, batch: int, runs: Sequence[NewRun]) -> Sequence[tuple[Standing, Known]]:
        async def work(connection: AsyncConnection) -> Sequence[tuple[Standing, Known]]:
            await self._place.serialise(connection)
            return await registering.register(connection, runs, batch=batch, now=self._clock.wall())

        return await self._call(work)

    async def compare(self, runs: Sequence[NewRun]) -> Sequence[tuple[Standing, Known | None]]:
        async with self._reading() as connection:
            found = await registering.find(connection, runs)
        return [found[run.run_id].judge(run) if run.run_id in found else (Standing.NEW, None) for run in runs]

    async def enroll(self, batch: int, statuses: Collection[RunStatus], run_ids: Collection[str] | None = None) -> int:
        chosen = {"to": batch, "statuses": [status.value for status in statuses]}

        async def work(connection: AsyncConnection) -> int:
            if run_ids is None:
                return (await connection.execute(sql.ENROLL_ALL, chosen)).rowcount
            enrolled = 0
            for ids in registering.chunks(list(run_ids)):
                enrolled += (await connection.execute(sql.ENROLL_SOME, chosen | {"run_ids": ids})).rowcount
            return enrolled

        return await self._call(work)

    # --- owning and writing -------------------------------------------------------------------------------------------

    async def claim(self, batch: int, *, begun: bool, after: int, limit: int) -> Sequence[RunState]:
        values = {"of": batch, "after": after, "most": limit}
        return await self._call(lambda connection: self._own(connection, sql.CLAIM[begun], values))

    async def claim_one(self, run_id: str) -> RunState:
        owned = await self._call(lambda connection: self._own(connection, sql.CLAIM_ONE, {"id": run_id}))
        if not owned:
            raise rules.unknown(run_id)
        return owned[0]

    async def claim_shared(self, run: NewRun) -> RunState:
        patience = self._clock.boot() + rules.PATIENCE

        async def work(connection: AsyncConnection) -> RunState | None:
            await self._place.serialise(connection)
            found = await self._states(connection, (await connection.execute(sql.RUN, {"id": run.run_id})).all())
            for state in found:
                turn = rules.turn(
                    state.status, state.suspect, theirs=await self._is_theirs(connection, state, patience)
                )
                if turn is not rules.Turn.OWN:
                    return state if turn is rules.Turn.READ else None
            await registering.register(connection, [run], batch=None, now=self._clock.wall())
            return (await self._own(connection, sql.CLAIM_ONE, {"id": run.run_id}))[0]

        while True:
            if owned := await self._call(work):
                return owned
            await anyio.sleep(rules.POLL)

    async def _is_theirs(self, connection: AsyncConnection, run: RunState, patience: float) -> bool:
        if run.owner in (None, self.process) or self._clock.boot() >= patience:
            return False
        return await self._place.lives(connection, str(run.owner))

    async def _own(self, connection: AsyncConnection, statement: Any, values: Mapping[str, Any]) -> list[RunState]:
        now = {"process": self.process, "now": self._clock.wall()}
        return await self._states(connection, (await connection.execute(statement, {**values, **now})).all())

    async def write(self, record: Record) -> None:
        if self._writer is None:
            raise rules.reading_only()
        await self._writer.record(record)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _states(self, connection: AsyncConnection, found: Sequence[Any]) -> list[RunState]:
        """Rows of runs, with their steps, in order of key."""
        steps: dict[int, dict[str, StepState]] = {row.key: {} for row in found}
        for keys in registering.chunks(list(steps)):
            for row in await connection.execute(sql.STEPS, {"keys": keys}):
                steps[row[0]][row[1]] = rows.read_step(row)
        if not self._scopes.keys() >= {row.scope for row in found}:
            self._scopes = {row.id: rows.read_scope(row) for row in await connection.execute(sql.SCOPES)}
        states = [rows.read_run(row, self._scopes[row.scope], steps[row.key]) for row in found]
        return sorted(states, key=lambda state: state.key)

    async def load(self, run_id: str) -> RunState:
        async with self._reading() as connection:
            found = await self._states(connection, (await connection.execute(sql.RUN, {"id": run_id})).all())
        if not found:
            raise rules.unknown(run_id)
        return found[0]

    async def stream(
        self,
        *,
        statuses: Collection[RunStatus] | None = None,
        run_ids: Collection[str] | None = None,
        shared: bool = False,
    ) -> AsyncIterator[RunState]:
        kind = {"shared": shared, "statuses": [status.value for status in statuses or RunStatus]}
        async for keys in self._pages(kind) if run_ids is None else self._chosen(run_ids):
            async with self._reading() as connection:
                page = await self._states(
                    connection, (await connection.execute(sql.SOME_RUNS, kind | {"keys": keys})).all()
                )
            for state in sorted(page, key=lambda state: (state.source, state.key)):
                yield state

    async def _pages(self, kind: Mapping[str, Any]) -> AsyncIterator[list[int]]:
        """The keys of all runs of a kind, by source name."""
        source, key = "", 0
        while True:
            async with self._reading() as connection:
                last = {"source": source, "after": key, "most": PAGE}
                found = (await connection.execute(sql.NEXT_KEYS, {**kind, **last})).all()
            if not found:
                return
            yield [key for _, key in found]
            source, key = found[-1]

    async def _chosen(self, run_ids: Collection[str]) -> AsyncIterator[list[int]]:
        """The keys of certain runs, by source name."""
        async with self._reading() as connection:
            found = [
                (row.source, row.key)
                for ids in registering.chunks(list(run_ids))
                for row in await connection.execute(sql.KNOWN, {"run_ids": ids})
            ]
        for page in registering.chunks(sorted(found), PAGE):
            yield [key for _, key in page]

    async def counts(self) -> Mapping[RunStatus, int]:
        async with self._reading() as connection:
            found = await connection.execute(sql.COUNTS)
            numbers: dict[str, int] = dict(found.tuples().all())
        return {status: numbers.get(status.value, 0) for status in RunStatus}

    async def history(self, key: int, step: str | None = None) -> AsyncIterator[Event]:
        after = 0
        values = {"key": key, "most": PAGE} | ({} if step is None else {"step": step})
        while True:
            async with self._reading() as connection:
                page = (await connection.execute(sql.EVENTS[step is not None], values | {"after": after})).all()
            for row in page:
                yield rows.read_event(row[1:])
            if not page:
                return
            after = page[-1][0]

    async def scopes(self) -> Sequence[Scope]:
        async with self._reading() as connection:
            return [rows.read_scope(row) for row in await connection.execute(sql.USED_SCOPES)]

    # --- beside runs --------------------------------------------------------------------------------------------------

    async def define(self, fingerprint: str, text: str) -> None:
        if fingerprint not in self._defined:
            await self._call(lambda c: c.execute(sql.DEFINE, {"fingerprint": fingerprint, "text": text}))
            self._defined.add(fingerprint)

    async def definition(self, fingerprint: str) -> str | None:
        async with self._reading() as connection:
            text: str | None = (await connection.execute(sql.DEFINITION, {"print": fingerprint})).scalar()
        return text

    async def pause(self, family: str, until: float) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(sql.FORGET_PAUSES, {"now": self._clock.wall()})
            await connection.execute(sql.PAUSE, {"family": family, "until": until})

        await self._call(work)

    async def pauses(self) -> Mapping[str, float]:
        async with self._reading() as connection:
            found = await connection.execute(sql.PAUSES, {"now": self._clock.wall()})
            return dict(found.tuples().all())


@asynccontextmanager
async def serve(place: Place, opened: Opened, clock: Clock, *, read_only: bool) -> AsyncIterator[SqlJournal]:
    """A journal at an opened place, with its writer's task; tidies up in the end."""
    async with nullcontext() if read_only else _writer(place) as writer, _engine(place, write=False) as readers:
        yield SqlJournal(place, opened, clock, readers, writer)


@asynccontextmanager
async def _engine(place: Place, *, write: bool) -> AsyncIterator[AsyncEngine]:
    engine = place.engine(write=write)
    try:
        yield engine
    finally:
        with anyio.CancelScope(shield=True):
            await engine.dispose()


@asynccontextmanager
async def _writer(place: Place) -> AsyncIterator[Writer]:
    failure = None
    async with _engine(place, write=True) as engine:
        writer = Writer(partial(_transaction, place, engine), place.marks)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.run)
            try:
                yield writer
            except BaseException as error:  # noqa: BLE001 - raised below, where the group does not wrap it
                failure = error
            writer.close()
    if failure is not None:
        raise failure


@asynccontextmanager
async def _transaction(place: Place, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    try:
        async with engine.begin() as connection:
            yield connection
            await place.before_commit(connection)
    except (DataError, IntegrityError, ProgrammingError):
        raise  # the statement's fault, not the store's
    except (DBAPIError, OSError) as error:
        raise place.explain(error) from error
    place.committed()
