"""The journal's disk is full, does not work, or may not be written; the database server dies. Exit code 74, and the
next call continues."""

from __future__ import annotations

import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.disks import Disk, mounted
from tests.crash.judge import judge
from tests.crash.marks import on_postgres, on_sqlite
from tests.crash.stage import KILLED, Headway, Stage
from tests.crash.stores import PostgresStore, SqliteStore
from tests.crash.traps import Trap
from tests.postgres import find_programs, run
from workflows.cli.failures import Exit

MOMENTS = [1, 12, 24]
"""After how many requests that create it happens."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk") as disk:
        yield disk


@pytest.mark.reality
@pytest.mark.parametrize("posts", MOMENTS)
@on_sqlite
def test_a_full_disk(disk: Disk, stage: Stage, posts: int) -> None:
    stage.store = SqliteStore(disk.folder / "headway.db")
    headway = stage.start()
    stage.until_posts(posts, headway)
    disk.fill()
    stops(stage, headway, "the disk is full")
    disk.free()
    stage.finish()
    judge(stage)
    stage.clear()


@on_sqlite
@pytest.mark.crash
def test_a_file_that_cannot_grow_any_more(stage: Stage) -> None:
    hit_the_limit(stage, 12)


@on_sqlite
@pytest.mark.reality
@pytest.mark.parametrize("posts", MOMENTS)
def test_a_file_that_cannot_grow_any_more_at_any_moment(stage: Stage, posts: int) -> None:
    hit_the_limit(stage, posts)


def hit_the_limit(stage: Stage, posts: int) -> None:
    headway = stage.start()
    stage.until_posts(posts, headway)
    log = Path(f"{stage.store.url}-wal").stat().st_size
    assert headway.process.pid is not None
    resource.prlimit(headway.process.pid, resource.RLIMIT_FSIZE, (log, resource.RLIM_INFINITY))
    stops(stage, headway, "a file may not grow any more")
    stage.finish()
    judge(stage)


@on_sqlite
@pytest.mark.crash
def test_a_disk_that_is_full_from_the_start(stage: Stage) -> None:
    headway = stage.start(largest_file=20_000)
    assert headway.code() == Exit.STORAGE, headway.err
    assert not stage.posts()
    stage.happened()
    stage.finish()
    judge(stage)


@on_sqlite
@pytest.mark.crash
def test_a_journal_that_may_only_be_read(stage: Stage) -> None:
    """It shows what it knows, and nothing is sent."""
    assert isinstance(stage.store, SqliteStore)
    stage.store = SqliteStore(stage.folder / "theirs" / "headway.db")
    stage.store.path.parent.mkdir()
    assert stage.run(trap=Trap(point="POST:answered", nth=12)) == KILLED
    modes = forbid(stage.store.path.parent)
    headway = stage.start(humble=True)
    assert headway.code() == Exit.STORAGE
    assert "no right to write" in headway.err
    stage.happened()
    nothing_is_sent(stage, humble=True)
    for path, mode in modes.items():
        path.chmod(mode)
    stage.finish()
    judge(stage)


def forbid(folder: Path) -> dict[Path, int]:
    """Take the right to write to a folder and its files away; their modes before."""
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (*folder.iterdir(), folder)}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    return modes


@on_postgres
@pytest.mark.crash
def test_a_database_that_may_only_be_read(stage: Stage) -> None:
    store = stage.store
    assert isinstance(store, PostgresStore)
    assert stage.run(trap=Trap(point="POST:answered", nth=12)) == KILLED
    store.server.execute(f"ALTER DATABASE {store.name} SET default_transaction_read_only = on")
    stops(stage, stage.start(), "read-only transaction")
    nothing_is_sent(stage)
    store.server.execute(f"ALTER DATABASE {store.name} RESET default_transaction_read_only")
    stage.finish()
    judge(stage)


@on_postgres
@pytest.mark.reality
@pytest.mark.parametrize("posts", MOMENTS)
def test_a_database_server_that_dies_and_comes_back(stage: Stage, posts: int) -> None:
    programs, store = find_programs(), stage.store
    assert isinstance(store, PostgresStore)
    assert programs is not None
    data, log = store.server.socket_dir / "data", store.server.socket_dir / "log"
    headway = stage.start()
    stage.until_posts(posts, headway)
    run(programs / "pg_ctl", "-D", data, "-l", log, "-m", "immediate", "-w", "restart")
    stops(stage, headway, "does not answer")
    stage.finish()
    judge(stage)


def stops(stage: Stage, headway: Headway, reason: str) -> None:
    """It cannot write its journal, and says why."""
    assert headway.code() == Exit.STORAGE, headway.err
    assert reason in headway.err
    stage.happened()


def nothing_is_sent(stage: Stage, *, humble: bool = False) -> None:
    """As long as that is not mended."""
    before = stage.posts()
    again = stage.start(humble=humble)
    assert again.code() == Exit.STORAGE, again.err
    assert stage.posts() == before, "something was sent without a journal"
