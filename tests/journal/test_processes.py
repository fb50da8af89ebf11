"""Real processes: one writes and others wait, one is killed and loses nothing, one meets a full disk."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import JournalLocked
from engine.journal import open_journal
from tests.journal.helpers import PYTHON, StillClock, UrlPlace, commits, enter, names, new_run, read_all

ROOT = Path(__file__).parents[2]


@contextmanager
def child(deed: str, place: str) -> Iterator[subprocess.Popen[str]]:
    """Another process with the journal; killed in the end."""
    command = [PYTHON, "-m", "tests.journal.child", deed, place]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str]) -> Iterator[dict[str, object]]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("\n"):
            yield json.loads(line)


async def test_a_journal_in_use_is_refused_and_says_by_whom(path: Path) -> None:
    with child("hold", str(path)) as process:
        name = next(lines(process))["name"]
        with pytest.raises(JournalLocked) as caught:
            async with open_journal(str(path), command="headway resume", clock=StillClock()):
                pass
        assert str(caught.value).startswith(
            f"{path} is in use by process {process.pid} on this machine (headway run, since "
        )
        assert caught.value.hint == "wait for it, or stop it; `headway status` works meanwhile"
        async with open_journal(str(path), command="headway status", clock=StillClock(), read_only=True) as journal:
            assert (journal.name, await read_all(journal)) == (name, [])
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
            assert (journal.name, journal.replaced) == (name, False)


async def test_a_lock_says_since_when_on_another_day(path: Path) -> None:
    clock = StillClock()
    clock.now = 1_000_000_000.0
    async with open_journal(str(path), command="headway run", clock=clock):
        with pytest.raises(JournalLocked, match=r"\(headway run, since 2001-09-0\d \d\d:\d\d:\d\d\)"):
            async with open_journal(str(path), command="headway run", clock=clock):
                pass
        path.with_name("headway.db.lock").write_text("{")
        with pytest.raises(JournalLocked, match="in use by another process"):
            async with open_journal(str(path), command="headway run", clock=clock):
                pass


@pytest.mark.crash
async def test_a_killed_process_loses_nothing_that_was_acknowledged(disk_store: UrlPlace) -> None:
    name = None
    for enough in (1, 9, 40, 160):
        acknowledged: dict[object, int] = {}
        with child("write", disk_store.url) as process:
            for count, line in enumerate(lines(process), 1):
                acknowledged[line["run"]] = int(str(line["number"]))
                if count == enough:
                    process.send_signal(signal.SIGKILL)
        assert sum(acknowledged.values()) >= enough
        async with disk_store.open() as journal:
            assert not journal.replaced
            assert name in (None, journal.name)
            name = journal.name
            for run in await read_all(journal):
                if run.source in acknowledged:
                    intended, kept = int(run.steps["a"].attempts[0].tag), run.steps["b"].receipt
                    assert kept is not None
                    assert intended == int(kept.id), "half a record"
                    assert intended - acknowledged[run.source] in (0, 1), "what was acknowledged is there, and no more"


@pytest.mark.crash
async def test_a_log_that_is_deleted_after_a_kill_is_noticed(path: Path) -> None:
    with child("write", str(path)) as process:
        for count, _ in enumerate(lines(process)):
            if count == 20:
                process.send_signal(signal.SIGKILL)
    path.with_name("headway.db-wal").unlink()
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        assert journal.replaced
        assert all(run.suspect for run in await read_all(journal))


@pytest.mark.crash
async def test_a_kill_while_a_journal_is_made_leaves_nothing_behind(path: Path) -> None:
    path.with_name("headway.db.new").write_bytes(b"half")
    path.with_name("headway.db.new-wal").write_bytes(b"half of a log")
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        await enter(journal, new_run("acme"))
    assert names(path.parent) == ["headway.db", "headway.db.lock"]


async def test_a_full_disk_fails_the_writers_and_keeps_the_journal_usable(path: Path) -> None:
    with child("fill", str(path)) as process:
        full, free = lines(process)
    assert full["kept"]
    assert full["on_disk"] == full["kept"]
    assert "StorageError: " in str(full["failed"])
    assert "run the command again" in str(full["failed"])
    assert free["on_disk"] == free["kept"] == {f"{number:02}": 50 for number in range(20)}
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        assert not journal.replaced
        assert {run.generation for run in await read_all(journal)} == {50}
    assert commits(path) > 0
