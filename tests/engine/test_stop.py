"""A stop: what is out is answered and journaled if that is possible in time; nothing else leaves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine import Engine, Item, NotApplied, Receipt, Workflow, stopping
from engine.api import LOCAL
from engine.identity import run_id
from engine.model import Json, RunState, RunStatus, StepStatus, value
from engine.pacing import Pacing
from engine.resource import Hit, Label, Resource, View
from engine.session import Notice

RUNS = 3


@value
class Inputs:
    """Of a run."""


@value
class Spec:
    """Of a step."""

    step: str


@dataclass(eq=False)
class Things(Resource[Spec]):
    """A platform whose answers to a step wait for that step's event, if there is one."""

    kind = "thing"
    family = "things"
    unique = False
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    expected: int = 0
    out: set[str] = field(default_factory=set)
    all_out: asyncio.Event = field(default_factory=asyncio.Event)
    made: list[str] = field(default_factory=list)
    at_intent: Callable[[], None] = bool
    """Called just before an intent is written."""

    def body(self, spec: Spec, label: Label, now: float) -> Json:  # noqa: ARG002
        self.at_intent()
        return {"name": label.name, "step": spec.step}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        step = re.findall('"step":"([a-z]+)"', body)[0]
        self.out.add(body)
        if len(self.out) == self.expected:
            self.all_out.set()
        if step in self.held:
            await self.held[step].wait()
        self.made.append(step)
        return Receipt(id=f"{step}-{len(self.made)}")

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return ()

    async def read(self, id: str) -> View | None:  # noqa: ARG002
        return None


things = Workflow("things", inputs=Inputs)


def first_of(inputs: Inputs) -> Spec:  # noqa: ARG001
    return Spec(step="first")


things.step(Things, name="first")(first_of)


@things.step(Things)
def second(first: Receipt) -> Spec:  # noqa: ARG001
    return Spec(step="second")


@things.step(Things)
def beside(first: Receipt) -> Spec:  # noqa: ARG001
    return Spec(step="beside")


async def stop_at(path: Path, platform: Things, *, then: str = "") -> list[RunState]:
    """Begin runs, stop once the expected requests are out, let the answers to `then` come; what the journal holds."""
    names = [f"run-{number}" for number in range(RUNS)]
    async with Engine(str(path), workflows=[things], resources=[platform], settle=0.2) as engine:
        found = await engine.register(LOCAL, [[Item(workflow=things, source=n, inputs=Inputs()) for n in names]])
        running = asyncio.create_task(engine.run(found.batch))
        async with asyncio.timeout(10):
            await platform.all_out.wait()
        engine.stop()
        await asyncio.sleep(0.05)
        if then:
            platform.held[then].set()
        async with asyncio.timeout(10):
            await running
        return [await engine.journal.load(run_id("things", LOCAL, name)) for name in names]


async def test_what_is_out_is_answered_and_journaled_and_nothing_else_leaves(tmp_path: Path) -> None:
    platform = Things(held={"first": asyncio.Event()}, expected=RUNS)
    states = await stop_at(tmp_path / "j.db", platform, then="first")
    assert platform.made == ["first"] * RUNS
    assert all(set(state.steps) == {"first"} for state in states)
    assert {(state.status, state.steps["first"].status) for state in states} == {(RunStatus.RUNNING, StepStatus.DONE)}


async def test_what_was_prepared_and_never_left_is_no_doubt_for_the_next(tmp_path: Path) -> None:
    platform, names = Things(), [f"run-{number}" for number in range(RUNS)]

    def stop(notice: Notice) -> None:
        if notice.name == "step_done":
            engine.stop()

    path = str(tmp_path / "j.db")
    async with Engine(path, workflows=[things], resources=[platform], settle=0.2, observer=stop) as engine:
        found = await engine.register(LOCAL, [[Item(workflow=things, source=n, inputs=Inputs()) for n in names]])
        async with asyncio.timeout(10):
            await engine.run(found.batch)
        states = [await engine.journal.load(run_id("things", LOCAL, name)) for name in names]
    assert set(platform.made) == {"first"}
    assert [step.name for state in states for step in state.steps.values() if step.attempts] == []


