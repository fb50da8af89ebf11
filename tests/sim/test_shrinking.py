"""A failing seed is shrunk to what must go wrong, and that replays exactly."""

import shlex
from dataclasses import replace

import pytest

from engine.simulation.proof import find
from engine.simulation.trial import DROPPABLE, Trial, shrink

# Killed processes leave coroutines that never end: that is what killing means.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::RuntimeWarning")
RULE = "effect_before_intent"


@pytest.fixture(scope="module")
def failing() -> Trial:
    found = find(RULE, count=60)
    assert found.seed is not None
    return Trial(seed=found.seed, sabotage=RULE)


@pytest.fixture(scope="module")
def small(failing: Trial) -> Trial:
    return shrink(failing)


def test_what_is_left_fails_still_and_nothing_of_it_can_be_dropped(failing: Trial, small: Trial) -> None:
    left = small.only or ()
    assert small.failures(small.run())
    assert 0 < len(left) < len(failing.run().strokes) + len(DROPPABLE)
    assert small.run().faults.total() < failing.run().faults.total()
    for name in left:
        less = replace(small, only=tuple(other for other in left if other != name))
        assert not less.failures(less.run()), f"{name} can be dropped"


def test_shrinking_and_replaying_are_deterministic(failing: Trial, small: Trial) -> None:
    assert shrink(failing) == small
    assert small.run(trace=True).story == small.run(trace=True).story


def test_a_small_schedule_holds_when_no_rule_is_broken(small: Trial) -> None:
    assert replace(small, sabotage=None).run().wrong == []


def test_the_command_names_what_is_left() -> None:
    trial = Trial(seed=7, sabotage=RULE, only=("lists", "crash p11 1"))
    assert shlex.split(trial.command) == [
        "headway", "simulate", "--seed", "7", "--count", "1", "--sabotage", RULE, "--only", "lists, crash p11 1",
    ]  # fmt: skip


def test_what_does_not_fail_cannot_be_shrunk() -> None:
    with pytest.raises(ValueError, match="seed 7 does not fail"):
        shrink(Trial(seed=7))
