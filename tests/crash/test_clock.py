"""The wall clock is moved while a process works, and between two processes: nobody waits longer for it, and nothing
is made twice."""

from random import Random

import pytest

from tests.crash.child import Skew
from tests.crash.judge import judge
from tests.crash.stage import KILLED, Stage
from tests.crash.test_random_kills import bad_day
from tests.crash.traps import Trap

HOUR = 3600.0


@pytest.mark.crash
def test_a_clock_that_was_set_back_after_a_kill(stage: Stage) -> None:
    move_between(stage, -HOUR)


@pytest.mark.reality
@pytest.mark.parametrize("hours", [1, 24 * 365])
def test_a_clock_that_was_set_forward_after_a_kill(stage: Stage, hours: int) -> None:
    move_between(stage, hours * HOUR)


@pytest.mark.reality
@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
def test_a_clock_that_is_set_while_a_process_works(stage: Stage, seconds: float) -> None:
    bad_day(stage, Random(f"while {seconds}").randrange(2**32))
    assert stage.run(skew=Skew(after=seconds, readings=60)) == 0
    stage.happened()
    judge(stage)


def move_between(stage: Stage, seconds: float) -> None:
    """Killed while the platform asks for patience, which is written down by then; the next process lives at another
    time."""
    stage.platform.faults("kind=status,status=429,retry_after=8,method=POST,service=catalog,times=1", latency=0.05)
    assert stage.run(trap=Trap(point="pause:after")) == KILLED
    assert stage.run(skew=Skew(before=seconds, after=seconds)) == 0
    stage.happened()
    judge(stage)
