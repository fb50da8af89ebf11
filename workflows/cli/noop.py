"""Steps that do nothing, each with an intent and a receipt: what is left is the engine's own cost, for `bench`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from time import perf_counter
from typing import Any, NoReturn

from engine.api import LOCAL, Engine
from engine.errors import Rejected
from engine.model import Json, Receipt, value
from engine.pacing import Pacing
from engine.resource import Hit, Label, Resource, View
from engine.wanted import Item
from engine.workflow import Workflow

STEPS = 10
"""Steps of a run, each of which needs the one before."""


@value
class Inputs:
    """Of a run."""

    number: int


@value
class Spec:
    """Of a step; `after` is the id of the object that it needs."""

    number: int
    after: str = ""


class Noop(Resource[Spec]):
    """A resource whose request is answered at the next turn of the event loop."""

    kind = "noop"
    family = "noop"
    unique = False

    def __init__(self, gate: Pacing) -> None:
        self._gate = gate
        self._ids = count()

    def body(self, spec: Spec, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name, "description": label.note, "number": spec.number, "after": spec.after}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        await asyncio.sleep(0)
        self._gate.observe(self.family, 201, None)
        return Receipt(id=f"{next(self._ids):032x}", etag="1")

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return ()

    async def read(self, id: str) -> View | None:  # noqa: ARG002
        return None


class First(Noop):
    """The first of a chain: `unique`, so that it can be the sentinel."""

    kind = "first"
    unique = True

    async def sign(self, view: View, note: str, send_within: float) -> NoReturn:  # noqa: ARG002
        raise Rejected("nothing is kept here, so that there is nothing to sign")


def make_workflow() -> Workflow[Inputs]:
    """A chain of `STEPS` steps."""
    workflow = Workflow("bench", inputs=Inputs, sentinels=("step_1",))
    workflow.step(First, name="step_1")(_first)
    for number in range(2, STEPS + 1):
        workflow.step(Noop, name=f"step_{number}", needs={"before": f"step_{number - 1}"})(_next)
    workflow.check()
    return workflow


def _first(inputs: Inputs) -> Spec:
    return Spec(number=inputs.number)


def _next(inputs: Inputs, before: Any) -> Spec:
    return Spec(number=inputs.number, after=before.id)


def make_engine(store: str, gate: Pacing, *, at_once: int) -> Engine:
    """An engine that knows only this chain."""
    return Engine(
        store,
        workflows=[make_workflow()],
        resources=[First(gate), Noop(gate)],
        window=at_once,
        gate=gate,
        command="headway bench",
    )


async def register(engine: Engine, runs: int, prefix: str) -> int:
    """Enter so many runs into the journal; gives their batch. Raises `ScopeMismatch` where others are at home."""
    workflow = next(iter(engine.workflows.values()))
    chunks = (
        [
            Item(workflow=workflow, source=f"{prefix}-{n}", inputs=Inputs(number=n))
            for n in range(at, min(runs, at + 1000))
        ]
        for at in range(0, runs, 1000)
    )
    return (await engine.register(LOCAL, chunks)).batch


async def bare(gate: Pacing, runs: int, at_once: int) -> float:
    """Seconds that the same requests take with nothing but the event loop: no journal, no permits, no engine."""
    resource, numbers = Noop(gate), iter(range(runs))

    async def work() -> None:
        for _ in numbers:
            for _ in range(STEPS):
                await resource.create("", 0)

    began = perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return perf_counter() - began
