"""A journal in an SQLite file: pragmas, lock, identity. One process writes, any number read."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import anyio
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import StaticPool

from engine.errors import Fenced, JournalLocked, StorageError
from engine.journal import files, opening, sqlite_failures
from engine.journal.opening import Health, Opened
from engine.journal.sidecar import Holder, Sidecar, Watermark, describe_holder
from engine.journal.sqlite_engines import make_engine, make_readers
from engine.journal.tables import APPLICATION_ID, REVISION
from engine.journal.texts import change

T = TypeVar("T")

QUICK_CHECK_BYTES = 16 * 2**20
"""Up to this size a file is checked page by page when it is opened (about 0.1 s); larger ones by `examine`."""

COMMITTED = "UPDATE meta SET value = ? WHERE key = 'commits'"


class SqlitePlace:
    """An SQLite file; satisfies `Place`. `command` and `now` (epoch seconds) are for whoever finds it locked."""

    local = True

    def __init__(self, path: Path, shown: str, *, command: str, now: float) -> None:
        self.shown = shown
        self._given, self.path = path.absolute(), path.resolve()  # SQLite keeps its own files beside the real one
        self._holder = Holder(pid=os.getpid(), command=command, since=now)
        self._log = self.path.with_name(self.path.name + "-wal")
        self._sidecar = Sidecar(self.path.with_name(self.path.name + ".lock"))
        self._mode = {"mode": "rw"}
        self._writer = make_engine(self.path, self._mode, write=True, pool=StaticPool)
        self._thread: ThreadPoolExecutor
        self._connection: Connection
        self._opened = ExitStack()
        self._held: files.Held | None = None
        self._stats: dict[Path, os.stat_result] = {}
        self._name, self._commits = "", 0

    # --- opening ------------------------------------------------------------------------------------------------------

    def open(self, process: str) -> Opened:
        with self._explained():
            files.check_folder(self.path, self.shown)
            if self._exists():
                with self._in_use():
                    self._mode = self._reading_mode()
                    self._version()  # before the lock: a newer journal is not touched
            self._check_rights()
            self._lock()
            try:
                if not self._exists():
                    self._create()
                self._held = files.hold(self.path, self.shown)
                return self._open(process, self._held)
            except BaseException:
                self._close()
                raise

    def _exists(self) -> bool:
        return self.path.exists() and (not self.path.is_file() or self.path.stat().st_size > 0)

    @contextmanager
    def _in_use(self) -> Iterator[files.Held]:
        held = files.hold(self.path, self.shown)
        try:
            yield held
        finally:
            files.let_go(held)

    def _version(self) -> str | None:
        with self._connect(write=False) as connection:
            return opening.check_version(connection, self.shown)

    def _lock(self) -> None:
        try:
            self._sidecar.lock(self._holder)
        except BlockingIOError:
            who = describe_holder(self._sidecar.path)
            remedy = "wait for it, or stop it; `headway status` works meanwhile"
            raise JournalLocked(f"{self.shown} is in use by {who}", remedy) from None

    def _create(self) -> None:
        """Make a complete journal under another name, then give it its own: there is never half of one."""
        made = self.path.with_name(self.path.name + ".new")
        files.remove(made)
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with self._connect(write=True, path=made) as connection:
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            opening.make(connection)
        files.remove(self.path)  # if only to be rid of a log that was left behind: SQLite would apply it to ours
        made.rename(self.path)
        files.sync_folder(self.path.parent)

    def _open(self, process: str, held: files.Held) -> Opened:
        self.path.chmod(0o600)
        self._stats = {path: path.stat() for path in {self._given, self.path}}
        self._stats[self._sidecar.path] = self._sidecar.stat()
        if self._version() != REVISION:
            with self._connect(write=True) as connection:
                opening.migrate(connection)
        with self._connect(write=True) as connection:
            if self.path.stat().st_size <= QUICK_CHECK_BYTES:
                self._check(connection, "quick_check(1)")
            meta, watermark, identity = opening.read_meta(connection), self._sidecar.watermark, held.identity
            replaced = bool(meta) and not _is_latest(meta, identity, watermark)
            opened = opening.settle(connection, meta, identity=identity, replaced=replaced, process=process)
        self._name, self._commits = opened.name, opened.commits
        self._sidecar.note(Watermark(journal=self._name, commits=self._commits))
        return opened

    def _check(self, connection: Connection, how: str) -> None:
        found = connection.exec_driver_sql(f"PRAGMA {how}").scalar()
        if found != "ok":
            raise sqlite_failures.damaged(self.shown, str(found))

    def look(self) -> Opened | None:
        with self._explained():
            files.check_folder(self.path, self.shown)
            if not self._exists():
                return None
            self._mode = self._reading_mode()
            with self._in_use() as held, self._connect(write=False) as connection:
                if not opening.check_readable(connection, self.shown):
                    return None
                return opening.seen(opening.read_meta(connection), held.identity)

    def examine(self) -> Health | None:
        there = self.look() is not None
        self._check_rights()
        if not there:
            return None
        with self._explained(), self._in_use(), self._connect(write=False) as connection:
            self._check(connection, "integrity_check(1)")
            if stray := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise sqlite_failures.damaged(
                    self.shown, f"a row of {stray[0]} refers to one of {stray[2]} that is gone"
                )
            return Health(version=opening.version(connection) or "", size=self.path.stat().st_size)

    def _check_rights(self) -> None:
        if not self._may_write():
            raise sqlite_failures.forbidden(self.shown, "no right to write to it or to its folder")

    def _may_write(self) -> bool:
        paths = [path for path in (self.path, self.path.parent) if path.exists()]
        return all(os.access(path, os.W_OK, effective_ids=True) for path in paths)

    def _reading_mode(self) -> dict[str, str]:
        """How SQLite may open the file for reading. It wants to share two files with writers; where it cannot make them
        and nobody has, there is no writer."""
        if self._may_write():
            return {"mode": "rw"}  # the last one to leave tidies up; `query_only` keeps it from writing anything else
        shared = [self.path.with_name(self.path.name + suffix) for suffix in ("-shm", "-wal")]
        return {"mode": "ro"} if any(path.exists() for path in shared) else {"immutable": "1"}

    # --- connections --------------------------------------------------------------------------------------------------

    @contextmanager
    def _connect(self, *, write: bool, path: Path | None = None) -> Iterator[Connection]:
        """One transaction on a connection of its own."""
        mode = {"mode": "rw"} if write else self._mode
        with make_engine(path or self.path, mode, write=write).begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncEngine]:
        with self._explained():
            held = files.hold(self.path, self.shown)
        engine = make_readers(self.path, self._mode)
        try:
            yield engine
        finally:
            try:
                with anyio.CancelScope(shield=True):
                    await engine.dispose()
            finally:
                files.let_go(held)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        with ThreadPoolExecutor(1, "journal") as self._thread:
            try:
                with self._explained():
                    await self._in_thread(self._begin_writing)
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    await self._in_thread(self._close)

    def _begin_writing(self) -> None:
        """What is connected is kept in the thread itself: who waits may be cut off, and then it is closed all the
        same, before its engine is."""
        self._connection = self._opened.enter_context(self._writer.connect())

    # --- transactions -------------------------------------------------------------------------------------------------

    async def transact(self, work: Callable[[Connection], T]) -> T:
        return await self._in_thread(self._transact, work)

    def _in_thread(self, work: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """In the one thread that the connection is used in, begun at once: the writer says when it gives way to the
        loop, and what anyio has for this would give way once more."""
        return asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with self._explained(), self._connection.begin():
            result = work(self._connection)
            change(self._connection, COMMITTED, [(str(self._commits + 1),)])
            self._check_place()
        self._commits += 1
        with suppress(OSError):  # the commit is durable; a watermark that is behind accuses nobody
            self._sidecar.note(Watermark(journal=self._name, commits=self._commits))
        return result

    def _check_place(self) -> None:
        if self._log not in self._stats:
            self._stats[self._log] = self._log.stat()
        if not self._in_place():
            raise Fenced(
                f"{self.shown} was moved, deleted or replaced while it was in use; nothing more is written to it",
                "see what happened to the file, then run the command again",
            )

    def _in_place(self) -> bool:
        """Whether the paths still lead to what was opened."""
        try:
            return all(os.path.samestat(path.stat(), stat) for path, stat in self._stats.items())
        except FileNotFoundError:
            return False

    def serialise(self, connection: Connection) -> None:
        """Nothing to do: one process writes, one transaction at a time."""

    def lives(self, _connection: Connection, _process: str, /) -> bool:
        return False  # whoever wrote that name had the lock that this process has now

    def _close(self) -> None:
        with ExitStack() as stack:  # from the last to the first, whatever one of them raises
            stack.callback(self._sidecar.release)
            if self._held is not None:
                stack.callback(files.let_go, self._held)
                stack.callback(self._tidy)
            stack.callback(self._writer.dispose)
            stack.callback(self._opened.close)

    def _tidy(self) -> None:
        """Later readers find everything in the one file; nothing is lost where that fails."""
        if self._in_place():
            with suppress(sqlite3.Error), closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # --- what went wrong ----------------------------------------------------------------------------------------------

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, OSError) as error:
            raise self.explain(error) from error

    def explain(self, error: DBAPIError | OSError) -> StorageError:
        return sqlite_failures.explain(error, self.shown)


def _is_latest(meta: dict[str, str], identity: str, watermark: Watermark | None) -> bool:
    """Whether a journal that says `meta` of itself lies in its own file, in its latest state."""
    if watermark is None or meta["identity"] != identity:
        return False
    return watermark.journal == meta["name"] and watermark.commits <= int(meta["commits"])
