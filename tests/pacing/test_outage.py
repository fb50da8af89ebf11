"""An outage costs nothing but its length: no attempts, no stampede afterwards."""

from random import Random
from statistics import mean

import anyio
import pytest

from engine.pacing import Pacing
from tests.pacing.chain import Chains, one_bucket
from tests.pacing.service import FAMILY, Batch, Service, gaps, most_within, onboard
from tests.pacing.virtual_time import clock, in_virtual_time


def test_half_an_hour_in_the_middle_costs_half_an_hour() -> None:
    batch = onboard(Service(rate=60, burst=60, outages=[(20.0, 1820.0)], tail=0.01, seed=2), 3000)
    assert batch.worst <= 1
    assert batch.charged <= 5
    assert batch.took <= 1800 + 1.03 * (3000 - 60) / 60 + 8


def test_the_time_in_which_nothing_went_through_is_not_taken_for_a_slow_rate() -> None:
    """Refusals before and after it are many for so few requests: whether the rate has dropped is tried at a pace that
    surely goes through."""
    took = []
    for seed in (3, 4, 5, 6):
        service = Service(
            rate=60, burst=60, at_once=20, errors=0.005, tail=0.01, latency=0.07, outages=[(8.0, 38.0)], seed=seed
        )
        took.append(Chains(one_bucket(service), 150, 150, seed).run())
    assert mean(took) <= 1.12 * (30 + 1290 / 60)


def test_meanwhile_single_requests_ask_every_few_seconds() -> None:
    batch = onboard(Service(outages=[(1.0, 901.0)], seed=3), 2000)
    probes = [at for at in batch.sent if 60.0 < at < 901.0]
    assert min(gaps(probes)) >= 3.5
    assert max(gaps(probes)) <= 6.5
    assert most_within([at for at in batch.sent if 3.0 < at < 60.0], 1.0) <= 3


def test_a_short_outage_is_over_soon() -> None:
    batch = onboard(Service(outages=[(1.0, 11.0)], seed=4), 3000)
    assert min(at for at in batch.service.taken if at > 2.0) <= 12.5


def test_afterwards_requests_come_back_little_by_little() -> None:
    batch = onboard(Service(outages=[(1.0, 601.0)], seed=5), 4000)
    back = min(at for at in batch.service.taken if at > 2.0)
    assert most_within([at for at in batch.sent if back <= at < back + 0.2], 0.05) <= 8
    assert sum(back + 2.0 <= at < back + 3.0 for at in batch.sent) >= 500


def test_lost_connections_are_an_outage_too_and_one_answer_ends_it() -> None:
    async def main() -> list[bool]:
        gate, troubled = Pacing(boot=clock, rng=Random(1)), []
        for status in [None] * 6 + [404, None]:
            await gate.enter(FAMILY)
            gate.observe(FAMILY, status, None)
            gate.leave(FAMILY)
            troubled.append(gate.troubled(FAMILY))
        return troubled

    assert in_virtual_time(main) == [False, True, True, True, True, True, False, False]


def test_a_probe_that_is_never_answered_does_not_stop_the_asking() -> None:
    async def main() -> int:
        gate, asked = Pacing(boot=clock, rng=Random(1)), 0
        for _ in range(5):
            await gate.enter(FAMILY)
            gate.observe(FAMILY, 503, None)
            gate.leave(FAMILY)
        with anyio.move_on_after(120):
            while True:
                await gate.enter(FAMILY)
                asked += 1
        return asked

    assert 8 <= in_virtual_time(main) <= 40


def test_the_failures_of_one_who_is_alone_are_its_own_when_the_service_answers() -> None:
    """A request that always gets a 500 must fail in the end, though nobody else is there to show that all is well."""

    async def main() -> bool:
        gate = Pacing(boot=clock, rng=Random(1))
        for _ in range(20):
            await gate.enter(FAMILY)
            gate.observe(FAMILY, 500, None)
            gate.leave(FAMILY)
        return gate.troubled(FAMILY)

    assert not in_virtual_time(main)


@pytest.mark.parametrize("status", [503, 429])
def test_patience_ends_after_an_hour_without_one_good_answer(status: int) -> None:
    async def main() -> tuple[bool, bool]:
        gate, patient = Pacing(boot=clock, rng=Random(1)), True
        while clock() < 3590:
            await gate.enter(FAMILY)
            gate.observe(FAMILY, status, 10.0)
            patient &= gate.troubled(FAMILY)
            gate.leave(FAMILY)
        await anyio.sleep(60)
        return patient, gate.troubled(FAMILY)

    first, last = in_virtual_time(main)
    assert first
    assert not last


def test_one_service_that_is_down_does_not_stop_another() -> None:
    async def main() -> tuple[Batch, Batch]:
        gate = Pacing(boot=clock, rng=Random(7))
        down = Batch(gate=gate, service=Service(outages=[(0.5, 300.0)], seed=7), size=3000, callers=40, family="down")
        up = Batch(gate=gate, service=Service(seed=8), size=3000, callers=40, family="up")
        async with anyio.create_task_group() as group:
            group.start_soon(down.run)
            group.start_soon(up.run)
        return down, up

    down, up = in_virtual_time(main)
    assert down.took > 300
    assert up.took < 10


@pytest.mark.parametrize(
    ("service", "bound", "most"),
    [(Service(outages=[(0.0, 300.0)], seed=6), None, 300 + 8), (Service(seed=6), 2.0, 2.2 * 200 / 2)],
)
def test_a_permit_that_comes_too_late_to_be_used_holds_up_nobody(
    service: Service, bound: float | None, most: float
) -> None:
    """As with the look at a sentinel, which holds for 30 s: in a long queue it is too old when the permit comes."""
    done: list[float] = []

    async def main() -> None:
        gate = Pacing(boot=clock, rng=Random(7), rate=bound)

        async def caller() -> None:
            looked, turn = clock(), 1
            while True:
                await gate.enter(FAMILY, turn)
                try:
                    if clock() - looked <= 30.0:
                        status, retry_after = await service.call()
                        gate.observe(FAMILY, status, retry_after)
                        if status == 201:
                            done.append(clock())
                            return
                finally:
                    gate.leave(FAMILY)
                turn = 0 if clock() - looked > 30.0 else 1
                await anyio.sleep(0.05)
                looked = clock()

        with anyio.move_on_after(1200):
            async with anyio.create_task_group() as group:
                for _ in range(200):
                    group.start_soon(caller)

    in_virtual_time(main)
    assert len(done) == 200
    assert done[-1] <= most
