"""The rate is learned: close to what the service takes, from few refusals, and never against a Retry-After."""

from random import Random
from statistics import mean

import anyio
import pytest

from engine.pacing import Pacing
from tests.pacing.chain import Chains, one_bucket
from tests.pacing.service import FAMILY, Batch, Service, most_within, onboard
from tests.pacing.virtual_time import clock, in_virtual_time


def over_the_least(batch: Batch) -> float:
    """How much longer it took than a client that knew the bucket would have needed."""
    service = batch.service
    return batch.took / ((batch.size - service.burst) / service.rate)


@pytest.mark.parametrize(
    ("burst", "retry_after", "size", "most"),
    [
        (60, 1.0, 6000, 1.03),
        (10, 1.0, 6000, 1.06),
        (60, None, 2000, 1.03),
        (10, None, 2000, 1.05),
        (120, 1.0, 2000, 1.05),
    ],
)
def test_a_bucket_of_60_a_second_is_used_up_and_hardly_ever_overdrawn(
    burst: float, retry_after: float | None, size: int, most: float
) -> None:
    batch = onboard(Service(rate=60, burst=burst, retry_after=retry_after, seed=3), size)
    assert over_the_least(batch) <= most
    assert batch.premature == 0
    assert batch.charged == 0
    assert batch.service.answers[429] <= 30


@pytest.mark.parametrize(
    ("rate", "burst", "latency", "retry_after", "most"),
    [
        (60, 10, 0.005, 1.0, 1.10),
        (60, 10, 0.05, 1.0, 1.10),
        (60, 10, 0.1, 1.0, 1.13),
        (60, 10, 0.05, None, 1.04),
        (60, 5, 0.05, 1.0, 1.12),
        (60, 30, 0.05, 1.0, 1.07),
        (60, 100, 0.05, 1.0, 1.025),
        (60, 100, 0.05, 2.0, 1.10),
        (20, 5, 0.1, 1.0, 1.12),
        (20, 10, 0.05, 1.0, 1.08),
        (200, 10, 0.05, 1.0, 1.13),
        (200, 30, 0.05, 1.0, 1.10),
        (200, 100, 0.05, 1.0, 1.08),
    ],
)
def test_forty_seconds_of_work_are_little_enough_to_learn_from(
    rate: float, burst: float, latency: float, retry_after: float | None, most: float
) -> None:
    """Three refusals cost `retry_after - burst / rate` seconds each, which is most of what is lost: what the pauses put
    into the bucket leaves at once."""
    batches = [
        onboard(
            Service(rate=rate, burst=burst, latency=latency, retry_after=retry_after, seed=seed), int(40 * rate + burst)
        )
        for seed in (1, 2, 3)
    ]
    assert sum(over_the_least(batch) for batch in batches) / len(batches) <= most
    assert not any(batch.premature for batch in batches)


def test_a_store_that_seemed_deeper_than_it_is_does_not_make_it_slow_for_long() -> None:
    """At first requests are taken that do not come out of the bucket, such as reads."""
    batch = onboard(Service(burst=10, changes=[(0.2, 60.0)]), 2400)
    assert over_the_least(batch) <= 1.25


@pytest.mark.parametrize(("rate", "burst", "most"), [(20, 2, 1.1), (60, 2, 1.15), (60, 1, 1.6), (200, 1, 3.0)])
def test_hardly_any_store_is_not_overdrawn_after_every_pause(rate: float, burst: float, most: float) -> None:
    """A pause fills it with one or two: more at once are refused, and then nothing has gone wrong but that."""
    for seed in (1, 2):
        batch = onboard(Service(rate=rate, burst=burst, latency=0.02, retry_after=None, seed=seed), int(20 * rate))
        assert over_the_least(batch) <= most
        assert batch.service.answers[429] <= 30


def test_answers_that_take_seconds_do_not_confuse_it() -> None:
    batch = onboard(Service(rate=60, burst=60, tail=0.05, seed=3), 3000)
    assert batch.took <= 1.04 * (3000 - 60) / 60 + 5  # the last answers take as long as they take
    assert batch.premature == 0


@pytest.mark.parametrize(("rate", "size"), [(3.0, 300), (20.0, 1200), (100.0, 3000)])
def test_slower_and_faster_services_are_learned_the_same_way(rate: float, size: int) -> None:
    batch = onboard(Service(rate=rate, burst=rate, seed=5), size)
    assert over_the_least(batch) <= 1.10
    assert batch.premature == 0


def test_once_learned_requests_are_spread_evenly() -> None:
    batch = onboard(Service(rate=60, burst=60, seed=2), 2400)
    steady = [at for at in batch.sent if at > 26.0]  # nothing is refused any more
    assert most_within(steady, 1.0) <= 75
    assert most_within(steady, 0.1) <= 16


def test_four_services_behind_one_bucket_share_it_without_loss() -> None:
    service = Service(rate=60, burst=10, seed=4)

    async def main() -> float:
        gate = Pacing(boot=clock, rng=Random(4))
        async with anyio.create_task_group() as group:
            for number, size in enumerate((200, 200, 600, 1000)):
                batch = Batch(gate=gate, service=service, size=size, callers=30, family=f"service {number}")
                group.start_soon(batch.run)
        return clock()

    assert in_virtual_time(main) <= 1.12 * (2000 - 10) / 60


