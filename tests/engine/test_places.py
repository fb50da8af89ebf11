"""A run whose sentinel is refused for a while does not lose its place in the window to those who wait for it."""

from __future__ import annotations

from random import Random

import anyio

from engine import Engine, Item, Receipt, Workflow
from engine.api import LOCAL
from engine.errors import NotApplied
from engine.model import RunStatus
from engine.pacing import Pacing
from tests.engine import things
from tests.engine.things import Inputs, Spec, Things
from tests.engine.virtual import Clock, in_memory
from tests.pacing.virtual_time import clock, in_virtual_time


class Titled(things.Titled):
    """The first one that is asked for is refused for a moment."""

    family = "titled"
    refusals = 1

    async def create(self, body: str, send_within: float) -> Receipt:
        if self.refusals:
            self.refusals -= 1
            raise NotApplied("too many requests", retry_after=3.0)
        return await super().create(body, send_within)


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
