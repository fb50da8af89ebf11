"""What the two kinds of places for a journal have in common; the rest of the package sees only this."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.errors import StorageError
from engine.journal.opening import Health, Opened

T = TypeVar("T")


class Place(Protocol):
    """Where a journal is kept. Raises `StorageError`s.

    What is done in a transaction is a plain function of a connection: PostgreSQL's waits are switched to the event loop
    by SQLAlchemy, SQLite's happen in a worker thread, which a whole transaction enters but once.
    """

    local: bool
    """Whether it answers soon, whatever becomes of other machines."""

    def open(self, process: str) -> Opened:
        """Check, lock, create or migrate the journal, and settle its identity (rule 7). For a worker thread."""
        ...

    def look(self) -> Opened | None:
        """The same for reading only: nothing is locked, created or changed. None: there is no journal yet."""
        ...

    def examine(self) -> Health | None:
        """Whether it can be opened and written, and agrees with itself from end to end; changes nothing. None: there
        is no journal yet, and there can be one."""
        ...

    def reading(self) -> AbstractAsyncContextManager[AsyncEngine]:
        """Connections for reading; each transaction sees one moment."""
        ...

    def writing(self) -> AbstractAsyncContextManager[None]:
        """The one connection for writing, which `transact` uses; in the end gives back what `open` took."""
        ...

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Do some work in a transaction that is durable on return. Raises `Fenced` when the store is not any more the
        one that was opened."""
        ...

    def serialise(self, connection: Connection) -> None:
        """Let no other process register runs until the transaction ends."""
        ...

    def lives(self, connection: Connection, process: str, /) -> bool:
        """Whether another process still has this journal open."""
        ...

    def explain(self, error: DBAPIError | OSError) -> StorageError:
        """What went wrong in people's words, with a remedy."""
        ...
