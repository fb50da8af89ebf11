"""The lease is kept though every look at the sentinel waits at a gate that others wait at, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import anyio

from engine import Engine, Item, NotApplied, Receipt, Workflow
from engine.api import LOCAL
from engine.identity import run_id
from engine.journal.memory import MemoryJournal, MemoryStore
from engine.model import RunState, RunStatus, StepStatus
from engine.pacing import Pacing
from engine.resource import View
from tests.engine import things
from tests.engine.things import Inputs, Spec
from tests.engine.virtual import Clock, in_memory
from tests.pacing.virtual_time import clock, in_virtual_time

RUNS = 16


class Things(things.Things):
    """A platform that answers in a moment, behind a gate."""

    def __init__(self, gate: Pacing) -> None:
        super().__init__()
        self.gate = gate
        self.sent: Counter[str] = Counter()

    async def create(self, body: str, send_within: float) -> Receipt:
        receipt = await super().create(body, send_within)
        await self._answered("POST")
        return receipt

    async def read(self, id: str) -> View | None:
        await self.gate.enter(self.family)
        left = clock()
        await self._answered("GET")
        self.gate.leave(self.family)
        return View(id=id, name="", note=self.notes[id], created=0.0, left=left)

    async def _answered(self, verb: str) -> None:
        self.sent[verb] += 1
        await anyio.sleep(0.05)
        self.gate.observe(self.family, 200, None)


class Titled(Things, things.Titled):
    """The same for sentinels."""


chain = Workflow("chain", inputs=Inputs, sentinels=("schema",))


@chain.step(Titled)
def schema(inputs: Inputs) -> Spec:  # noqa: ARG001
    return Spec()


@chain.step(Things)
def dataset(schema: Receipt) -> Spec:  # noqa: ARG001
    return Spec()


@chain.step(Things)
def flow(dataset: Receipt) -> Spec:  # noqa: ARG001
    return Spec()


def batch(rate: float) -> Counter[str]:
    """What is sent for 16 runs at so many requests a second, with a lease of 5 s."""

    async def main() -> tuple[Counter[str], int]:
        gate = Pacing(boot=clock, rng=Random(1), rate=rate)
        titled, things = Titled(gate), Things(gate)
        async with Engine(
            "", workflows=[chain], resources=[titled, things], settle=20.0, gate=gate, clock=Clock(), rng=Random(1),
            opener=in_memory,
        ) as engine:  # fmt: skip
            items = [Item(workflow=chain, source=f"run-{n}", inputs=Inputs()) for n in range(RUNS)]
            found = await engine.register(LOCAL, [items])
            with anyio.fail_after(600):
                counts = await engine.run(found.batch)
        return titled.sent + things.sent, counts[RunStatus.DONE]

    sent, done = in_virtual_time(main)
    assert done == RUNS
    assert sent["POST"] == 3 * RUNS
    return sent


def test_the_oldest_run_goes_first_so_that_no_lease_ends_in_the_queue() -> None:
    assert batch(rate=1.0)["GET"] == 0


def test_where_each_lease_ends_in_the_queue_looks_do_not_take_the_place_of_everything_else() -> None:
    sent = batch(rate=0.25)
    assert 0 < sent["GET"] <= 2 * sent["POST"]


class Slow(things.Titled):
    """A platform that answers late, in turn. `sent`: what, in its order."""

    def __init__(self, sent: list[str]) -> None:
        super().__init__()
        self.sent = sent

    async def create(self, body: str, send_within: float) -> Receipt:
        self.sent.append("POST")
        await anyio.sleep(100 + len(self.sent))
        return await super().create(body, send_within)

    async def read(self, id: str) -> View | None:
        self.sent.append("GET")
        return await super().read(id)


class Last(things.Things):
    """What goes after them."""

    kind = "last"


def test_who_finishes_beside_the_sentinel_looks_at_it_however_late_its_receipt_is_durable() -> None:
    chain, sent = Workflow("chain", inputs=Inputs, sentinels=("one", "two")), list[str]()

    @chain.step(Slow)
    def one(inputs: Inputs) -> Spec:  # noqa: ARG001
        return Spec()

    @chain.step(Slow)
    def two(inputs: Inputs) -> Spec:  # noqa: ARG001
        return Spec()

    @chain.step(Last)
    def last(inputs: Inputs) -> Spec:  # noqa: ARG001
        return Spec()

    async def hook(when: str) -> None:
        if when == "before" and 101 <= clock() < 102:  # the receipt of the sentinel
            await anyio.sleep(10)

    @asynccontextmanager
    async def opener(*_: object, **__: object) -> AsyncIterator[MemoryJournal]:
        yield MemoryStore(rng=Random(1)).open(Clock(), hook=hook)

    async def main() -> int:
        slow, last = Slow(sent), Last()
        async with Engine(
            "", workflows=[chain], resources=[slow, last], settle=20.0, clock=Clock(), rng=Random(1), opener=opener
        ) as engine:
            found = await engine.register(LOCAL, [[Item(workflow=chain, source="run", inputs=Inputs())]])
            return len((await engine.run(found.batch)) and last.notes)

    assert in_virtual_time(main) == 1
    assert sent == ["POST", "POST", "GET"]


class Gone(things.Titled):
    """One that somebody deletes."""

    kind = "gone"
    deleted = False

    async def read(self, id: str) -> View | None:
        return None if self.deleted else await super().read(id)


class Busy(things.Things):
    """A service that asks for a pause at the first request, while somebody deletes the sentinel. `sent`: requests."""

    def __init__(self, gate: Pacing, gone: Gone) -> None:
        super().__init__()
        self.gate, self.gone, self.sent = gate, gone, 0

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        self.sent, self.gone.deleted = self.sent + 1, True
        self.gate.observe(self.family, 429, 100.0)
        raise NotApplied("busy", 100.0)


def test_what_was_prepared_but_never_sent_is_no_doubt_when_the_sentinel_is_gone_after_a_pause() -> None:
    chain = Workflow("chain", inputs=Inputs, sentinels=("schema",))

    @chain.step(Gone)
    def schema(inputs: Inputs) -> Spec:  # noqa: ARG001
        return Spec()

    @chain.step(Busy)
    def left(schema: Receipt) -> Spec:  # noqa: ARG001
        return Spec()

    @chain.step(Busy)
    def right(schema: Receipt) -> Spec:  # noqa: ARG001
        return Spec()

    async def main() -> tuple[int, RunState]:
        gate, gone = Pacing(boot=clock, rng=Random(1)), Gone()
        busy = Busy(gate, gone)
        async with Engine(
            "", workflows=[chain], resources=[gone, busy], settle=20.0, gate=gate, clock=Clock(), rng=Random(1),
            opener=in_memory,
        ) as engine:  # fmt: skip
            found = await engine.register(LOCAL, [[Item(workflow=chain, source="run", inputs=Inputs())]])
            await engine.run(found.batch)
            return busy.sent, await engine.journal.load(run_id(chain.name, LOCAL, "run"))

    sent, run = in_virtual_time(main)
    assert (sent, run.status) == (1, RunStatus.FAILED)
    assert {name: (step.status, step.tries) for name, step in run.steps.items() if name != "schema"} == {
        "left": (StepStatus.FAILED, 1),
        "right": (StepStatus.FAILED, 0),
    }