def test_a_service_with_a_limit_of_its_own_does_not_hold_back_the_others() -> None:
    slow, free = Service(rate=10, burst=10, seed=6), Service(seed=7)

    async def main() -> tuple[Batch, Batch]:
        gate = Pacing(boot=clock, rng=Random(6))
        ours = Batch(gate=gate, service=slow, size=600, callers=20, family="slow")
        others = Batch(gate=gate, service=free, size=3000, callers=20, family="free")
        async with anyio.create_task_group() as group:
            group.start_soon(ours.run)
            group.start_soon(others.run)
        return ours, others

    ours, others = in_virtual_time(main)
    assert over_the_least(ours) <= 1.15
    assert others.took < 0.6 * ours.took


def test_a_service_that_becomes_slower_or_faster_is_followed() -> None:
    slower = onboard(Service(rate=60, burst=60, changes=[(20, 30)]), 2400)
    assert slower.took <= 1.15 * (20 + (2400 - 1260) / 30)
    faster = onboard(Service(rate=30, burst=30, changes=[(20, 120)]), 3000)
    assert faster.took <= 20 + (3000 - 630) / 120 + 30


def test_one_with_a_small_store_that_becomes_half_as_fast_is_followed() -> None:
    """A pace between the two would be refused again and again, as the store hides nothing."""
    took = [onboard(Service(rate=60, burst=10, changes=[(20, 30)], seed=seed), 2410).took for seed in range(1, 5)]
    assert mean(took) <= 1.25 * (20 + 40)


def test_bad_moments_do_not_make_it_slow() -> None:
    moments = [(start, start + 0.5) for start in range(10, 60, 10)]
    batch = onboard(Service(rate=60, burst=60, refusing=moments), 3600)
    assert over_the_least(batch) <= 1.15  # of which 8 % are the moments and the pauses that the service asked for
    assert batch.premature == 0


def test_a_second_of_every_ten_in_which_all_is_refused_does_not_wear_the_pace_down() -> None:
    """Nor does the small store seem ever deeper. Each moment costs itself and the rest of the pause."""
    moments = [(start, start + 1.0) for start in range(10, 300, 10)]
    batches = [onboard(Service(rate=60, burst=10, refusing=moments, seed=seed), 9000) for seed in (1, 2)]
    assert mean(over_the_least(batch) for batch in batches) <= 1.25  # of which 10 % are the moments
    assert not any(batch.premature for batch in batches)


@pytest.mark.parametrize(("seed", "first"), [(109, 11.1), (111, 18.1)])
def test_hardly_any_store_is_not_taken_for_none_because_of_such_seconds(seed: int, first: float) -> None:
    """One of them in a trial looks as if refusals came at any pace; then nearly all were refused, for minutes."""
    moments = [(first + start, first + start + 1.0) for start in range(0, 800, 10)]
    service = Service(rate=60, burst=1, latency=0.1, refusing=moments, seed=seed)
    chains = Chains(one_bucket(service), 400, 400, seed)
    assert chains.run() <= 10 * 66.0  # what it must take
    assert not chains.premature


def test_refusals_at_any_pace_are_not_answered_by_going_ever_slower() -> None:
    batches = [onboard(Service(rate=60, burst=60, noise=0.005, retry_after=None, seed=seed), 3600) for seed in range(8)]
    assert sum(over_the_least(batch) for batch in batches) / len(batches) <= 1.18


def test_refusals_at_any_pace_are_outrun() -> None:
    """A service without a limit that refuses 3 % all the same: the more are out at once, the more go in one pause."""
    batches = [onboard(Service(noise=0.03, seed=seed), 6000) for seed in (1, 2, 3)]
    assert sum(batch.took for batch in batches) / len(batches) <= 160
    assert not any(batch.premature for batch in batches)


def test_refusals_that_are_counted_out_are_not_met_one_by_one() -> None:
    """15 of every 200: at a gentle pace each of the 15 would cost its own pause of a second, 240 s in all."""
    batches = [onboard(Service(counted=(15, 200), seed=seed), 3000) for seed in (1, 2, 3)]
    assert sum(batch.took for batch in batches) / len(batches) <= 80
    assert not any(batch.premature for batch in batches)


def test_requests_that_follow_a_pause_do_not_come_in_a_heap() -> None:
    batch = onboard(Service(retry_after=30.0, refusing=[(1.0, 1.1)], seed=9), 3000)
    back = next(at for at in batch.sent if at > 20.0)
    assert back >= 31.0
    assert most_within([at for at in batch.sent if back <= at < back + 0.2], 0.05) <= 15


def test_a_refusal_without_a_retry_after_pauses_for_a_moment_and_longer_if_it_goes_on() -> None:
    async def main() -> list[float]:
        gate, pauses = Pacing(boot=clock, rng=Random(1)), []
        for _ in range(6):
            await gate.enter(FAMILY)
            gate.observe(FAMILY, 429, None)
            pauses.append(gate.paused(FAMILY))
            gate.leave(FAMILY)
        return pauses

    pauses = in_virtual_time(main)
    assert 0.1 <= pauses[0] <= 0.2
    assert 1.0 <= pauses[-1] <= 30.0


def test_a_refusal_before_anything_was_taken_says_nothing_about_the_rate() -> None:
    """As a process meets that is started again, or for the first time, while the service refuses all: the first request
    is alone, and the rest of the batch waits for it."""
    service = Service(refusing=[(0.0, 0.5)])

    async def main() -> float:
        gate = Pacing(boot=clock, rng=Random(1))
        await Batch(gate=gate, service=service, size=1).one()
        batch = await Batch(gate=gate, service=service, size=400).run()
        return clock() if not batch.premature else float("inf")

    assert in_virtual_time(main) <= 6.0
