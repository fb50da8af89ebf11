"""What the progress display is told: the limit in force, and why."""

import re
from random import Random

import anyio

from engine.pacing import FamilyView, Pacing
from tests.pacing.service import FAMILY, Batch, Service
from tests.pacing.virtual_time import clock, in_virtual_time


def view_of(gate: Pacing) -> FamilyView:
    return gate.snapshot()[FAMILY]


async def answered(gate: Pacing, status: int | None, retry_after: float | None = None) -> None:
    await gate.enter(FAMILY)
    gate.observe(FAMILY, status, retry_after)
    gate.leave(FAMILY)


def test_at_first_nothing_is_known() -> None:
    async def main() -> tuple[int, FamilyView]:
        gate = Pacing(boot=clock, rng=Random(1))
        empty = len(gate.snapshot())
        for _ in range(2):
            await gate.enter(FAMILY)
        await gate.board(FAMILY)
        return empty, view_of(gate)

    empty, view = in_virtual_time(main)
    assert empty == 0
    assert (view.permits, view.on_wire, view.waiting) == (2, 1, 0)
    assert (view.rate, view.paused, view.outage, view.why) == (None, 0.0, False, "")


def test_a_pause_says_how_long_and_who_asked_for_it() -> None:
    async def main() -> tuple[FamilyView, FamilyView]:
        gate = Pacing(boot=clock, rng=Random(1))
        await answered(gate, 429, 11.5)
        named = view_of(gate)
        await anyio.sleep(12)
        await answered(gate, 429)
        return named, view_of(gate)

    named, unnamed = in_virtual_time(main)
    assert named.why == "pausing 12 s: Retry-After"
    assert 11.5 <= named.paused <= 11.6
    assert unnamed.why == "pausing 1 s: 429"


def test_an_outage_says_how_often_it_asks() -> None:
    async def main() -> tuple[str, str]:
        gate, texts = Pacing(boot=clock, rng=Random(1)), []
        for until in (1.0, 100.0):
            while clock() < until:
                await answered(gate, 503)
                await anyio.sleep(0.1)
            texts.append(view_of(gate).why)
        return texts[0], texts[1]

    assert in_virtual_time(main) == ("outage: probing every 1 s", "outage: probing every 5 s")


def test_a_learned_rate_says_how_often_it_was_refused_lately() -> None:
    async def main() -> tuple[FamilyView, FamilyView]:
        gate = Pacing(boot=clock, rng=Random(1))
        service = Service(rate=60, burst=60)
        await Batch(gate=gate, service=service, size=600).run()
        await anyio.sleep(2)
        learned = view_of(gate)
        await anyio.sleep(60)
        return learned, view_of(gate)

    learned, later = in_virtual_time(main)
    assert learned.rate is not None
    assert 50 <= learned.rate <= 90
    assert 40 <= learned.throughput <= 70
    refused = re.fullmatch(r"(\d+)/s learned \(429 (once|twice|\d times) in the last minute\)", learned.why)
    assert refused
    assert int(refused[1]) == round(learned.rate)
    assert later.why == f"{learned.rate:.0f}/s learned"


def test_a_learned_number_at_once_is_named() -> None:
    async def main() -> FamilyView:
        gate = Pacing(boot=clock, rng=Random(1))
        await Batch(gate=gate, service=Service(at_once=10), size=1500).run()
        return view_of(gate)

    view = in_virtual_time(main)
    assert 5 <= view.concurrency <= 18
    assert view.why == f"{view.concurrency} at once learned"
