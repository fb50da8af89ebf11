"""Permits: by turn, never too many, never lost, whatever is cancelled when."""

import asyncio
from random import Random

import anyio
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.pacing import Pacing
from tests.pacing.service import FAMILY, Batch, Service
from tests.pacing.virtual_time import VirtualLoop, clock, in_virtual_time


def test_who_waits_first_goes_first() -> None:
    async def main() -> list[int]:
        gate, order = Pacing(boot=clock, rng=Random(1), concurrency=1), []

        async def caller(number: int) -> None:
            await gate.enter(FAMILY)
            order.append(number)
            await anyio.sleep(0.1)
            gate.leave(FAMILY)

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(caller, number)
                await anyio.sleep(0.001)
        return order

    assert in_virtual_time(main) == list(range(20))


def test_nobody_overtakes_who_waits() -> None:
    async def main() -> bool:
        gate = Pacing(boot=clock, rng=Random(1), concurrency=1)
        await gate.enter(FAMILY, 1)
        async with anyio.create_task_group() as group:
            group.start_soon(gate.enter, FAMILY, 1)
            await anyio.sleep(0.01)
            gate.leave(FAMILY)
            return gate.try_enter(FAMILY, 1)

    assert not in_virtual_time(main)


def test_services_take_turns_for_what_they_share() -> None:
    async def main() -> list[str]:
        gate, order = Pacing(boot=clock, rng=Random(1), concurrency=1), []

        async def caller(family: str) -> None:
            await gate.enter(family, 1)
            order.append(family)
            await anyio.sleep(0.01)
            gate.leave(family)

        async with anyio.create_task_group() as group:
            for family in ["many"] * 10 + ["few"] * 2:
                group.start_soon(caller, family)
        return order

    assert {"few"} <= set(in_virtual_time(main)[:4])


def test_the_lowest_turn_takes_the_permit_that_was_just_given_back_and_is_not_overtaken() -> None:
    async def main() -> list[bool]:
        gate = Pacing(boot=clock, rng=Random(1), concurrency=1)
        await gate.enter(FAMILY, 1)
        async with anyio.create_task_group() as group:
            group.start_soon(gate.enter, FAMILY, 2)
            await anyio.sleep(0.01)
            gate.leave(FAMILY)
            taken = [gate.try_enter(FAMILY, turn) for turn in (3, 2, 1)]
            gate.leave(FAMILY)
        return taken

    assert in_virtual_time(main) == [False, False, True]


def test_who_waits_is_served_by_turn_whatever_the_service() -> None:
    async def main() -> list[int]:
        gate, order = Pacing(boot=clock, rng=Random(1), rate=10), []

        async def caller(family: str, turn: int) -> None:
            await gate.enter(family, turn)
            order.append(turn)
            gate.leave(family)

        async with anyio.create_task_group() as group:
            group.start_soon(caller, FAMILY, 0)
            for turn in (5, 2, 4, 1, 3):
                group.start_soon(caller, FAMILY if turn % 2 else "another", turn)
        return order

    assert in_virtual_time(main) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("readers", [1, 100])
def test_reads_go_early_and_do_not_keep_out_what_has_a_turn(readers: int) -> None:
    """Two a second leave; each reader comes back at once. An effect waits for as many as there are, or as there are
    turns before its own, at most."""

    async def main() -> list[float]:
        gate, times = Pacing(boot=clock, rng=Random(1), rate=2.0), []
        await gate.enter(FAMILY, 1)

        async def read() -> None:
            while True:
                await gate.enter(FAMILY)
                gate.leave(FAMILY)
                await anyio.sleep(0.01)

        async with anyio.create_task_group() as group:
            for _ in range(readers):
                group.start_soon(read)
            await anyio.sleep(0.01)
            for turn in (20, None, 0):
                began = clock()
                await gate.enter(FAMILY, turn)
                times.append(clock() - began)
                gate.leave(FAMILY)
            group.cancel_scope.cancel()
        return times

    effect, another, urgent = in_virtual_time(main)
    assert effect <= 1.1 * 21 / 2
    assert another <= 1.1 * (readers + 3) / 2
    assert urgent <= 1


def test_who_must_wait_for_one_service_holds_up_no_other() -> None:
    async def main() -> float:
        gate = Pacing(boot=clock, rng=Random(1), rate=100)
        gate.restore({"paused": 60.0})
        async with anyio.create_task_group() as group:
            group.start_soon(gate.enter, "paused", 1)
            await anyio.sleep(0.01)
            await gate.enter(FAMILY, 2)
            entered = clock()
            gate.leave(FAMILY)
        return entered

    assert in_virtual_time(main) < 1


def batch(*, journal: float, latency: float) -> tuple[Batch, int]:
    """A batch through eight places, and how many permits were out at most when the pace had settled."""

    async def main() -> tuple[Batch, int]:
        gate, most = Pacing(boot=clock, rng=Random(1), concurrency=8), 0
        run = Batch(gate=gate, service=Service(latency=latency), size=4000, callers=40, journal=journal)
        async with anyio.create_task_group() as group:
            group.start_soon(run.run)
            while not run.took:
                await anyio.sleep(0.05)
                if len(run.sent) > 400:
                    most = max(most, gate.snapshot()[FAMILY].permits)
        return run, most

    return in_virtual_time(main)


