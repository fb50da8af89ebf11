"""A journal knows when it is not the one that it was: copied, restored, exchanged under its feet (rule 7)."""

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import pytest

from engine.errors import Fenced, JournalLocked
from engine.journal import MemoryStore, open_journal, sidecar
from engine.model import RunStatus, replace
from engine.ports import Journal
from tests.journal.helpers import MemoryPlace, StillClock, commits, done, enter, names, new_run, read_all, record


def opening(path: Path, *, read_only: bool = False) -> AbstractAsyncContextManager[Journal]:
    return open_journal(str(path), command="headway run", clock=StillClock(), read_only=read_only)


def lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


async def made(path: Path) -> str:
    """A journal with two runs, one finished, and a shared step."""
    async with opening(path) as journal:
        _, (run, _) = await enter(journal, new_run("acme"), new_run("bolt"))
        await journal.write(record(replace(run, status=RunStatus.DONE), done("a"), with_run=True))
        await journal.claim_shared(new_run("data-lake", shared=True))
        return journal.name


async def add(path: Path, name: str) -> None:
    async with opening(path) as journal:
        await enter(journal, new_run(name))


@pytest.fixture
async def journal_made(path: Path) -> str:
    return await made(path)


def back_up(path: Path, to: Path) -> None:
    """Copy a journal with its sidecar, as it would have been copied a minute ago."""
    to.mkdir()
    shutil.copy(path, to)
    sidecar = json.loads(lock_of(path).read_text())
    (to / lock_of(path).name).write_text(json.dumps(sidecar | {"at": sidecar["at"] - 60}))


def copy_at_once(path: Path, to: Path) -> None:
    to.mkdir()
    for file in (path, lock_of(path)):
        shutil.copy(file, to)


def restore_file(path: Path, backup: Path) -> None:
    shutil.copy(backup / path.name, path)


def restore_all(path: Path, backup: Path) -> None:
    for file in backup.iterdir():
        shutil.copy(file, path.parent)


def delete_and_restore_all(path: Path, backup: Path) -> None:
    path.unlink()
    lock_of(path).unlink()
    restore_all(path, backup)


def exchange_file(path: Path, backup: Path) -> None:
    (backup / path.name).rename(path)


def delete_sidecar(path: Path, _: Path) -> None:
    lock_of(path).unlink()


def empty_sidecar(path: Path, _: Path) -> None:
    lock_of(path).write_text("")


def sidecar_of_another(path: Path, _: Path) -> None:
    text = json.loads(lock_of(path).read_text())
    lock_of(path).write_text(json.dumps(text | {"journal": "jother"}))


DISASTERS = [
    restore_file,
    restore_all,
    delete_and_restore_all,
    exchange_file,
    delete_sidecar,
    empty_sidecar,
    sidecar_of_another,
]


@pytest.mark.parametrize("disaster", DISASTERS)
async def test_a_journal_that_was_replaced_says_so_and_suspects_everything(
    path: Path, journal_made: str, tmp_path: Path, disaster: Callable[[Path, Path], None]
) -> None:
    back_up(path, tmp_path / "backup")
    await add(path, "core")
    disaster(path, tmp_path / "backup")
    async with opening(path) as journal:
        assert journal.replaced
        assert journal.name != journal_made
        name, states = journal.name, [*await read_all(journal), *await read_all(journal, shared=True)]
        assert len(states) >= 3
        assert all(run.suspect for run in states)
        await journal.write(record(replace(await journal.claim_one("id-acme"), suspect=False), with_run=True))
    async with opening(path) as journal:
        assert (journal.replaced, journal.name) == (False, name)
        assert {run.source for run in await read_all(journal) if not run.suspect} == {"acme"}


async def test_time_that_passes_between_openings_replaces_nothing(
    path: Path, journal_made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar, "DRIFT", 0.1)
    for _ in range(2):
        await anyio.sleep(0.3)
        async with opening(path, read_only=True) as journal:
            assert not journal.replaced
        async with opening(path) as journal:
            assert (journal.replaced, journal.name) == (False, journal_made)
            await anyio.sleep(0.3)
            with pytest.raises(JournalLocked):
                await add(path, "core")
            await journal.new_batch()


