"""SIGKILL while a sentinel is signed, which takes a lost journal, and while objects are deleted."""

from collections import Counter

import pytest

from tests.crash.judge import census, judge
from tests.crash.stage import KILLED, Headway, Stage
from tests.crash.traps import Trap

MOMENTS = ("leaving", "sent", "answered")
STAYING = {"mapping_set": 4}
"""What the platform cannot delete."""


@pytest.mark.crash
def test_killed_once_while_it_signs(stage: Stage) -> None:
    kill_signing(stage, "sent", (1,))


@pytest.mark.reality
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_again_and_again_while_it_signs(stage: Stage, moment: str) -> None:
    kill_signing(stage, moment, (1, 2, 1, 1))


def kill_signing(stage: Stage, moment: str, nths: tuple[int, ...]) -> None:
    assert stage.run(trap=Trap(point="POST:answered", nth=9)) == KILLED
    stage.store.lose()
    stage.happened()
    for nth in nths:
        assert stage.run(trap=Trap(point=f"PATCH:{moment}", nth=nth)) in (KILLED, 0)
    assert stage.tally.kills > 1, "nothing was signed"
    stage.finish()
    judge(stage)


@pytest.mark.crash
def test_killed_once_while_it_deletes(stage: Stage) -> None:
    kill_deleting(stage, "sent", (2,))


@pytest.mark.reality
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_again_and_again_while_it_deletes(stage: Stage, moment: str) -> None:
    kill_deleting(stage, moment, (1, 4, 2, 7))


def kill_deleting(stage: Stage, moment: str, nths: tuple[int, ...]) -> None:
    stage.finish()
    before = census(stage)
    for nth in nths:
        assert destroying(stage, trap=Trap(point=f"DELETE:{moment}", nth=nth)).code() == KILLED
        stage.happened(kill=True)
    ended = destroying(stage)
    assert ended.code() == 0, ended.err
    after = census(stage)
    assert Counter(after.values()) == STAYING
    stage.forget()
    stage.finish()
    judge(stage, earlier={id for id, kind in before.items() if id not in after or kind == "mapping_set"})


def destroying(stage: Stage, trap: Trap | None = None) -> Headway:
    return stage.start("destroy", stage.store.url, str(stage.settle), trap=trap)
