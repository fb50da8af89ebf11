"""A DELETE is an effect: it leaves within its send window, and what a late one may still do is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine import Engine, Hit, InDoubt, Item, Json, Label, Receipt, Rejected, Resource, RetryPolicy, View, Workflow
from engine.api import LOCAL
from engine.identity import run_id
from engine.model import RunStatus, StepStatus, value

SETTLE = 0.4


@value
class Inputs:
    """Of a run."""


@dataclass(eq=False)
class Things(Resource[str]):
    """A platform of one thing. `answers`: to its deletions, in turn, then it is deleted at once; a lost answer is that
    of a deletion that comes late."""

    kind, family = "thing", "things"
    answers: list[InDoubt | Rejected] = field(default_factory=list)
    things: dict[str, str] = field(default_factory=dict)
    within: list[float] = field(default_factory=list)

    def body(self, spec: str, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        self.things["thing"] = body
        return Receipt(id="thing")

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return ()

    async def read(self, id: str) -> View | None:
        return View(id=id, name="", note="", created=0.0) if id in self.things else None

    async def delete(self, id: str, send_within: float) -> None:
        self.within.append(send_within)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, InDoubt):
            asyncio.get_running_loop().call_later(SETTLE / 2, self.things.pop, id)
        if answer:
            raise answer
        self.things.pop(id, None)


def workflow(*, shared: str | None) -> Workflow[Inputs]:
    declared = Workflow("things", inputs=Inputs)

    @declared.step(Things, shared=shared, retry=RetryPolicy(initial_interval=0.001, max_interval=0.001))
    def thing(inputs: Inputs) -> str:  # noqa: ARG001
        return "thing"

    return declared


async def test_a_deletion_has_what_is_left_of_its_send_window(tmp_path: Path) -> None:
    platform, things = Things(), workflow(shared=None)
    async with Engine(str(tmp_path / "j.db"), workflows=[things], resources=[platform], settle=SETTLE) as engine:
        run = await engine.start(things, Inputs(), source="one")
        await engine.destroy([run.run_id])
        [within] = platform.within
        assert 0 < within < engine.timing.send_window
        assert platform.things == {}


async def test_what_an_earlier_deletion_has_deleted_is_neither_used_by_others_nor_in_doubt(tmp_path: Path) -> None:
    platform, things = Things(answers=[InDoubt("lost"), Rejected("in use")]), workflow(shared="all")
    async with Engine(str(tmp_path / "j.db"), workflows=[things], resources=[platform], settle=SETTLE) as engine:
        registered = await engine.register(LOCAL, [[Item(workflow=things, source="one", inputs=Inputs())]])
        await engine.run(registered.batch)
        await engine.destroy([run_id("things", LOCAL, "one")])
        state = await engine.journal.load(run_id("things", LOCAL, "all", shared=True))
        assert (len(platform.within), platform.things) == (2, {})
        assert state.status is RunStatus.DESTROYED
        assert state.steps["thing"].status is StepStatus.DESTROYED
