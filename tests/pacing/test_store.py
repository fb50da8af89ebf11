"""Rate and depth of a store from two emptyings of it."""

import pytest

from engine.pacing.store import Drain, bound, depth

RATE = 60


def emptied(seconds: float, held: float) -> list[Drain]:
    """All that a store with so many seconds' worth and its refill gave in so many seconds."""
    return [Drain(round(RATE * (seconds + held)), seconds, held)]


@pytest.mark.parametrize("assumed", [0.1, 0.35, 3.0])
@pytest.mark.parametrize(("first", "second"), [(0.2, 5.0), (5.0, 0.2), (0.1, 0.7), (1.1, 0.3)])
def test_it_does_not_matter_which_emptying_was_the_longer(first: float, second: float, assumed: float) -> None:
    burst, window = emptied(first, held=1.0), emptied(second, held=1.0)
    found = depth(window, burst, assumed)
    assert found == pytest.approx(1.0, abs=0.3)
    assert bound(window, found).rate == pytest.approx(RATE, rel=0.2)


def test_what_needs_no_store_shows_hardly_any() -> None:
    assert depth(emptied(5.0, held=0.0), emptied(1.0, held=0.0), 0.35) < 0.05
