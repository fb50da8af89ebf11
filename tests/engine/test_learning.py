"""What runs share waits until the runs under way know from their sentinels whether another journal was here: these go
before what follows them, so that it does not wait for long."""

from __future__ import annotations

from random import Random

import anyio

from engine import Engine, Item, Receipt, Workflow
from engine.api import LOCAL
from engine.model import RunStatus
from engine.pacing import Pacing
from tests.engine import things
from tests.engine.things import Inputs, Spec
from tests.engine.virtual import Clock, in_memory
from tests.pacing.virtual_time import clock, in_virtual_time

RUNS, AT_ONCE = 32, 4


class Things(things.Things):
    """A platform that takes a moment."""

    def __init__(self, made: list[str]) -> None:
        super().__init__()
        self.made = made

    async def create(self, body: str, send_within: float) -> Receipt:
        receipt = await super().create(body, send_within)
        await anyio.sleep(0.05)
        self.made.append(self.kind)
        return receipt


class Titled(Things, things.Titled):
    """A sentinel."""


class Lake(Things):
    """What all runs share."""

    kind = "lake"
    family = "lakes"


chain = Workflow("chain", inputs=Inputs, sentinels=("schema",))


@chain.step(Titled)
def schema(inputs: Inputs) -> Spec:  # noqa: ARG001
    return Spec()


@chain.step(Lake, shared="lake")
def lake() -> Spec:
    return Spec()


@chain.step(Things)
def dataset(schema: Receipt) -> Spec:  # noqa: ARG001
    return Spec()


@chain.step(Things)
def flow(dataset: Receipt, lake: Receipt) -> Spec:  # noqa: ARG001
    return Spec()


def test_what_is_shared_is_made_as_soon_as_every_run_has_its_sentinel() -> None:
    made: list[str] = []

    async def main() -> int:
        gate = Pacing(boot=clock, rng=Random(1), concurrency=AT_ONCE)
        async with Engine(
            "", workflows=[chain], resources=[Titled(made), Lake(made), Things(made)], window=RUNS, settle=120.0,
            gate=gate, clock=Clock(), rng=Random(1), opener=in_memory,
        ) as engine:  # fmt: skip
            found = await engine.register(
                LOCAL, [[Item(workflow=chain, source=f"run-{n}", inputs=Inputs()) for n in range(RUNS)]]
            )
            with anyio.fail_after(600):
                counts = await engine.run(found.batch)
        return counts[RunStatus.DONE]

    assert in_virtual_time(main) == RUNS
    before = made[: made.index("lake")]
    assert before.count("titled") == RUNS
    assert before.count("thing") < RUNS / 2
