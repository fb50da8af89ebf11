"""Whose a limit is: one service's own, or one for all; found out from the answers, whatever was called first."""

from random import Random
from statistics import mean

import anyio
import pytest

from engine.pacing import Pacing
from tests.pacing.chain import CATALOG, FAMILIES, FLOWS, REGISTRY, Chains, one_bucket
from tests.pacing.service import Batch, Service
from tests.pacing.virtual_time import clock, in_virtual_time

SEEDS = (1, 2, 3)


def bucket(seed: int) -> Service:
    return Service(rate=60, burst=10, latency=0.01, seed=seed)


@pytest.mark.parametrize(("sources", "most"), [(150, 17.0), (600, 50.0)])
def test_services_with_a_limit_each_are_not_held_to_one_pace(sources: int, most: float) -> None:
    """At first only one of them is asked, and refuses. The registry alone needs 7.3 s or 30 s after that, the looks 2.3
    s or 10 s."""
    took = []
    for seed in SEEDS:
        chains = Chains({family: bucket(seed * 10 + n) for n, family in enumerate(FAMILIES)}, sources, sources)
        took.append(chains.run())
        assert not chains.premature
    assert mean(took) <= most


@pytest.mark.parametrize("looks", [0, 150])
def test_one_limit_for_all_is_not_taken_for_one_of_a_service(looks: int) -> None:
    least = (8 * 150 + looks - 10) / 60
    took = []
    for seed in SEEDS:
        chains = Chains(one_bucket(bucket(seed)), 150, looks, seed)
        took.append(chains.run())
        assert not chains.premature
    assert mean(took) <= 1.2 * least


def test_while_a_limit_is_searched_for_nobody_is_tested() -> None:
    """What was taken before the first refusal is too little to say whose the limit is."""
    took = [
        Chains(one_bucket(Service(rate=60, burst=10, latency=0.002, seed=seed)), 300, 0, seed).run() for seed in SEEDS
    ]
    assert max(took) <= 1.1 * (8 * 300 - 10) / 60


def test_a_test_that_is_refused_shows_how_fast_all_may_go() -> None:
    """Where some are refused by chance, the bound was often too low before."""
    took = []
    for seed in range(1, 7):
        service = Service(rate=60, burst=60, latency=0.07, noise=0.01, seed=seed)
        took.append(Chains(one_bucket(service), 300, 300, seed).run())
    assert mean(took) <= 1.75 * (9 * 300 - 60) / 60


@pytest.mark.parametrize(("limited", "most"), [(FLOWS, 14.0), (REGISTRY, 10.5)])
def test_who_has_no_limit_is_not_held_back_by_one_who_has(limited: str, most: float) -> None:
    """The flow service is asked 600 times, the registry 450 times."""
    took = [
        Chains(
            {family: Service(latency=0.01, seed=seed) for family in FAMILIES} | {limited: bucket(seed)}, 150, 150
        ).run()
        for seed in SEEDS
    ]
    assert mean(took) <= most


def test_a_limit_that_rose_is_still_found_to_be_shared() -> None:
    """In the very moment of a test more goes through: each service seems to have a limit of its own."""
    service = Service(rate=60, burst=10, latency=0.01, changes=[(4.9, 120.0), (20.0, 60.0)])
    assert Chains(one_bucket(service), 600, 150).run() <= 1.6 * (4.9 + 15.1 + (4950 - 294 - 1812) / 60)


def test_what_others_sent_beside_it_does_not_count_for_a_limit_of_its_own() -> None:
    """The pace that both had together is too much for the one that has the limit, when it is alone. 15 s at least."""

    async def main(seed: int) -> float:
        gate = Pacing(boot=clock, rng=Random(seed))
        limited = Batch(gate=gate, service=Service(rate=60, burst=10, seed=seed), size=900, family=REGISTRY)
        other = Batch(gate=gate, service=Service(latency=0.2, seed=seed), size=150, callers=12, family=CATALOG)
        async with anyio.create_task_group() as group:
            group.start_soon(limited.run)
            group.start_soon(other.run)
        assert not limited.premature
        return limited.took

    assert mean(in_virtual_time(lambda seed=seed: main(seed)) for seed in range(1, 7)) <= 28


def test_a_family_whose_own_limit_was_found_leaves_the_others_to_be_judged() -> None:
    """What was known of it is put aside: the next refusal, though the third after as many requests, is a first one."""

    async def main() -> float | None:
        gate = Pacing(boot=clock, rng=Random(1))

        async def ask(family: str, status: int = 201) -> None:
            await gate.enter(family)
            gate.observe(family, status, 1.0 if status == 429 else None)
            gate.leave(family)

        async def refused_after(requests: int, apart: float) -> None:
            for _ in range(requests):
                await ask(FLOWS)
                await anyio.sleep(apart)
            await ask(FLOWS, 429)

        await refused_after(20, 0.1)
        await refused_after(40, 0.0)
        for _ in range(2):
            await refused_after(30, 1.0)
        together = [*[CATALOG] * 3, *[FLOWS] * 6]
        for family in together:
            await gate.enter(family)
        for family in together:
            gate.observe(family, 429 if family == CATALOG else 201, 1.0 if family == CATALOG else None)
            gate.leave(family)
        await refused_after(24, 1.0)
        await ask(FLOWS)
        return gate.snapshot()[FLOWS].rate

    assert in_virtual_time(main)
