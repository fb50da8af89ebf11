"""A journal in an SQLite file: pragmas, lock, identity. One process writes, any number read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import anyio
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, Pool, StaticPool

from engine.errors import Fenced, JournalLocked, JournalUnreadable, StorageError
from engine.journal import files, opening
from engine.journal.opening import Opened
from engine.journal.sidecar import Holder, Sidecar, Witness, read_holder, read_witness
from engine.journal.tables import APPLICATION_ID, REVISION

T = TypeVar("T")

BUSY = 5.0
"""Seconds that a statement waits for another program that has the file locked."""

QUICK_CHECK_BYTES = 16 * 2**20
"""Up to this size a file is checked page by page when it is opened (about 0.1 s); larger ones by `store check`."""

READERS = 4

COMMITTED = "UPDATE meta SET value = ? WHERE key = 'commits'"


class SqlitePlace:
    """An SQLite file; satisfies `Place`. `command` and `now` (epoch seconds) are for whoever finds it locked."""

    def __init__(self, path: Path, shown: str, *, command: str, now: float) -> None:
        self.path, self.shown = path, shown
        self._holder = Holder(pid=os.getpid(), command=command, since=now)
        self._sidecar = Sidecar(path.with_name(path.name + ".lock"))
        self._name, self._commits = "", 0
        self._writer = self._engine(write=True, path=path, pool=StaticPool)
        self._held: dict[Path, os.stat_result] = {}
        self._immutable = False

    # --- opening ------------------------------------------------------------------------------------------------------

    def open(self, process: str) -> Opened:
        with self._explained():
            files.check_place(self.path, self.shown)
            if self._exists():
                self._version()  # before the lock: a newer journal is not touched
            self._lock()
            try:
                return self._open(process)
            except BaseException:
                self._sidecar.release()
                raise

    def _exists(self) -> bool:
        return self.path.exists() and self.path.stat().st_size > 0

    def _version(self) -> str | None:
        with self._connect(write=False) as connection:
            return opening.check_version(connection, self.shown)

    def _lock(self) -> None:
        try:
            self._sidecar.lock(self._holder)
        except BlockingIOError:
            raise self._locked() from None
        except OSError as error:
            raise JournalUnreadable(
                f"the folder of {self.shown} cannot be written: {error.strerror}",
                "give yourself the right to write there, or name another place with --store or HEADWAY_STORE",
            ) from error

    def _locked(self) -> JournalLocked:
        holder, who = read_holder(self._sidecar.path), "another process"
        if holder is not None:
            since = datetime.fromtimestamp(holder.since).astimezone()
            today = datetime.now().astimezone().date() == since.date()
            when = f"{since:%H:%M:%S}" if today else f"{since:%Y-%m-%d %H:%M:%S}"
            who = f"process {holder.pid} on this machine ({holder.command}, since {when})"
        return JournalLocked(
            f"{self.shown} is in use by {who}", "wait for it, or stop it; `headway status` works meanwhile"
        )

    def _open(self, process: str) -> Opened:
        if not self._exists():
            self._create()
        self.path.chmod(0o600)
        self._held = {self.path: self.path.stat(), self._sidecar.path: self._sidecar.stat()}
        if self._version() != REVISION:
            with self._connect(write=True) as connection:
                opening.migrate(connection)
        with self._connect(write=True) as connection:
            self._check_pages(connection)
            meta, witness = opening.read_meta(connection), self._sidecar.witness
            identity = files.identity(self.path)
            opened = opening.settle(
                connection,
                meta,
                identity=identity,
                replaced=bool(meta) and not _is_latest(meta, identity, witness),
                process=process,
                commits=witness.commits if witness else 0,
            )
        self._name, self._commits = opened.name, opened.commits
        self._sidecar.note(Witness(journal=self._name, commits=self._commits))
        return opened

    def _create(self) -> None:
        """Make a complete journal under another name, then give it its own: there is never half of one."""
        made = self.path.with_name(self.path.name + ".new")
        made.unlink(missing_ok=True)
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with self._connect(write=True, path=made) as connection:
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            opening.migrate(connection)
        made.rename(self.path)
        files.sync_folder(self.path.parent)

    def _check_pages(self, connection: Connection) -> None:
        if self.path.stat().st_size <= QUICK_CHECK_BYTES:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if found != "ok":
                raise self._damaged(str(found))

    def look(self) -> Opened | None:
        with self._explained():
            files.check_place(self.path, self.shown)
            if not self._exists():
                return None
            self._immutable = self._cannot_be_shared()
            with self._connect(write=False) as connection:
                if not opening.check_readable(connection, self.shown):
                    return None
                meta, identity = opening.read_meta(connection), files.identity(self.path)
            witness = read_witness(self._sidecar.path)
            return Opened(
                name=meta["name"],
                process="",
                replaced=not _is_latest(meta, identity, witness),
                identity=identity,
                commits=int(meta["commits"]),
            )

    def _cannot_be_shared(self) -> bool:
        """Whether SQLite can make none of the files by which readers and a writer meet; then there is no writer."""
        log = self.path.with_name(self.path.name + "-wal")
        return not os.access(self.path.parent, os.W_OK) and not log.exists()

    # --- connections --------------------------------------------------------------------------------------------------

    @contextmanager
    def _connect(self, *, write: bool, path: Path | None = None) -> Iterator[Connection]:
        """One transaction on a connection of its own."""
        engine = self._engine(write=write, path=path or self.path, pool=NullPool)
        with engine.begin() as connection:
            yield connection

    def _engine(self, *, write: bool, path: Path, pool: type[Pool]) -> Engine:
        engine = create_engine(self._url("sqlite", write, path), poolclass=pool, hide_parameters=True)
        _set_up(engine, write=write)
        return engine

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncEngine]:
        engine = create_async_engine(
            self._url("sqlite+aiosqlite", False, self.path),
            poolclass=AsyncAdaptedQueuePool,
            pool_size=READERS,
            max_overflow=0,
            pool_timeout=None,
            hide_parameters=True,
        )
        _set_up(engine.sync_engine, write=False)
        try:
            yield engine
        finally:
            with anyio.CancelScope(shield=True):
                await engine.dispose()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._close)

    def _url(self, driver: str, write: bool, path: Path) -> URL:
        mode = {"mode": "rw"} if write else {"immutable": "1"} if self._immutable else {"mode": "ro"}
        return URL.create(driver, database="file:" + quote(str(path.absolute())), query=mode | {"uri": "true"})

    # --- transactions -------------------------------------------------------------------------------------------------

    async def transact(self, work: Callable[[Connection], T]) -> T:
        return await anyio.to_thread.run_sync(self._transact, work)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with self._explained(), self._writer.begin() as connection:
            result = work(connection)
            connection.exec_driver_sql(COMMITTED, (str(self._commits + 1),))
            self._check_place()
        self._commits += 1
        self._sidecar.note(Witness(journal=self._name, commits=self._commits))
        return result

    def _check_place(self) -> None:
        log = self.path.with_name(self.path.name + "-wal")
        if log not in self._held:
            self._held[log] = log.stat()
        if not self._in_place():
            raise Fenced(
                f"{self.shown} was moved, deleted or replaced while it was in use; nothing more is written to it",
                "see what happened to the file, then run the command again",
            )

    def _in_place(self) -> bool:
        """Whether the paths still lead to what was opened."""
        try:
            return all(os.path.samestat(path.stat(), held) for path, held in self._held.items())
        except FileNotFoundError:
            return False

    def serialise(self, connection: Connection) -> None:
        """Nothing to do: one process writes, one transaction at a time."""

    def lives(self, _connection: Connection, _process: str, /) -> bool:
        return False  # whoever wrote that name had the lock that this process has now

    def _close(self) -> None:
        self._writer.dispose()
        if self._in_place():  # later readers find everything in the one file; nothing is lost where that fails
            with suppress(sqlite3.Error), closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._sidecar.release()

    # --- what went wrong ----------------------------------------------------------------------------------------------

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, OSError) as error:
            raise self.explain(error) from error

    def explain(self, error: DBAPIError | OSError) -> StorageError:
        if isinstance(error, OSError):
            return StorageError(
                f"{self.shown}: {error.strerror or error}", "see to the disk, then run the command again"
            )
        name = getattr(error.orig, "sqlite_errorname", "")
        for start, what, remedy in _FAILURES:
            if name.startswith(start):
                return StorageError(f"{self.shown}: {what} ({error.orig})", remedy)
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return self._damaged(str(error.orig))
        if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
            return JournalUnreadable(
                f"{self.shown} cannot be opened: {error.orig}",
                "run headway as the user who owns the file and its folder",
            )
        return StorageError(
            f"{self.shown}: {error.orig}", "run the command again; headway store check examines the file"
        )

    def _damaged(self, what: str) -> JournalUnreadable:
        return JournalUnreadable(
            f"{self.shown} is damaged: {what}",
            "restore it from a backup, or move it away and rebuild it with headway recover",
        )


_FAILURES = (
    ("SQLITE_FULL", "the disk is full", "free some space and run the command again; what was acknowledged is kept"),
    ("SQLITE_IOERR", "the disk does not work", "see to the disk, then run the command again"),
    ("SQLITE_BUSY", "another program has locked it", "close the program that has it open, then run the command again"),
)


def _is_latest(meta: dict[str, str], identity: str, witness: Witness | None) -> bool:
    """Whether a journal that says `meta` of itself lies in its own file, in its latest state."""
    if witness is None or meta["identity"] != identity:
        return False
    return witness.journal == meta["name"] and witness.commits <= int(meta["commits"])


def _set_up(engine: Engine, *, write: bool) -> None:
    """Pragmas for each new connection, and transactions that begin where SQLAlchemy says so."""
    pragmas = [f"busy_timeout = {int(BUSY * 1000)}", "foreign_keys = ON", "trusted_schema = OFF"]
    if write:
        pragmas += ["journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON"]
    else:
        pragmas += ["query_only = ON"]

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # sqlite3 must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