async def test_a_copy_elsewhere_is_replaced_and_the_original_is_not(
    path: Path, journal_made: str, tmp_path: Path
) -> None:
    copy_at_once(path, tmp_path / "other")
    async with opening(tmp_path / "other" / path.name, read_only=True) as journal:
        assert (journal.replaced, journal.name) == (True, journal_made)
    async with opening(tmp_path / "other" / path.name) as journal:
        assert journal.replaced
    async with opening(path) as journal:
        assert (journal.replaced, journal.name) == (False, journal_made)


async def test_a_backup_that_is_still_the_latest_state_lost_nothing(
    path: Path, journal_made: str, tmp_path: Path
) -> None:
    back_up(path, tmp_path / "backup")
    restore_file(path, tmp_path / "backup")
    async with opening(path) as journal:
        assert (journal.replaced, journal.name) == (False, journal_made)


@pytest.mark.usefixtures("journal_made")
async def test_an_old_branch_of_history_stays_older_than_the_new_one(path: Path, tmp_path: Path) -> None:
    back_up(path, tmp_path / "first")
    for name in ("core", "dune", "echo"):
        await add(path, name)
    back_up(path, tmp_path / "second")
    restore_file(path, tmp_path / "first")
    await add(path, "fox")
    restore_file(path, tmp_path / "second")
    async with opening(path) as journal:
        assert journal.replaced


async def test_a_deleted_journal_is_made_anew(path: Path, journal_made: str) -> None:
    delete(path)
    async with opening(path) as journal:
        assert (journal.replaced, await read_all(journal)) == (False, [])
        assert journal.name != journal_made


@pytest.mark.usefixtures("journal_made")
async def test_a_log_without_its_journal_is_not_applied_to_a_new_one(path: Path, tmp_path: Path) -> None:
    log = path.with_name("headway.db-wal")
    async with opening(path) as journal:
        await enter(journal, new_run("core"))
        shutil.copy(log, tmp_path / "kept")
    delete(path)
    shutil.copy(tmp_path / "kept", log)
    async with opening(path) as journal:
        assert await read_all(journal) == []


def move_away(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def bring_back(path: Path) -> None:
    path.with_name("moved.db").rename(path)


def delete(path: Path) -> None:
    path.unlink()


def put_another(path: Path) -> None:
    shutil.copy(path, path.with_name("other.db"))
    path.with_name("other.db").rename(path)


def delete_lock(path: Path) -> None:
    lock_of(path).unlink()


def delete_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


@pytest.mark.parametrize("deed", [move_away, delete, put_another, delete_lock, delete_log])
async def test_nothing_is_written_once_the_path_leads_elsewhere(path: Path, deed: Callable[[Path], None]) -> None:
    async with opening(path) as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        before = commits(path)
        assert (await journal.load("id-acme")).steps == {}
        deed(path)
        for _ in range(2):
            with pytest.raises(Fenced, match=r"headway\.db was moved, deleted or replaced"):
                await journal.write(record(run, done("a")))
        assert (await journal.load("id-acme")).steps == {}
        if deed is not delete_lock:
            assert commits(path) == before


async def test_a_journal_that_comes_back_is_written_again(path: Path) -> None:
    async with opening(path) as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        move_away(path)
        with pytest.raises(Fenced):
            await journal.write(record(run, done("a")))
        bring_back(path)
        await journal.write(record(run, done("a")))


def turn_link(path: Path, to: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(to)


async def test_a_link_leads_to_one_journal_and_may_not_turn(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "real.db"
    turn_link(path, real)
    name = await made(path)
    async with opening(real) as journal:
        assert (journal.name, journal.replaced) == (name, False)
    async with opening(path) as journal:
        run = await journal.claim_one("id-bolt")
        turn_link(path, tmp_path / "other.db")
        with pytest.raises(Fenced):
            await journal.write(record(run, done("a")))
    assert names(tmp_path) == ["headway.db", "real.db", "real.db.lock"]


async def test_a_restored_memory_store_is_replaced() -> None:
    place = MemoryPlace(MemoryStore(), StillClock())
    async with place.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        backup, name = place.store.snapshot(), journal.name
        await journal.write(record(run, done("a")))
        place.store.restore(backup)
        with pytest.raises(Fenced):
            await journal.write(record(run, done("b")))
        assert (await journal.load("id-acme")).steps == {"a": done("a")}
    async with place.open() as journal:
        assert journal.replaced
        assert journal.name != name
        (state,) = await read_all(journal)
        assert (state.suspect, state.steps) == (True, {})
    place.store.restore()
    async with place.open() as journal:
        assert (journal.replaced, await read_all(journal)) == (False, [])
