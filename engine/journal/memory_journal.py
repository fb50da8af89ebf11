"""One opening of a journal in memory; `memory.py` has its store."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

import anyio

from engine.errors import Fenced
from engine.journal import rules
from engine.journal.pause import Pause, running
from engine.journal.rules import Turn
from engine.model import Event, Known, NewRun, Record, RunState, RunStatus, Scope, replace
from engine.ports import Clock, Standing

if TYPE_CHECKING:
    from engine.journal.memory import MemoryStore

T = TypeVar("T")

Hook = Callable[[Literal["before", "after"]], Awaitable[None]]
"""Awaited around each commit. Raising `before` tears it (nothing is kept), raising `after` loses the acknowledgment."""


async def undisturbed(_: Literal["before", "after"]) -> None:
    """The hook of a store without faults."""


class MemoryJournal:
    """One opening of a `MemoryStore`; satisfies `engine.ports.Journal`."""

    def __init__(
        self, store: MemoryStore, clock: Clock, hook: Hook, *, process: str, replaced: bool, read_only: bool
    ) -> None:
        self.name, self.process, self.replaced = store.contents.name, process, replaced
        self._store, self._clock, self._hook = store, clock, hook
        self._contents, self._identity, self._read_only = store.contents, store.identity, read_only

    def close(self) -> None:
        """What the kernel does for a process that ends, however it ends."""
        self._store.living.discard(self.process)

    async def _commit(self, change: Callable[[], T]) -> T:
        if self._read_only:
            raise rules.reading_only()
        await self._hook("before")
        if self._store.identity is not self._identity:
            raise Fenced("another journal has been put in this one's place", "run the command again")
        result = change()
        await self._hook("after")
        return result

    # --- registering --------------------------------------------------------------------------------------------------

    async def new_batch(self) -> int:
        def change() -> int:
            self._contents.last_batch += 1
            return self._contents.last_batch

        return await self._commit(change)

    def _known(self, run: NewRun) -> tuple[Standing, Known | None]:
        key = self._contents.keys.get(run.run_id)
        if key is None and run.previous_id:
            key = self._contents.keys.get(run.previous_id)
            if key is not None and self._contents.runs[key].status is RunStatus.DESTROYED:
                key = None
        if key is None:
            return Standing.NEW, None
        found = self._contents.runs[key]
        known = Known(
            key=key, run_id=found.run_id, status=found.status, inputs_print=found.inputs_print, source=found.source
        )
        return rules.judge(known, found.suspect, run), known

    async def compare(self, runs: Sequence[NewRun]) -> Sequence[tuple[Standing, Known | None]]:
        return [self._known(run) for run in runs]

    async def register(
        self, batch: int, runs: Sequence[NewRun], changing: Collection[str] = ()
    ) -> Sequence[tuple[Standing, Known]]:
        return await self._commit(lambda: self._register_all(batch, runs, changing))

    def _register_all(
        self, batch: int, runs: Sequence[NewRun], changing: Collection[str]
    ) -> Sequence[tuple[Standing, Known]]:
        return [self._register(batch, run, changing) for run in runs]

    def _register(self, batch: int, run: NewRun, changing: Collection[str]) -> tuple[Standing, Known]:
        standing, known = self._known(run)
        if known is None:
            known = self._insert(run)
            self._enroll(batch, known.key)
        elif rules.takes(standing, run, changing):
            self._revise(known, run)
            self._enroll(batch, known.key)
        return standing, known

    def _insert(self, run: NewRun) -> Known:
        key = len(self._contents.runs) + 1
        self._contents.keys[run.run_id] = key
        self._contents.runs[key] = RunState(
            key=key,
            run_id=run.run_id,
            workflow=run.workflow,
            variant=run.variant,
            scope=run.scope,
            source=run.source,
            inputs=run.inputs,
            inputs_print=run.inputs_print,
            definition=run.definition,
            shared=run.shared,
            formerly=(run.previously,) if run.previously else (),
            suspect=run.previously is not None,  # under its earlier name, a journal that is lost knew it
            created_at=self._clock.wall(),
        )
        return Known(
            key=key, run_id=run.run_id, status=RunStatus.PENDING, inputs_print=run.inputs_print, source=run.source
        )

    def _revise(self, known: Known, run: NewRun) -> None:
        old = self._contents.runs[known.key]
        new = replace(
            old,
            scope=run.scope,
            source=run.source,
            variant=run.variant,
            inputs=run.inputs,
            inputs_print=run.inputs_print,
        )
        if new != old or old.status is RunStatus.DESTROYED:
            destroyed = old.status is RunStatus.DESTROYED
            self._contents.keys.pop(old.run_id)
            self._contents.keys[run.run_id] = old.key
            self._contents.runs[old.key] = replace(
                new,
                run_id=run.run_id,
                epoch=old.epoch + 1,
                definition=run.definition if destroyed else old.definition,
                was=rules.inputs_before(old.was, old.inputs, run.inputs, begun=old.begun_by is not None or old.suspect),
                formerly=rules.names_before(old.formerly, run, old.source),
                status=RunStatus.PENDING if destroyed or old.status is RunStatus.DONE else old.status,
                finished_at=None,
            )

    def _enroll(self, batch: int, key: int) -> None:
        self._contents.batches[key] = batch
        self._contents.runs[key] = replace(self._contents.runs[key], owner=None)

    async def enroll(self, batch: int, statuses: Collection[RunStatus], run_ids: Collection[str] | None = None) -> int:
        def change() -> int:
            chosen = [run.key for run in self._select(statuses, run_ids, shared=False)]
            for key in chosen:
                self._enroll(batch, key)
            return len(chosen)

        return await self._commit(change)

    # --- owning and writing -------------------------------------------------------------------------------------------

    def _own(self, run: RunState) -> RunState:
        owned = replace(run, owner=self.process, epoch=run.epoch + 1)
        self._contents.runs[run.key] = owned
        return owned

    async def claim(self, batch: int, *, begun: bool, after: int, limit: int) -> Sequence[RunState]:
        def change() -> Sequence[RunState]:
            found = (
                run
                for key, run in self._contents.runs.items()
                if key > after
                and self._contents.batches.get(key) == batch
                and run.owner != self.process
                and (run.begun_by is not None) == begun
            )
            return [self._own(run) for run in list(itertools.islice(found, limit))]

        return await self._commit(change)

    async def claim_one(self, run_id: str) -> RunState:
        return await self._commit(lambda: self._own(self._find(run_id)))

    async def claim_shared(self, run: NewRun) -> RunState:
        patience = self._clock.boot() + rules.PATIENCE

        def change() -> RunState | None:
            standing, known = self._known(run)
            if known is None:
                return self._own(self._contents.runs[self._insert(run).key])
            found = self._contents.runs[known.key]
            theirs = found.owner != self.process and found.owner in self._store.living
            turn = rules.turn(found.status, found.suspect, theirs=theirs and self._clock.boot() < patience)
            if turn is not Turn.OWN:
                return rules.to_read(found) if turn is Turn.READ else None
            if standing is Standing.CONTINUED:
                self._revise(known, run)
            return self._own(self._contents.runs[known.key])

        while True:
            if owned := await self._commit(change):
                return owned
            await anyio.sleep(rules.POLL)

    async def write(self, record: Record) -> None:
        def change() -> None:
            old = self._contents.runs[record.run.key]
            if old.epoch != record.run.epoch:
                raise rules.fenced(record.run)
            changes = {name: getattr(record.run, name) for name in rules.RUN_CHANGES} if record.with_run else {}
            steps = {**old.steps, **{step.name: step for step in record.steps}}
            self._contents.runs[old.key] = replace(old, steps=steps, **changes)
            self._contents.history[old.key] = self._contents.history.get(old.key, ()) + record.events

        await self._commit(change)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _find(self, run_id: str) -> RunState:
        try:
            return self._contents.runs[self._contents.keys[run_id]]
        except KeyError:
            raise rules.unknown(run_id) from None

    def _select(
        self, statuses: Collection[RunStatus] | None, run_ids: Collection[str] | None, shared: bool
    ) -> list[RunState]:
        found = (
            run
            for run in self._contents.runs.values()
            if run.shared == shared
            and (statuses is None or run.status in statuses)
            and (run_ids is None or run.run_id in run_ids)
        )
        return sorted(found, key=lambda run: (run.source, run.key))

    async def load(self, run_id: str) -> RunState:
        return self._find(run_id)

    async def stream(
        self,
        *,
        statuses: Collection[RunStatus] | None = None,
        run_ids: Collection[str] | None = None,
        shared: bool = False,
    ) -> AsyncIterator[RunState]:
        for run in self._select(statuses, run_ids, shared):
            yield run

    async def counts(self) -> Mapping[RunStatus, int]:
        counts = dict.fromkeys(RunStatus, 0)
        for run in self._contents.runs.values():
            counts[run.status] += not run.shared
        return counts

    async def history(self, key: int, step: str | None = None) -> AsyncIterator[Event]:
        for event in self._contents.history.get(key, ()):
            if step in (None, event.step):
                yield event

    async def scopes(self) -> Sequence[Scope]:
        return list(dict.fromkeys(run.scope for run in self._contents.runs.values()))

    # --- beside runs --------------------------------------------------------------------------------------------------

    async def define(self, fingerprint: str, text: str) -> None:
        await self._commit(lambda: self._contents.definitions.setdefault(fingerprint, text))

    async def definition(self, fingerprint: str) -> str | None:
        return self._contents.definitions.get(fingerprint)

    async def pause(self, family: str, seconds: float) -> None:
        pause = Pause.begin(self._clock, seconds)
        await self._commit(lambda: self._contents.pauses.update({family: pause}))

    async def pauses(self) -> Mapping[str, float]:
        return running(self._contents.pauses.items(), self._clock)