async def test_what_was_prepared_and_never_left_gives_its_permits_back(tmp_path: Path) -> None:
    """Two steps are prepared with all permits when the stop comes; then another engine needs them."""
    gate = Pacing(boot=asyncio.get_running_loop().time, rng=Random(1), concurrency=2)
    platform = Things()

    def stop(notice: Notice) -> None:
        if notice.name == "step_done":
            engine.stop()

    one, other = str(tmp_path / "one.db"), str(tmp_path / "other.db")
    async with Engine(one, workflows=[things], resources=[platform], gate=gate, settle=0.2, observer=stop) as engine:
        await engine.start(things, Inputs(), source="one")
    assert platform.made == ["first"]
    async with (
        Engine(other, workflows=[things], resources=[platform], gate=gate, settle=0.2) as engine,
        asyncio.timeout(10),
    ):
        run = await engine.start(things, Inputs(), source="other")
    assert run.status is RunStatus.DONE


async def test_an_intent_that_a_stop_meets_gives_its_permit_back(tmp_path: Path) -> None:
    gate = Pacing(boot=asyncio.get_running_loop().time, rng=Random(1), concurrency=1)

    def stop() -> None:
        engine.stop()

    platform = Things(at_intent=stop)
    one, other = str(tmp_path / "one.db"), str(tmp_path / "other.db")
    async with Engine(one, workflows=[things], resources=[platform], gate=gate, settle=0.2) as engine:
        await engine.start(things, Inputs(), source="one")
    assert platform.made == []
    platform.at_intent = bool
    async with (
        Engine(other, workflows=[things], resources=[platform], gate=gate, settle=0.2) as engine,
        asyncio.timeout(10),
    ):
        run = await engine.start(things, Inputs(), source="other")
    assert run.status is RunStatus.DONE


async def test_branches_of_one_run_are_answered_side_by_side(tmp_path: Path) -> None:
    platform = Things(held={"second": asyncio.Event()}, expected=3 * RUNS)
    states = await stop_at(tmp_path / "j.db", platform, then="second")
    assert sorted(platform.made) == sorted(["first", "second", "beside"] * RUNS)
    assert all(step.status is StepStatus.DONE for state in states for step in state.steps.values())


async def test_what_is_not_answered_in_time_is_cut_off_and_stays_an_intent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "STOP_WITHIN", 0.2)
    platform = Things(held={"second": asyncio.Event()}, expected=3 * RUNS)
    states = await stop_at(tmp_path / "j.db", platform)
    assert sorted(platform.made) == sorted(["first", "beside"] * RUNS)
    for state in states:
        assert state.steps["second"].status is StepStatus.INTENT
        assert state.steps["second"].receipt is None
        assert len(state.steps["second"].attempts) == 1
        assert state.steps["beside"].status is StepStatus.DONE
        assert state.status is RunStatus.RUNNING


@dataclass(eq=False)
class Busy(Things):
    """A platform that puts the first request off."""

    answered: Callable[[], None] = lambda: None

    async def create(self, body: str, send_within: float) -> Receipt:
        if not self.out:
            self.out.add(body)
            self.answered()
            raise NotApplied("too many requests", 30.0)
        return await super().create(body, send_within)


async def test_a_run_that_is_to_be_tried_again_later_is_seen_to_wait(tmp_path: Path) -> None:
    waits = Workflow("waits", inputs=Inputs)
    waits.step(Busy, name="first")(first_of)
    platform = Busy()
    async with Engine(str(tmp_path / "j.db"), workflows=[waits], resources=[platform], settle=0.2) as engine:
        platform.answered = engine.stop
        run = await engine.start(waits, Inputs(), source="one")
        shown: Any = await engine.report(run)
        assert (shown["state"], shown["steps"][0]["state"]) == ("waiting", "waiting")
