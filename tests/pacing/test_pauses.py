"""A `Retry-After` holds the whole family back from the moment it is read, and outlives the process."""

from random import Random

import anyio
import pytest

from engine.pacing import Pacing
from tests.pacing.service import FAMILY
from tests.pacing.virtual_time import clock, in_virtual_time


async def answered(gate: Pacing, status: int | None, retry_after: float | None = None, family: str = FAMILY) -> None:
    await gate.enter(family)
    gate.observe(family, status, retry_after)
    gate.leave(family)


@pytest.mark.parametrize("status", [429, 503, 202])
def test_everybody_of_the_family_waits_and_who_holds_a_permit_is_told(status: int) -> None:
    async def main() -> tuple[float, float, float]:
        gate = Pacing(boot=clock, rng=Random(1))
        await gate.enter(FAMILY)  # holds a permit and has not sent yet
        await answered(gate, status, 7.0)
        told = gate.paused(FAMILY)
        refused = gate.try_enter(FAMILY, 1)
        await gate.enter(FAMILY)
        return told, clock(), float(refused)

    told, back, refused = in_virtual_time(main)
    assert 7.0 <= told <= 7.1
    assert 7.0 <= back <= 7.2
    assert not refused


def test_a_later_end_counts_and_an_earlier_one_does_not() -> None:
    async def main() -> list[float]:
        gate, ends = Pacing(boot=clock, rng=Random(1)), []
        for _ in range(3):
            await gate.enter(FAMILY)
        for seconds in (5.0, 20.0, 1.0):
            gate.observe(FAMILY, 429, seconds)
            ends.append(gate.paused(FAMILY))
        return ends

    first, second, third = in_virtual_time(main)
    assert 5.0 <= first <= 5.1
    assert 20.0 <= second <= 20.1
    assert third == second


@pytest.mark.parametrize(("seconds", "least", "most"), [(5.0, 5.0, 5.1), (60.0, 0.0, 2.1)])
def test_other_families_wait_as_long_as_a_gateway_may_say_and_else_a_moment(
    seconds: float, least: float, most: float
) -> None:
    async def main() -> float:
        gate = Pacing(boot=clock, rng=Random(1))
        await answered(gate, 429, seconds)
        await answered(gate, 201, family="another")
        return clock()

    assert least <= in_virtual_time(main) <= most


@pytest.mark.parametrize("left", [True, False])
def test_only_what_left_before_a_pause_does_not_begin_another_when_it_is_refused(left: bool) -> None:
    """Who has a permit and waits for the end of the pause leaves after it."""

    async def main() -> list[bool]:
        gate, paused = Pacing(boot=clock, rng=Random(1)), []
        for _ in range(2):
            await gate.enter(FAMILY)
        await gate.board(FAMILY)
        if left:
            await gate.board(FAMILY)
        for _ in range(2):
            gate.alight(FAMILY)
            gate.observe(FAMILY, 429, None)
            paused.append(gate.paused(FAMILY) > 0)
            await anyio.sleep(1.0)
            if not left:
                await gate.board(FAMILY)
        return paused

    assert in_virtual_time(main) == [True, not left]


def test_who_holds_a_permit_of_another_family_is_told_of_that_moment_which_is_trouble() -> None:
    async def main() -> list[tuple[float, bool]]:
        gate, told = Pacing(boot=clock, rng=Random(1)), []
        await gate.enter("another")
        await answered(gate, 429, 60.0)
        for _ in range(2):
            told.append((gate.paused("another"), gate.troubled("another")))
            await anyio.sleep(2.1)
        return told

    (during, trouble), after = in_virtual_time(main)
    assert 1.9 <= during <= 2.1
    assert trouble
    assert after == (0.0, False)


def test_pauses_are_told_of_once_and_restored() -> None:
    async def main() -> tuple[list[tuple[str, float]], float, list[tuple[str, float]]]:
        told: list[tuple[str, float]] = []
        gate = Pacing(boot=clock, rng=Random(1), on_pause=lambda family, seconds: told.append((family, seconds)))
        for _ in range(5):
            await gate.enter(FAMILY)
        for _ in range(5):
            gate.observe(FAMILY, 429, 30.0)
            await anyio.sleep(0.05)
        again: list[tuple[str, float]] = []
        heir = Pacing(boot=clock, rng=Random(2), on_pause=lambda family, seconds: again.append((family, seconds)))
        heir.restore(dict(told))
        before = clock()
        await heir.enter(FAMILY)
        return told, clock() - before, again

    told, waited, again = in_virtual_time(main)
    assert len(told) == 1
    family, seconds = told[0]
    assert family == FAMILY
    assert 30.0 <= seconds <= 31.1
    assert 30.0 <= waited <= 31.2
    assert again == []


def test_a_pause_is_trouble_and_its_end_is_not() -> None:
    async def main() -> list[bool]:
        gate = Pacing(boot=clock, rng=Random(1))
        before = gate.troubled(FAMILY)
        await answered(gate, 429, 3.0)
        during = gate.troubled(FAMILY)
        await anyio.sleep(3.1)
        return [before, during, gate.troubled(FAMILY)]

    assert in_virtual_time(main) == [False, True, False]
