"""Who waits for long gives his place in the window to another; not so a run whose sentinel is refused for a while,
which would lose it to those who wait for that run."""

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


class Slow(Things):
    """A platform that needs a while for what runs share."""

    kind = family = "slow"

    def __init__(self, things: Things) -> None:
        super().__init__()
        self.things = things
        self.meanwhile = 0

    async def create(self, body: str, send_within: float) -> Receipt:
        await anyio.sleep(1.0)
        self.meanwhile = len(self.things.notes)
        return await super().create(body, send_within)


branching = Workflow("branching", inputs=Inputs)


@branching.step(Slow, shared="slow")
def slow() -> Spec:
    return Spec()


@branching.step(Things)
def early(inputs: Inputs) -> Spec:  # noqa: ARG001
    return Spec()


@branching.step(Things)
def late(early: Receipt, slow: Receipt) -> Spec:  # noqa: ARG001
    return Spec()


def test_runs_that_wait_for_what_they_share_let_others_begin() -> None:
    made = Things()
    shared = Slow(made)

    async def main() -> int:
        async with Engine(
            "", workflows=[branching], resources=[made, shared], window=1, settle=120.0, clock=Clock(), rng=Random(1),
            opener=in_memory,
        ) as engine:  # fmt: skip
            items = [Item(workflow=branching, source=f"run-{n}", inputs=Inputs()) for n in range(3)]
            counts = await engine.run((await engine.register(LOCAL, [items])).batch)
        return counts[RunStatus.DONE]

    assert in_virtual_time(main) == 3
    assert shared.meanwhile == 3
