"""Any sequence of commands: a journal does what a dict would do."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Fenced
from engine.journal import MemoryStore
from engine.model import Event, RunState, RunStatus, StepState, replace
from engine.ports import Journal, Standing
from tests.journal.helpers import MemoryPlace, StillClock, Store, UrlPlace, done, intent, new_run, read_all, record

NAMES = st.sampled_from("abcde")
STATUSES = st.sampled_from(list(RunStatus))


@dataclass(frozen=True)
class Register:
    names: frozenset[str]
    print_: str


@dataclass(frozen=True)
class Enroll:
    statuses: frozenset[RunStatus]


@dataclass(frozen=True)
class Claim:
    begun: bool
    limit: int


@dataclass(frozen=True)
class ClaimOne:
    name: str


@dataclass(frozen=True)
class Write:
    name: str
    stale: bool
    steps: tuple[StepState, ...]
    status: RunStatus | None


@dataclass(frozen=True)
class Reopen:
    pass


COMMANDS = st.one_of(
    st.builds(Register, st.frozensets(NAMES, min_size=1), st.sampled_from(["p1", "p2"])),
    st.builds(Enroll, st.frozensets(STATUSES)),
    st.builds(Claim, st.booleans(), st.integers(1, 3)),
    st.builds(ClaimOne, NAMES),
    st.builds(
        Write,
        NAMES,
        st.booleans(),
        st.lists(st.sampled_from([intent("x"), done("x"), intent("y"), done("y", id="2")]), max_size=2).map(tuple),
        st.none() | STATUSES,
    ),
    st.builds(Reopen),
)


@dataclass
class Model:
    """What a journal must be, as dicts; `held` is what the process believes to own."""

    runs: dict[str, RunState] = field(default_factory=dict)
    batch: dict[str, int] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    held: dict[str, RunState] = field(default_factory=dict)
    latest: int = 0

    async def register(self, journal: Journal, command: Register) -> None:
        names = sorted(command.names)
        self.latest = await journal.new_batch()
        answers = await journal.register(self.latest, [new_run(name, inputs_print=command.print_) for name in names])
        for name, (standing, known) in zip(names, answers, strict=True):
            old = self.runs.get(name)
            if old is None:
                assert standing is Standing.NEW
                self.runs[name] = await journal.load(f"id-{name}")
                assert (self.runs[name].status, self.runs[name].epoch) == (RunStatus.PENDING, 0)
            elif old.status is RunStatus.DONE:
                changed = old.inputs_print != command.print_
                assert standing is (Standing.CHANGED if changed else Standing.UNCHANGED)
                continue
            else:
                assert standing is Standing.CONTINUED
                new = replace(old, inputs_print=command.print_)
                if old.status is RunStatus.DESTROYED:
                    new = replace(new, status=RunStatus.PENDING)
                self.runs[name] = new if new == old else replace(new, epoch=old.epoch + 1)
            assert known.key == self.runs[name].key
            self.enroll(name)

    def enroll(self, name: str) -> None:
        self.batch[name] = self.latest
        self.runs[name] = replace(self.runs[name], owner=None)

    def own(self, journal: Journal, name: str) -> RunState:
        old = self.runs[name]
        self.runs[name] = self.held[name] = replace(old, owner=journal.process, epoch=old.epoch + 1)
        return self.runs[name]

    async def obey(self, journal: Journal, command: object) -> None:
        match command:
            case Register():
                await self.register(journal, command)
            case Enroll(statuses):
                self.latest = await journal.new_batch()
                chosen = [name for name, run in self.runs.items() if run.status in statuses]
                assert await journal.enroll(self.latest, statuses) == len(chosen)
                for name in chosen:
                    self.enroll(name)
            case Claim(begun, limit):
                expected = sorted(
                    (run.key, name)
                    for name, run in self.runs.items()
                    if self.batch.get(name) == self.latest
                    and run.owner != journal.process
                    and (run.begun_by is not None) == begun
                )
                claimed = await journal.claim(self.latest, begun=begun, after=0, limit=limit)
                assert list(claimed) == [self.own(journal, name) for _, name in expected[:limit]]
            case ClaimOne(name) if name in self.runs:
                assert await journal.claim_one(f"id-{name}") == self.own(journal, name)
            case Write(name) if name in self.held:
                await self.write(journal, command)

    async def write(self, journal: Journal, command: Write) -> None:
        held, old = self.held[command.name], self.runs[command.name]
        if command.stale:
            held = replace(held, epoch=held.epoch - 1)
        changes = {} if command.status is None else {"status": command.status, "begun_by": journal.process}
        written = replace(held, **changes)  # type: ignore[arg-type]
        events = (Event(step="x", at=1.0, name="written", detail={"epoch": held.epoch}),)
        attempt = journal.write(record(written, *command.steps, events=events, with_run=bool(changes)))
        if held.epoch != old.epoch:
            with pytest.raises(Fenced):
                await attempt
            return
        await attempt
        steps = {**old.steps, **{step.name: step for step in command.steps}}
        inputs = {"inputs_print": held.inputs_print} if changes else {}
        self.runs[command.name] = replace(old, steps=steps, **changes, **inputs)  # type: ignore[arg-type]
        self.events.setdefault(command.name, []).extend(events)

    async def agree(self, journal: Journal) -> None:
        assert await read_all(journal) == [self.runs[name] for name in sorted(self.runs)]
        counts = await journal.counts()
        assert counts == {s: sum(run.status is s for run in self.runs.values()) for s in RunStatus}
        for name, run in self.runs.items():
            assert [event async for event in journal.history(run.key)] == self.events.get(name, [])


async def play(store: Store, commands: list[object]) -> None:
    model = Model()
    remaining = list(commands)
    while True:
        async with store.open() as journal:
            while remaining and not isinstance(command := remaining.pop(0), Reopen):
                await model.obey(journal, command)
            await model.agree(journal)
        model.held.clear()
        if not remaining:
            return


def in_memory(_: Path) -> Store:
    return MemoryPlace(MemoryStore(), StillClock())


def in_a_file(folder: Path) -> Store:
    return UrlPlace(str(folder / "headway.db"), StillClock())


@pytest.mark.parametrize("place", [in_memory, pytest.param(in_a_file, marks=[])])
def test_a_journal_does_what_a_dict_would_do(place: Callable[[Path], Store]) -> None:
    examples = 150 if place is in_memory else 20

    @settings(max_examples=examples)
    @given(st.lists(COMMANDS, max_size=40))
    def check(commands: list[object]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(play(place(Path(folder)), commands))

    check()
