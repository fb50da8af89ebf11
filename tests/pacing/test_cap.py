"""`--rate N`: at most N permits in any second, over all services, and hardly fewer."""

from random import Random

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pacing import Pacing
from engine.pacing.cap import Cap
from tests.pacing.service import Batch, Service, most_within, onboard
from tests.pacing.virtual_time import clock, in_virtual_time


@pytest.mark.parametrize("rate", [2.5, 20.0, 55.0])
def test_no_second_sees_more_than_the_person_allows(rate: float) -> None:
    batch = onboard(Service(seed=3, tail=0.02), int(20 * rate), rate=rate)
    assert most_within(batch.service.arrivals, 1.0) <= max(rate, 3)
    assert batch.took <= 1.05 * 20 + 2


def test_the_bound_holds_over_all_services_together() -> None:
    service = Service(seed=4)

    async def main() -> float:
        gate = Pacing(boot=clock, rng=Random(4), rate=40)
        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(
                    Batch(gate=gate, service=service, size=200, callers=20, family=f"service {number}").run
                )
        return clock()

    took = in_virtual_time(main)
    assert most_within(service.arrivals, 1.0) <= 40
    assert took <= 1.05 * 800 / 40 + 1


def test_what_the_service_takes_beats_what_the_person_allows() -> None:
    batch = onboard(Service(rate=30, burst=30, seed=5), 1200, rate=50)
    assert batch.took <= 1.06 * (1200 - 30) / 30
    assert most_within(batch.service.arrivals, 1.0) <= 50


@given(st.floats(0.2, 200.0), st.lists(st.floats(0.0, 0.3), max_size=300))
def test_whatever_the_timing_no_window_is_overfull(rate: float, lateness: list[float]) -> None:
    cap, now, sent = Cap(rate), 0.0, []
    for late in lateness:
        now = max(now, cap.opens_at) + late
        cap.take(now)
        sent.append(now)
    most = -(-rate // 1)
    assert most_within(sent, most / rate) <= most


@pytest.mark.parametrize("late", [0.0, 0.3])
def test_requests_that_waited_for_one_commit_or_a_busy_loop_do_not_leave_together(late: float) -> None:
    """`late`: seconds by which a loop that has other things to do wakes whoever waits."""
    arrivals: list[float] = []

    async def main() -> None:
        gate, rng = Pacing(boot=clock, rng=Random(4), rate=40), Random(5)
        commits = [rng.uniform(0.0, 0.5) for _ in range(200)]

        async def one(number: int) -> None:
            await gate.enter("service")
            await anyio.sleep_until(max(anyio.current_time(), number // 20 * 0.5 + commits[number // 20]))
            while wait := gate.departs_in("service"):  # noqa: ASYNC110 - no event is there to wait for
                await anyio.sleep(wait + rng.uniform(0.0, late))
            arrivals.append(clock())
            gate.leave("service")

        async with anyio.create_task_group() as group:
            for number in range(400):
                group.start_soon(one, number)

    in_virtual_time(main)
    assert len(arrivals) == 400
    assert most_within(arrivals, 1.0) <= 40


@pytest.mark.parametrize(
    ("refused", "seconds", "back"), [("service", 12.0, 12.25), ("another", 7.0, 7.25), ("another", 12.0, 2.25)]
)
def test_a_request_that_has_its_permit_does_not_leave_in_a_pause_that_began_since(
    refused: str, seconds: float, back: float
) -> None:
    """Nor while all pause, since the limit may be one for all."""
    left: list[float] = []

    async def main() -> None:
        gate = Pacing(boot=clock, rng=Random(6))

        async def one() -> None:
            await gate.enter("service")
            await anyio.sleep(0.5)
            while wait := gate.departs_in("service"):  # noqa: ASYNC110 - no event is there to wait for
                await anyio.sleep(wait)
            left.append(clock())
            gate.leave("service")

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await anyio.sleep(0.25)
            await gate.enter(refused)
            gate.observe(refused, 429, seconds)
            gate.leave(refused)

    in_virtual_time(main)
    assert back <= left[0] <= back + 0.1


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pacing(boot=clock, rng=Random(1), rate=rate)
