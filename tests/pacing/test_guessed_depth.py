"""How deep the store is must be guessed at first: a wrong guess is put right, and refusals for other reasons do not
look like a wrong guess. Many seeds, since it hangs on some hundredths of a second."""

from statistics import mean
from typing import Any

from tests.pacing.chain import Chains, one_bucket
from tests.pacing.service import Service

SEEDS = range(1, 9)
SOURCES = 150


def over_the_least(seed: int, **kinds: Any) -> float:
    """One bucket of 60 a second for all services that holds a second's worth, times what it must take."""
    service = Service(rate=60, burst=60, latency=0.07, seed=seed, **kinds)
    chains = Chains(one_bucket(service), SOURCES, SOURCES, seed)
    took = chains.run()
    assert not chains.premature
    return took / ((9 * SOURCES - 60) / 60)


def test_a_store_that_is_deeper_than_it_was_taken_to_be_is_found_out() -> None:
    assert mean(over_the_least(seed) for seed in SEEDS) <= 1.06


def test_also_where_the_service_refuses_all_now_and_then() -> None:
    """A second of every ten; each moment costs that second, and what is left of the pause."""
    moments = [(10 * start, 10 * start + 1) for start in range(1, 20)]
    assert mean(over_the_least(seed, refusing=moments) for seed in SEEDS) <= 1.15


def test_refusals_that_are_counted_out_cost_no_more_than_two_pauses_each() -> None:
    """Twenty of every 600 requests, 50 s of them: the first is met by few requests, the rest by two spurts."""
    assert mean(over_the_least(seed, counted=(20, 600)) for seed in SEEDS) <= 1.32