def test_an_intent_that_is_being_written_leaves_no_place_on_the_wire_empty() -> None:
    run, permits = batch(journal=0.025, latency=0.05)
    assert run.service.most_in_flight <= 8
    assert run.took < 1.15 * 4000 * 0.05 / 8
    assert permits > 8


def test_no_intent_is_written_long_before_its_request_may_leave() -> None:
    run, permits = batch(journal=0.002, latency=2.0)
    assert run.service.most_in_flight <= 8
    assert permits <= 8


def test_a_try_takes_a_free_permit_and_never_waits() -> None:
    async def main() -> list[bool]:
        gate = Pacing(boot=clock, rng=Random(1), concurrency=2)
        return [gate.try_enter(family, 1) for family in "abc"]

    assert in_virtual_time(main) == [True, True, False]


def test_whoever_is_cancelled_while_waiting_or_at_the_very_moment_leaves_nothing_behind() -> None:
    async def main() -> int:
        gate = Pacing(boot=clock, rng=Random(1), concurrency=1)
        await gate.enter(FAMILY)
        waiting = [asyncio.ensure_future(gate.enter(FAMILY)) for _ in range(3)]
        await anyio.sleep(0.01)
        gate.leave(FAMILY)  # grants the first, which is cancelled before it can know
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return sum(gate.try_enter(FAMILY, 1) for _ in range(3))

    assert in_virtual_time(main) == 1


def test_when_the_first_in_the_queue_gives_up_the_next_watches_the_clock() -> None:
    async def main() -> float:
        gate = Pacing(boot=clock, rng=Random(1))
        gate.restore({FAMILY: 10.0})
        async with anyio.create_task_group() as group:
            with anyio.move_on_after(1.0):
                group.start_soon(_enter_later, gate)
                await gate.enter(FAMILY)
        return clock()

    assert 10.0 <= in_virtual_time(main) <= 10.1


async def _enter_later(gate: Pacing) -> None:
    await anyio.sleep(0.5)
    await gate.enter(FAMILY)


@pytest.mark.parametrize("concurrency", [0, -1])
def test_no_request_at_all_is_not_a_number_at_once(concurrency: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Pacing(boot=clock, rng=Random(1), concurrency=concurrency)


class Permits(RuleBasedStateMachine):
    """Any order of entering, giving up, answers and time: the bounds hold, and in the end everybody gets a permit."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.gate = Pacing(boot=self.loop.time, rng=Random(1), concurrency=3, rate=20.0)
        self.waiting: list[tuple[str, asyncio.Task[None]]] = []
        self.held: list[str] = []

    def turn(self, seconds: float = 0.0) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))
        for family, task in [(family, task) for family, task in self.waiting if task.done()]:
            self.waiting.remove((family, task))
            if not task.cancelled():
                task.result()
                self.held.append(family)

    def leave(self, family: str) -> None:
        self.loop.call_soon(self.gate.leave, family)

    @rule(family=st.sampled_from("ab"), turn=st.none() | st.integers(0, 3))
    def enter(self, family: str, turn: int | None) -> None:
        self.waiting.append((family, self.loop.create_task(self.gate.enter(family, turn))))
        self.turn()

    @rule(family=st.sampled_from("ab"), turn=st.integers(0, 3))
    def try_enter(self, family: str, turn: int) -> None:
        if self.gate.try_enter(family, turn):
            self.held.append(family)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), at_once=st.booleans())
    def give_up(self, data: st.DataObject, *, at_once: bool) -> None:
        _, task = data.draw(st.sampled_from(self.waiting))
        if not at_once and self.held:
            self.leave(self.held.pop())  # perhaps it is granted, and cancelled in the same moment
        task.cancel()
        self.turn()

    @precondition(lambda self: self.held)
    @rule(
        status=st.sampled_from([201, 201, 404, 429, 500, 503, None]),
        retry_after=st.sampled_from([None, None, 0.0, 2.0]), seen=st.booleans(),
    )  # fmt: skip
    def answer(self, status: int | None, retry_after: float | None, *, seen: bool) -> None:
        family = self.held.pop(0)
        if seen:
            self.gate.observe(family, status, retry_after)
        self.leave(family)
        self.turn()

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.3, 3.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.turn(seconds)

    @invariant()
    def never_too_many(self) -> None:
        assert len(self.held) <= 3
        views = self.gate.snapshot().values()
        assert sum(view.permits for view in views) == len(self.held)
        assert sum(view.waiting for view in views) == len(self.waiting)

    def teardown(self) -> None:
        for _ in range(200):
            while self.held:
                family = self.held.pop()
                self.gate.observe(family, 201, None)
                self.leave(family)
            self.turn(5.0)
        assert not self.waiting
        self.loop.close()


TestPermits = Permits.TestCase
TestPermits.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
