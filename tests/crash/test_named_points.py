"""SIGKILL at named points: around the intent, the request, the answer, the receipt, and inside the commit."""

import pytest

from tests.crash.judge import judge
from tests.crash.stage import KILLED, Stage
from tests.crash.traps import POINTS, Trap


@pytest.mark.crash
@pytest.mark.parametrize("point", ["intent:after", "commit:inside", "POST:sent", "POST:answered"])
def test_killed_at_a_point(stage: Stage, point: str) -> None:
    assert stage.run(trap=Trap(point=point, nth=7)) == KILLED
    stage.finish()
    judge(stage)


@pytest.mark.reality
@pytest.mark.parametrize("point", POINTS)
def test_killed_again_and_again_at_a_point(stage: Stage, point: str) -> None:
    for nth in (1, 4, 2, 9, 3, 6):
        assert stage.run(trap=Trap(point=point, nth=nth)) in (KILLED, 0)
    stage.finish()
    judge(stage)
