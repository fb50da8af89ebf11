"""What a journal asks of SQLite and PostgreSQL, and what it keeps other programs from doing."""

import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url

from engine.journal import files, open_journal
from engine.journal.postgres import PostgresPlace
from engine.journal.sqlite import SqlitePlace
from tests.journal.helpers import PYTHON, StillClock, done, enter, new_run, record


async def test_sqlite_syncs_each_commit_and_checks_references(path: Path) -> None:
    place = SqlitePlace(path, str(path), command="headway run", now=0.0)
    place.open("process")
    asked = ("journal_mode", "synchronous", "foreign_keys")
    async with place.writing():
        found = await place.transact(lambda c: [c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked])
    assert found == ["wal", 2, 1]


@pytest.mark.postgres
async def test_postgresql_syncs_each_commit(postgres_url: str) -> None:
    place = PostgresPlace(make_url(postgres_url))
    place.open("process")
    async with place.writing():
        assert await place.transact(lambda c: c.exec_driver_sql("SHOW synchronous_commit").scalar()) == "on"


def leave_wal_mode(path: Path) -> str:
    """What another program can only do while nobody has the file open."""
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('PRAGMA journal_mode = DELETE')"
    return subprocess.run([PYTHON, "-c", code, path], capture_output=True, text=True, check=False).stderr


async def test_looking_at_a_journal_in_the_same_process_keeps_its_locks(path: Path) -> None:
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        async with open_journal(str(path), command="headway status", clock=StillClock(), read_only=True) as reader:
            await reader.counts()
        assert "database is locked" in leave_wal_mode(path)
        await journal.write(record(run, done("a")))


def identity(path: Path) -> str:
    held = files.hold(path, str(path))
    files.let_go(held)
    return held.identity


async def test_a_file_with_the_inode_of_a_deleted_one_is_another(path: Path) -> None:
    async with open_journal(str(path), command="headway run", clock=StillClock()):
        pass
    before = identity(path)
    if before.endswith("-0"):
        pytest.skip("this file system does not tell uses of an inode apart")
    backup = path.with_name("backup.db")
    shutil.copy(path, backup)
    for _ in range(20):
        path.unlink()  # noqa: ASYNC240
        shutil.copy(backup, path)
        assert identity(path) != before


async def test_a_connection_that_cannot_be_closed_does_not_keep_the_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_connection: Connection) -> None:
        raise OSError("I/O error")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="I/O error"):
        async with open_journal(str(path), command="headway run", clock=StillClock()):
            patched.setattr(Connection, "close", fails)
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        assert journal.name
