"""What befalls a journal while it is at work, after the end, and midway: it vanishes, or another takes its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.judge import census, finish_with_doubts, judge
from tests.crash.marks import on_sqlite
from tests.crash.stage import KILLED, Stage
from tests.crash.stores import SqliteStore
from tests.crash.traps import Trap
from workflows.cli.failures import Exit

MIDWAY = Trap(point="POST:answered", nth=12)
EARLY = Trap(point="receipt:after", nth=4)


def vanish(stage: Stage, _copy: str) -> None:
    stage.store.lose()


def put_back(stage: Stage, copy: str) -> None:
    stage.store.put_back(copy)


def empty(stage: Stage, _copy: str) -> None:
    """A file without contents, a database without tables."""
    stage.store.lose()
    if isinstance(stage.store, SqliteStore):
        stage.store.path.touch()


def lose_lock(stage: Stage, _copy: str) -> None:
    """The lock file is deleted, so that a second process could come in beside the first."""
    Path(f"{stage.store.url}.lock").unlink()


@pytest.mark.crash
def test_the_journal_is_exchanged_for_an_earlier_copy_while_it_is_in_use(stage: Stage) -> None:
    exchange(stage, put_back)


@pytest.mark.reality
@pytest.mark.parametrize("deed", [vanish, empty])
def test_the_journal_is_gone_while_it_is_in_use(stage: Stage, deed: Callable[[Stage, str], None]) -> None:
    exchange(stage, deed)


@on_sqlite
@pytest.mark.reality
def test_the_lock_is_gone_while_the_journal_is_in_use(stage: Stage) -> None:
    exchange(stage, lose_lock)


def exchange(stage: Stage, deed: Callable[[Stage, str], None]) -> None:
    """Under the feet of a process, which stops; nothing of what it then did or knew is done twice."""
    assert stage.run(trap=EARLY) == KILLED
    copy = stage.store.copy()
    working = stage.start()
    stage.until_posts(8, working)
    deed(stage, copy)
    stage.happened()
    assert working.code() == Exit.STORAGE, working.err
    stage.finish()
    judge(stage)


@pytest.mark.crash
def test_the_journal_is_deleted_after_the_end(stage: Stage) -> None:
    stage.finish()
    before = census(stage)
    stage.store.lose()
    stage.happened()
    stage.finish()
    assert census(stage) == before
    judge(stage)


@pytest.mark.reality
@pytest.mark.parametrize("trap", [EARLY, MIDWAY], ids=["early", "midway"])
def test_the_journal_is_deleted_midway(stage: Stage, trap: Trap) -> None:
    for _ in range(2):
        assert stage.run(trap=trap) == KILLED
        stage.store.lose()
        stage.happened()
    stage.finish()
    judge(stage)


@pytest.mark.reality
@pytest.mark.parametrize("trap", [EARLY, MIDWAY], ids=["early", "midway"])
def test_an_earlier_copy_is_restored_after_the_end(stage: Stage, trap: Trap) -> None:
    restore(stage, trap)


@on_sqlite
@pytest.mark.reality
def test_a_file_is_restored_beside_the_lock_of_later_days(stage: Stage) -> None:
    assert isinstance(stage.store, SqliteStore)
    stage.store.sidecar = False
    restore(stage, MIDWAY)


def restore(stage: Stage, trap: Trap) -> None:
    assert stage.run(trap=trap) == KILLED
    copy = stage.store.copy()
    stage.finish()
    for _ in range(2):
        stage.store.put_back(copy)
        stage.happened()
        finish_with_doubts(stage)
    judge(stage)
