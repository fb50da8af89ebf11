"""A run whose sentinel is refused for a while does not lose its place in the window to those who wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import anyio
import orjson

from engine import Engine, Item, Receipt, Workflow
from engine.api import LOCAL
from engine.errors import NotApplied
from engine.model import Json, RunStatus, value
from engine.pacing import Pacing
from engine.resource import Hit, Label, Resource, View
from tests.engine.virtual import Clock, in_memory
from tests.pacing.virtual_time import clock, in_virtual_time


@value
class Inputs:
    """Of a run."""


@value
class Spec:
    """Of a step."""


class Things(Resource[Spec]):
    """A platform that answers at once."""

    kind = "thing"
    family = "things"
    unique = False

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}

    def body(self, spec: Spec, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name, "note": label.note}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        id = f"{self.kind}-{len(self.notes)}"
        self.notes[id] = orjson.loads(body)["note"]
        return Receipt(id=id)

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return ()

    async def read(self, id: str) -> View | None:
        return View(id=id, name="", note=self.notes[id], created=0.0, left=clock())


class Titled(Things):
    """A sentinel; the first one that is asked for is refused for a moment."""

    kind = "titled"
    family = "titled"
    unique = True
    refusals = 1

    async def create(self, body: str, send_within: float) -> Receipt:
        if self.refusals:
            self.refusals -= 1
            raise NotApplied("too many requests", retry_after=3.0)
        return await super().create(body, send_within)

    async def sign(self, view: View, note: str, send_within: float) -> Receipt:
        raise NotImplementedError


chain = Workflow("chain", inputs=Inputs, sentinels=("schema",))


@chain.step(Titled)
def schema(inputs: Inputs) -> Spec:  # noqa: ARG001
    return Spec()


@chain.step(Things, shared="lake")
def lake() -> Spec:
    return Spec()


@chain.step(Things)
def dataset(schema: Receipt, lake: Receipt) -> Spec:  # noqa: ARG001
    return Spec()


def test_what_is_shared_does_not_wait_for_a_run_that_waits_for_a_place() -> None:
    async def main() -> tuple[float, int]:
        gate = Pacing(boot=clock, rng=Random(1))
        async with Engine(
            "", workflows=[chain], resources=[Titled(), Things()], window=2, settle=120.0, gate=gate, clock=Clock(),
            rng=Random(1), opener=in_memory,
        ) as engine:  # fmt: skip
            items = [Item(workflow=chain, source=f"run-{n}", inputs=Inputs()) for n in range(6)]
            found = await engine.register(LOCAL, [items])
            with anyio.fail_after(600):
                counts = await engine.run(found.batch)
        return clock(), counts[RunStatus.DONE]

    took, done = in_virtual_time(main)
    assert done == 6
    assert took < 10.0
