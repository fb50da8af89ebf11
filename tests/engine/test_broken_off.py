"""A batch that ends before its end, whatever ends it: nothing new leaves, what is out is journaled, and the same engine
goes on afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine import Conflict, Engine, Item, NotApplied, NotAuthorised, Receipt, Workflow, stopping
from engine.api import LOCAL
from engine.identity import run_id
from engine.model import Json, RunState, RunStatus, StepStatus, value
from engine.resource import Hit, Label, Resource, View


@value
class Inputs:
    """Of a run."""

    kind: str


@value
class Spec:
    """Of a step."""

    kind: str


@dataclass(eq=False)
class Platform(Resource[Spec]):
    """Answers each kind of request by what `answers` says; `made` lists what it made."""

    kind = "thing"
    family = "things"
    unique = False
    answers: dict[str, Callable[[], object]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    taken: bool = False
    """Whether it has refused a name that is taken; from then on it lists nothing."""
    out: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a chain's first request is out."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it may be answered."""

    def body(self, spec: Spec, label: Label, now: float) -> Json:  # noqa: ARG002
        return spec.kind

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        kind = body.strip('"')
        if kind == "first":
            self.out.set()
            await self.answered.wait()
        elif kind in {"halts", "taken"}:
            await self.out.wait()
        if kind == "halts":
            self.answered.set()
            raise NotAuthorised("no token for you")
        if kind == "taken":
            self.taken = True
            raise Conflict("somebody has this name")
        self.made.append(kind)
        return Receipt(id=f"{kind}-{len(self.made)}")

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        if self.taken:
            raise NotApplied("busy")
        return ()

    async def read(self, id: str) -> View | None:  # noqa: ARG002
        return None


work = Workflow("work", inputs=Inputs)


@work.step(Platform)
def begin(inputs: Inputs) -> Spec:
    return Spec(kind=inputs.kind)


@work.step(Platform)
def then(begin: Receipt) -> Spec:  # noqa: ARG001
    return Spec(kind="second")


@work.step(Platform)
def last(then: Receipt) -> Spec:  # noqa: ARG001
    return Spec(kind="third")


CHAIN = ["first", "second", "third"]


@asynccontextmanager
async def engine_for(path: Path, platform: Platform, **options: object) -> AsyncIterator[Engine]:
    async with (
        asyncio.timeout(20),
        Engine(str(path / "j.db"), workflows=[work], resources=[platform], settle=0.2, **options) as engine,  # type: ignore[arg-type]
    ):
        yield engine


async def batch_of(engine: Engine, *kinds: str) -> int:
    """Register one source of each kind, named after it."""
    items = [Item(workflow=work, source=kind, inputs=Inputs(kind=kind)) for kind in kinds]
    return (await engine.register(LOCAL, [items])).batch


async def state_of(engine: Engine, source: str) -> RunState:
    return await engine.journal.load(run_id("work", LOCAL, source))


async def test_after_a_common_cause_nothing_leaves_that_was_prepared(tmp_path: Path) -> None:
    """The chain's next intent is written with the receipt before it, so nothing is awaited in between."""
    platform = Platform()
    async with engine_for(tmp_path, platform) as engine:
        with pytest.raises(NotAuthorised):
            await engine.run(await batch_of(engine, "first", "halts"))
        chain = await state_of(engine, "first")
    assert platform.made == ["first"]
    assert {name: step.status for name, step in chain.steps.items() if step.receipt} == {"begin": StepStatus.DONE}
    assert [step.name for step in chain.steps.values() if step.attempts] == []


async def test_after_a_cancellation_nothing_leaves_that_was_prepared(tmp_path: Path) -> None:
    platform = Platform()
    async with engine_for(tmp_path, platform) as engine:
        running = asyncio.create_task(engine.run(await batch_of(engine, "first")))
        await platform.out.wait()
        running.cancel()
        platform.answered.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        chain = await state_of(engine, "first")
    assert platform.made == ["first"]
    assert chain.steps["begin"].receipt


async def test_a_cancellation_waits_for_an_answer_no_longer_than_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "STOP_WITHIN", 0.1)
    platform = Platform()
    async with engine_for(tmp_path, platform) as engine:
        running = asyncio.create_task(engine.run(await batch_of(engine, "first")))
        await platform.out.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        chain = await state_of(engine, "first")
    assert chain.steps["begin"].status is StepStatus.INTENT
    assert platform.made == []


async def test_a_common_cause_does_not_wait_for_a_question_that_is_not_answered(tmp_path: Path) -> None:
    """One run asks whose the object is that has its name; the service does not tell."""
    platform = Platform()
    async with engine_for(tmp_path, platform) as engine:
        running = asyncio.create_task(engine.run(await batch_of(engine, "taken", "first")))
        await platform.out.wait()
        running.cancel()
        platform.answered.set()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert platform.made == ["first"]


async def test_the_same_engine_goes_on_after_a_stop(tmp_path: Path) -> None:
    platform = Platform()
    async with engine_for(tmp_path, platform) as engine:
        running = asyncio.create_task(engine.run(await batch_of(engine, "first")))
        await platform.out.wait()
        engine.stop()
        platform.answered.set()
        await running
        assert platform.made == ["first"]
        chain = await engine.resume(run_id("work", LOCAL, "first"))
    assert (chain.status, platform.made) == (RunStatus.DONE, CHAIN)


async def test_the_same_engine_goes_on_after_a_common_cause(tmp_path: Path) -> None:
    platform = Platform()
    async with engine_for(tmp_path, platform) as engine:
        with pytest.raises(NotAuthorised):
            await engine.run(await batch_of(engine, "first", "halts"))
        chain = await engine.resume(run_id("work", LOCAL, "first"))
    assert (chain.status, platform.made) == (RunStatus.DONE, CHAIN)


async def test_what_stops_one_batch_does_not_stop_another(tmp_path: Path) -> None:
    platform = Platform()
    async with engine_for(tmp_path, platform) as engine:
        one = asyncio.create_task(engine.run(await batch_of(engine, "first")))
        other = asyncio.create_task(engine.run(await batch_of(engine, "beside")))
        await platform.out.wait()
        one.cancel()
        counts = await other
        platform.answered.set()
        with pytest.raises(asyncio.CancelledError):
            await one
        chain = await engine.resume(run_id("work", LOCAL, "first"))
    assert counts == {RunStatus.DONE: 1}
    assert chain.status is RunStatus.DONE
    assert sorted(platform.made) == sorted(["beside", "second", "third", *CHAIN])
