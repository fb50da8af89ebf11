"""How many at once is learned from 500s, and only from those that fewer requests at once would have avoided."""

from statistics import mean

import pytest

from engine.pacing.window import Window
from tests.pacing.chain import FAMILIES, FLOWS, REGISTRY, Chains, one_bucket
from tests.pacing.service import Service, onboard


@pytest.mark.parametrize(("at_once", "size"), [(20, 3000), (5, 1000)])
def test_a_service_that_fails_beyond_a_number_at_once_is_kept_below_it(at_once: int, size: int) -> None:
    batch = onboard(Service(at_once=at_once, seed=2), size)
    assert batch.service.answers[500] <= 0.02 * size
    assert batch.worst <= 2
    possible = size * 0.05 / at_once  # 50 ms each, the way there and back included
    assert batch.took <= 2.0 * possible


@pytest.mark.parametrize(("at_once", "latency", "most"), [(12, 0.1, 13.5), (20, 0.2, 17.0)])
def test_a_number_that_counts_for_all_services_together_is_found(at_once: int, latency: float, most: float) -> None:
    """A window for each service would stay below the number, and their sum above it."""
    took, failures = [], []
    for seed in (1, 2, 3, 4):
        service = Service(at_once=at_once, latency=latency, seed=seed)
        took.append(Chains(one_bucket(service), 150, 150, seed).run())
        failures.append(service.answers[500])
    assert mean(failures) <= 35
    assert mean(took) <= most


@pytest.mark.parametrize("limited", [FLOWS, REGISTRY])
def test_who_may_send_many_at_once_is_not_held_back_by_one_who_may_not(limited: str) -> None:
    """The flow service is asked 600 times, the registry 450 times; ten at once are 160 a second."""
    took = []
    for seed in (1, 2, 3, 4):
        services = {family: Service(latency=0.1, seed=seed) for family in FAMILIES}
        services[limited] = Service(latency=0.1, at_once=10, seed=seed)
        took.append(Chains(services, 150, 150, seed).run())
    assert mean(took) <= 9.5


def test_answers_that_come_together_widen_it_as_answers_one_by_one_do() -> None:
    """By half in each round. Each of a crowd gives its permit back before the next is looked at."""
    batch = onboard(Service(latency=0.05, jitter=0.0), 600, callers=600, journal=0.0)
    assert batch.took <= 0.05 * 14


def test_failures_that_come_at_any_number_do_not_narrow_it() -> None:
    batch = onboard(Service(errors=0.05, seed=3), 3000)
    assert batch.took <= 4.0 * 3000 * 0.05 / 64


def test_failures_of_their_own_do_not_slow_down_a_rate() -> None:
    batch = onboard(Service(rate=60, burst=60, errors=0.03, seed=4), 1800)
    requests = sum(batch.service.answers[status] for status in (201, 500))
    assert batch.took <= 1.07 * (requests - 60) / 60


def test_the_person_may_allow_fewer() -> None:
    batch = onboard(Service(seed=5), 500, concurrency=3)
    assert batch.service.most_in_flight <= 3
    assert batch.took <= 1.3 * 500 * 0.052 / 3


def test_it_grows_quickly_while_nothing_is_wrong() -> None:
    batch = onboard(Service(seed=6), 3000)
    assert batch.took <= 1.5 * 3000 * 0.052 / 64


def test_permits_beyond_the_wire_do_not_make_a_full_wire_look_half_empty() -> None:
    window = Window(8)
    for _ in range(200):
        window.succeeded(16)
    for _ in range(20):
        window.failed(7)
    assert window.room < 8


def test_everything_at_once() -> None:
    """Bucket, limit at once, long tail, some failures, an outage in the middle."""
    service = Service(rate=60, burst=60, at_once=20, tail=0.05, errors=0.01, outages=[(20.0, 320.0)], seed=1)
    batch = onboard(service, 3000)
    assert batch.took <= 300 + 1.06 * (3000 - 60) / 60 + 8
    assert batch.premature == 0
    assert batch.worst <= 2
