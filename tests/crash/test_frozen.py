"""SIGSTOP and SIGCONT: a process sleeps longer than the send window, and wakes up as if nothing had happened, or as a
zombie whose runs another process has finished meanwhile."""

from signal import SIGSTOP

import pytest

from tests.crash.judge import judge
from tests.crash.marks import on_postgres
from tests.crash.stage import SHARED, Stage
from tests.crash.traps import POINTS, Trap
from workflows.cli.failures import Exit


@pytest.mark.crash
@pytest.mark.parametrize("point", ["intent:after", "POST:leaving"])
def test_frozen_at_a_point(stage: Stage, point: str) -> None:
    sleep_and_go_on(stage, Trap(point=point, nth=7, number=SIGSTOP))


@pytest.mark.reality
@pytest.mark.parametrize("point", ["intent:before", "commit:before", "POST:sent"])
def test_frozen_at_another_point(stage: Stage, point: str) -> None:
    sleep_and_go_on(stage, Trap(point=point, nth=12, number=SIGSTOP))


def sleep_and_go_on(stage: Stage, trap: Trap) -> None:
    assert stage.thaw(stage.frozen(trap=trap)) == Exit.DONE
    judge(stage)


@on_postgres
@pytest.mark.crash
def test_a_zombie(stage: Stage) -> None:
    be_overtaken(stage, "POST:leaving")


@on_postgres
@pytest.mark.reality
@pytest.mark.parametrize("point", POINTS)
def test_a_zombie_of_any_point(stage: Stage, point: str) -> None:
    be_overtaken(stage, point)


def be_overtaken(stage: Stage, point: str) -> None:
    """Another process finishes the runs of a frozen one, which then wakes up and must not send anything any more."""
    zombie = stage.frozen(trap=Trap(point=point, number=SIGSTOP, shared=SHARED))
    stage.finish()
    before = stage.posts()
    assert stage.thaw(zombie) in (Exit.LOCKED, Exit.STORAGE), zombie.err  # its server may have ended its session
    assert stage.posts() == before, "a zombie sends something"
    judge(stage)
