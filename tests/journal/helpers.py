"""What the journal's tests share: a clock that stands still, runs and records, a refusal, the stores of the suite."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from engine.errors import JournalUnreadable, StorageError
from engine.journal import MemoryStore, open_journal
from engine.model import (
    Attempt,
    Event,
    NewRun,
    Origin,
    Receipt,
    Record,
    RunState,
    Scope,
    StepState,
    StepStatus,
    replace,
)
from engine.ports import Journal

SCOPE = Scope(gateway="https://platform.example", org="A@AdobeOrg", sandbox="dev", created="2030-01-01")
PYTHON = sys.executable


class StillClock:
    """Stands at `now` until time goes on. `set`: by how much its owner has set the wall clock wrong. `booted`: since
    when the machine is up."""

    def __init__(self) -> None:
        self.now, self.set, self.booted = 1_900_000_000.0, 0.0, 0.0

    def wall(self) -> float:
        return self.now + self.set

    def boot(self) -> float:
        return self.now - self.booted


def new_run(name: str, **changes: Any) -> NewRun:
    run = NewRun(
        run_id=f"id-{name}",
        workflow="cs-onboarding",
        variant="adhoc",
        scope=SCOPE,
        source=name,
        inputs='{"table":"incident"}',
        inputs_print="print-1",
        definition="definition-1",
    )
    return replace(run, **changes)


def intent(name: str, tag: str = "tag-1", body: str = '{"name":"x"}') -> StepState:
    attempt = Attempt(tag=tag, by="somebody", at=1.5)
    return StepState(name=name, status=StepStatus.INTENT, attempts=(attempt,), tries=1, body=body, spec="spec-1")


def done(name: str, id: str = "id-1") -> StepState:
    receipt = Receipt(id=id, etag='"etag"', origin=Origin.CREATED)
    return StepState(name=name, status=StepStatus.DONE, tries=1, spec="spec-1", receipt=receipt, finished_at=2.5)


def record(run: RunState, *steps: StepState, events: tuple[Event, ...] = (), with_run: bool = False) -> Record:
    return Record(run=run, steps=steps, events=events, with_run=with_run)


async def enter(journal: Journal, *runs: NewRun) -> tuple[int, list[RunState]]:
    """Register runs in a new batch and claim them all."""
    batch = await journal.new_batch()
    await journal.register(batch, runs)
    return batch, list(await journal.claim(batch, begun=False, after=0, limit=1000))


async def read_all(journal: Journal, **kind: Any) -> list[RunState]:
    return [run async for run in journal.stream(**kind)]


class Store(Protocol):
    """A place for journals that a test can open again and again."""

    clock: StillClock

    def open(self, *, read_only: bool = False) -> AbstractAsyncContextManager[Journal]: ...


@dataclass
class MemoryPlace:
    """A `MemoryStore` behind the same door as the others."""

    store: MemoryStore
    clock: StillClock

    @asynccontextmanager
    async def open(self, *, read_only: bool = False) -> AsyncIterator[Journal]:
        journal = self.store.open(self.clock, read_only=read_only)
        try:
            yield journal
        finally:
            journal.close()


@dataclass
class UrlPlace:
    """Whatever `open_journal` opens."""

    url: str
    clock: StillClock

    def open(self, *, read_only: bool = False) -> AbstractAsyncContextManager[Journal]:
        return open_journal(self.url, command="headway run", clock=self.clock, read_only=read_only)


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(file.name for file in folder.iterdir())


def commits(path: Path) -> int:
    """How many commits an SQLite journal's sidecar counts."""
    number: int = json.loads(path.with_name(path.name + ".lock").read_text())["commits"]
    return number


async def refused(url: str, *, read_only: bool, kind: type[StorageError] = JournalUnreadable) -> StorageError:
    """The error with which a journal is not opened."""
    with pytest.raises(kind) as caught:
        async with open_journal(url, command="headway run", clock=StillClock(), read_only=read_only):
            pass
    assert type(caught.value) is kind
    assert caught.value.hint, "every refusal has a remedy"
    return caught.value


async def make(path: Path, runs: int = 1) -> None:
    """An SQLite journal with some runs, of which a few have a step done."""
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        _, states = await enter(journal, *[new_run(f"{number:04}") for number in range(runs)])
        for run in states[:20]:
            await journal.write(record(run, done("a")))
