"""Two processes on one journal: SQLite has one owner, PostgreSQL many, and nothing is made twice."""

from __future__ import annotations

import pytest

from tests.crash.judge import judge
from tests.crash.marks import on_postgres, on_sqlite
from tests.crash.stage import Stage
from workflows.cli.failures import Exit


@on_sqlite
@pytest.mark.crash
def test_a_file_has_one_owner(stage: Stage) -> None:
    first = stage.start()
    stage.until_posts(3, first)
    stage.freeze(first)
    second = stage.start()
    assert second.code() == Exit.LOCKED
    assert f"is in use by process {first.process.pid} on this machine (headway run" in second.err
    assert len(stage.status()) == stage.sources
    assert stage.thaw(first) == Exit.DONE
    judge(stage)


@on_postgres
@pytest.mark.crash
def test_two_share_the_work_and_what_the_sources_share(stage: Stage) -> None:
    command = ("run", "sources.yaml", "--json", "--only")
    halves = [stage.start(*command, "team-[01]"), stage.start(*command, "team-[23]")]
    assert [half.code() for half in halves] == [Exit.DONE, Exit.DONE]
    judge(stage)


@on_postgres
@pytest.mark.reality
@pytest.mark.parametrize("posts", [0, 3, 10, 20])
def test_whoever_comes_last_takes_the_runs_over(stage: Stage, posts: int) -> None:
    first = stage.start()
    stage.until_posts(posts, first)
    second = stage.start()
    codes = {first.code(), second.code()}
    assert codes <= {Exit.DONE, Exit.LOCKED}, first.err + second.err
    assert Exit.DONE in codes, "both gave way"
    stage.happened()
    judge(stage)
