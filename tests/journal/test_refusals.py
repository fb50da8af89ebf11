"""What is not a journal, or cannot be used as one, is refused with a cause and a remedy, and is not touched."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from engine.errors import JournalNewer, JournalOlder, JournalUnreadable, StorageError
from engine.journal import files, open_journal, sqlite, sqlite_engines
from engine.model import RunStatus
from tests.journal.helpers import StillClock, done, enter, make, names, new_run, read_all, record, refused


def text_file(path: Path) -> None:
    path.write_text("sources:\n  - name: acme\n" * 50)


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE runs (x)")


def truncated_header(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0\x10")


def folder(path: Path) -> None:
    path.mkdir()


def contents(place: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() if file.is_file() else b"" for file in place.iterdir()}


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("make_it", "words"),
    [
        (text_file, "is not a journal"),
        (foreign_database, "is an SQLite database of another program"),
        (truncated_header, "is an SQLite database of another program"),
        (folder, "is not a file"),
    ],
)
async def test_what_is_not_a_journal_is_refused_and_not_touched(
    path: Path, make_it: Callable[[Path], None], words: str, read_only: bool
) -> None:
    make_it(path)
    before = contents(path.parent)
    error = await refused(str(path), read_only=read_only)
    assert str(path) in str(error)
    assert words in str(error)
    assert contents(path.parent) == before


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_missing_folder_is_named(tmp_path: Path, read_only: bool) -> None:
    error = await refused(str(tmp_path / "no" / "such" / "headway.db"), read_only=read_only)
    assert str(tmp_path / "no" / "such") in str(error)
    assert names(tmp_path) == []


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        for page in range(2, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 200)


def cut(path: Path) -> None:
    os.truncate(path, 4096 * 3)


@pytest.mark.parametrize("harm", [damage, cut])
async def test_a_damaged_journal_is_refused(path: Path, harm: Callable[[Path], None]) -> None:
    await make(path, 40)
    harm(path)
    error = await refused(str(path), read_only=False)
    assert "is damaged" in str(error)
    assert "headway recover" in error.hint


async def test_damage_that_is_met_later_is_named_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await make(path, 40)
    monkeypatch.setattr(sqlite, "QUICK_CHECK_BYTES", 0)
    damage(path)
    with pytest.raises(JournalUnreadable, match="is damaged"):
        async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
            await read_all(journal)


def set_version(path: Path, version: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE journal_version SET version_num = ?", (version,))


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_newer_journal_is_refused_and_not_touched(path: Path, read_only: bool) -> None:
    await make(path)
    set_version(path, "9999")
    before = contents(path.parent)
    error = await refused(str(path), read_only=read_only, kind=JournalNewer)
    assert "9999" in str(error)
    assert "update headway" in error.hint
    assert contents(path.parent) == before


async def test_an_older_journal_is_not_migrated_by_reading(path: Path) -> None:
    await make(path)
    set_version(path, "0000")
    before = contents(path.parent)
    error = await refused(str(path), read_only=True, kind=JournalOlder)
    assert "older headway" in str(error)
    assert contents(path.parent) == before


def link(path: Path) -> None:
    path.with_name("other.db").hardlink_to(path)


async def test_a_file_with_two_names_is_refused(path: Path) -> None:
    await make(path)
    link(path)
    assert "hard links" in str(await refused(str(path), read_only=False))


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
async def test_a_network_file_system_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    mounted = f"/dev/vda / ext4 rw 0 0\nserver:/home {path.parent} {kind} rw 0 0\n"
    read = Path.read_text

    def kernel(file: Path, *arguments: str) -> str:
        return mounted if file == Path("/proc/self/mounts") else read(file, *arguments)

    monkeypatch.setattr(Path, "read_text", kernel)
    error = await refused(str(path), read_only=False)
    assert f"network file system ({kind})" in str(error)
    assert names(path.parent) == []


def test_the_mount_that_counts_is_the_innermost_and_last() -> None:
    mounted = (
        "/dev/vda / ext4 rw 0 0\n"
        "server:/a /data nfs4 rw 0 0\n"
        "tmpfs /data/me/with\\040blank tmpfs rw 0 0\n"
        "server:/b /srv nfs rw 0 0\n"
        "/dev/vdb /srv xfs rw 0 0\n"
    )
    assert files.file_system(Path("/data/me"), mounted) == "nfs4"
    assert files.file_system(Path("/data/me/with blank/x"), mounted) == "tmpfs"
    assert files.file_system(Path("/database"), mounted) == "ext4"
    assert files.file_system(Path("/srv"), mounted) == "xfs"
    assert files.file_system(Path("/srv"), "") == ""


async def test_an_empty_file_becomes_a_journal(path: Path) -> None:
    text_file(path)
    os.truncate(path, 0)
    await make(path)
    async with open_journal(str(path), command="headway run", clock=StillClock(), read_only=True) as journal:
        assert len(await read_all(journal)) == 1


def modes(place: Path) -> set[int]:
    return {file.stat().st_mode & 0o777 for file in place.iterdir()}


async def test_nobody_else_may_read_a_journal(path: Path) -> None:
    before = os.umask(0)
    try:
        await make(path)
        path.chmod(0o644)  # noqa: ASYNC240
        async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
            await journal.new_batch()
            assert names(path.parent) == ["headway.db", "headway.db-shm", "headway.db-wal", "headway.db.lock"]
            assert modes(path.parent) == {0o600}
    finally:
        os.umask(before)


async def test_closing_leaves_one_file_and_its_sidecar(path: Path) -> None:
    await make(path)
    async with open_journal(str(path), command="headway status", clock=StillClock(), read_only=True) as journal:
        await read_all(journal)
    assert names(path.parent) == ["headway.db", "headway.db.lock"]


async def test_a_program_that_locks_the_file_is_waited_for_and_then_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_engines, "BUSY", 0.05)
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageError, match="another program has locked it"):
                await journal.write(record(run, done("a")))
            other.execute("ROLLBACK")
        await journal.write(record(run, done("a")))
        assert (await journal.counts())[RunStatus.PENDING] == 1


@contextmanager
def without_rights() -> Iterator[None]:
    """Root may write anywhere: be somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_folder_without_the_right_to_write_is_for_reading_only(tmp_path: Path) -> None:
    path = tmp_path / "theirs" / "headway.db"
    path.parent.mkdir()
    await make(path)
    hand_over(tmp_path, path)
    with without_rights():
        async with open_journal(str(path), command="headway status", clock=StillClock(), read_only=True) as journal:
            assert [run.source for run in await read_all(journal)] == ["0000"]
        error = await refused(str(path), read_only=False)
        lost = await refused(str(path.with_name("new.db")), read_only=False)
    give_back(path)
    assert "no right to write" in str(error)
    assert "no right to write" in str(lost)
    assert names(path.parent) == ["headway.db", "headway.db.lock"]


def hand_over(tmp_path: Path, path: Path) -> None:
    """Let anybody enter and read, and nobody write."""
    above = tmp_path
    while above != Path(tempfile.gettempdir()):
        above.chmod(0o755)
        above = above.parent
    for file in path.parent.iterdir():
        file.chmod(0o444)
    path.parent.chmod(0o555)


def give_back(path: Path) -> None:
    path.parent.chmod(0o755)
