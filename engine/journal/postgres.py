"""A journal on a PostgreSQL server, for many machines: sessions, who lives, identity."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import anyio
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool

from engine.errors import Fenced, JournalUnreadable, StorageError
from engine.journal import opening
from engine.journal.opening import Health, Opened
from engine.journal.tables import REVISION, metadata

T = TypeVar("T")

READERS = 4

SETTINGS = (
    "SET synchronous_commit = on",
    "SET lock_timeout = '30s'",
    "SET idle_in_transaction_session_timeout = '20s'",  # whoever froze in a transaction holds others up no longer
)

LOCKS = 0x68647779
"""Our class of advisory locks ("hdwy"): 0 is registering and migrating, the others are processes that live."""

SERIALISE = text("SELECT pg_advisory_xact_lock(:locks, 0)")
PROBE = text("SELECT pg_try_advisory_xact_lock(:locks, :process)")

# The cluster, its timeline (a failover begins another), the database, and the table (a restore makes another).
IDENTITY = text(
    "SELECT concat_ws('-', (SELECT system_identifier FROM pg_control_system()), "
    "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), "
    "(SELECT oid FROM pg_database WHERE datname = current_database()), 'meta'::regclass::oid)"
)
SIZE = text(
    "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c WHERE c.relnamespace = "
    "(SELECT relnamespace FROM pg_class WHERE oid = 'meta'::regclass) AND c.relname = ANY(:tables)"
)
IS_STANDBY = text("SELECT pg_is_in_recovery()")


class PostgresPlace:
    """A PostgreSQL database; satisfies `Place`. Any number of processes write; runs are fenced one by one."""

    local = False

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        place = URL.create("postgresql", host=url.host or str(url.query.get("host", "")), database=url.database)
        self.shown = place.render_as_string()
        self._identity = ""
        self._process = ""
        self._writer: AsyncEngine

    # --- opening ------------------------------------------------------------------------------------------------------

    def open(self, process: str) -> Opened:
        with self._explained(), self._connect() as connection:
            connection.execute(SERIALISE, {"locks": LOCKS})
            found = opening.check_version(connection, self.shown)
            if found is None:
                opening.make(connection)
            elif found != REVISION:
                opening.migrate(connection)
            meta, identity = opening.read_meta(connection), _identity(connection)
            replaced = bool(meta) and meta["identity"] != identity
            opened = opening.settle(connection, meta, identity=identity, replaced=replaced, process=process)
        self._identity, self._process = identity, process
        return opened

    def look(self) -> Opened | None:
        with self._explained(), self._connect() as connection:
            if not opening.check_readable(connection, self.shown):
                return None
            standby = connection.execute(IS_STANDBY).scalar_one()  # it cannot say its timeline, and replaces nobody
            return opening.seen(opening.read_meta(connection), None if standby else _identity(connection))

    def examine(self) -> Health | None:
        """Pages are the server's to check; a standby can only be read."""
        with self._explained(), self._connect() as connection:
            if not opening.check_readable(connection, self.shown):
                return None
            if connection.execute(IS_STANDBY).scalar_one():
                raise JournalUnreadable(f"{self.shown} is a standby, which only reads", "name the primary server")
            size = connection.execute(SIZE, {"tables": list(metadata.tables)}).scalar_one()
            return Health(version=opening.version(connection) or "", size=size)

    # --- connections --------------------------------------------------------------------------------------------------

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        """One transaction on a connection of its own."""
        engine = create_engine(self._url, poolclass=NullPool, hide_parameters=True, connect_args=_network())
        _set_up(engine, [])
        with engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncEngine]:
        async with self._engine(READERS, "REPEATABLE READ", []) as engine:
            yield engine

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        live = f"SELECT pg_advisory_lock_shared({LOCKS}, {_number(self._process)})"
        async with self._engine(1, "READ COMMITTED", [live]) as self._writer:
            yield

    @asynccontextmanager
    async def _engine(self, size: int, isolation: IsolationLevel, statements: list[str]) -> AsyncIterator[AsyncEngine]:
        engine = create_async_engine(
            self._url,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=None,
            hide_parameters=True,
            connect_args=_network(),
            isolation_level=isolation,
        )
        _set_up(engine.sync_engine, statements)
        try:
            yield engine
        finally:
            with anyio.CancelScope(shield=True):
                await engine.dispose()

    # --- transactions -------------------------------------------------------------------------------------------------

    async def transact(self, work: Callable[[Connection], T]) -> T:
        with self._explained():
            async with self._writer.begin() as connection:
                return await connection.run_sync(self._checked, work)

    def _checked(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        if connection.info.get("identity") is None:  # a new session, perhaps with another server
            connection.info["identity"] = _identity(connection)
        if connection.info["identity"] != self._identity:
            raise Fenced(
                f"{self.shown} failed over or was replaced while it was in use; nothing more is written to it",
                "run the command again: it then looks at what may have been lost",
            )
        return work(connection)

    def serialise(self, connection: Connection) -> None:
        connection.execute(SERIALISE, {"locks": LOCKS})

    def lives(self, connection: Connection, process: str, /) -> bool:
        probe = connection.execute(PROBE, {"locks": LOCKS, "process": _number(process)})
        return not probe.scalar_one()  # nobody holds the lock of a process whose session has ended

    # --- what went wrong ----------------------------------------------------------------------------------------------

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, OSError) as error:
            raise self.explain(error) from error

    def explain(self, error: DBAPIError | OSError) -> StorageError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        what = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
        state = getattr(cause, "sqlstate", None)
        if state is None or state.startswith(("08", "57P", "53")):
            return StorageError(
                f"{self.shown} does not answer: {what}", "see to the server and the network, then run the command again"
            )
        if state.startswith(("28", "3D", "42", "25006")):
            return JournalUnreadable(
                f"{self.shown} cannot be used: {what}", "give the user of the URL a database of which it is the owner"
            )
        return StorageError(f"{self.shown}: {what}", "run the command again")


def _identity(connection: Connection) -> str:
    identity: str = connection.execute(IDENTITY).scalar_one()
    return identity


def _number(process: str) -> int:
    """A process as the number of an advisory lock. Two of one number only wait for each other's shared steps."""
    return zlib.crc32(process.encode()) - 2**31


def _network() -> dict[str, Any]:
    """A server that vanished is given up within seconds, not hours."""
    return {
        "connect_timeout": 10,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 5,
        "tcp_user_timeout": 15_000,
        "application_name": "headway",
    }


def _set_up(engine: Engine, statements: list[str]) -> None:
    """Settings for each new session."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for statement in (*SETTINGS, *statements):
            cursor.execute(statement)
        cursor.close()
        connection.commit()
