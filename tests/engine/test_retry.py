"""When to try again: full jitter under a capped ceiling, and never before the other side allows it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.retry import RetryPolicy, next_delay, pause_between_looks

POLICY = RetryPolicy(initial_interval=0.5, factor=2.0, max_interval=30.0)


def test_the_ceiling_doubles_up_to_the_cap_and_stays_there() -> None:
    assert [POLICY.ceiling(attempt) for attempt in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert POLICY.ceiling(10**9) == 30
    assert POLICY.ceiling(0) == POLICY.ceiling(-3) == 0.5


@given(attempt=st.integers(1, 10**6), seed=st.integers())
def test_a_pause_lies_between_nothing_and_the_ceiling(attempt: int, seed: int) -> None:
    assert 0 <= next_delay(POLICY, attempt, Random(seed)) <= POLICY.ceiling(attempt)


def test_jitter_is_full() -> None:
    rng = Random(7)
    pauses = [next_delay(POLICY, 6, rng) for _ in range(400)]
    assert [sum(low <= pause < low + 4 for pause in pauses) > 50 for low in (0, 4, 8, 12)] == [True] * 4


def test_the_same_seed_gives_the_same_pauses() -> None:
    one, other = ([next_delay(POLICY, n, rng) for n in range(1, 9)] for rng in (Random(3), Random(3)))
    assert one == other


@given(attempt=st.integers(1, 100), seed=st.integers(), floor=st.floats(0, 10**6))
def test_retry_after_is_a_floor_and_the_jitter_lies_on_top(attempt: int, seed: int, floor: float) -> None:
    pause = next_delay(POLICY, attempt, Random(seed), floor)
    assert floor <= pause <= floor + POLICY.ceiling(attempt)


def test_clients_that_were_told_the_same_time_do_not_come_back_together() -> None:
    assert len({next_delay(POLICY, 5, Random(seed), 60.0) for seed in range(50)}) == 50


def test_a_time_that_has_passed_asks_for_nothing() -> None:
    assert 0 <= next_delay(POLICY, 1, Random(1), -10.0) <= 0.5


def test_looks_grow_apart_up_to_a_minute() -> None:
    pauses = [pause_between_looks(look) for look in range(30)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[1], pauses[-1]) == (0.5, pytest.approx(0.8), 60.0)
    assert pause_between_looks(-1) == 0.5
    assert pause_between_looks(10**9) == 60.0
