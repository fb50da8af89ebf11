"""What the two kinds of places for a journal have in common; the rest of the package sees only this."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from engine.errors import StorageError
from engine.journal.opening import Opened


class Place(Protocol):
    """Where a journal is kept.

    `shown` names it for people, without a password. `marks` is the driver's placeholder. `open`, `look` and `close` are
    plain functions, for a worker thread; `open` and `look` raise `StorageError`s.
    """

    shown: str
    marks: str

    def open(self, process: str) -> Opened:
        """Check, lock, create or migrate the journal, and settle its identity (rule 7)."""
        ...

    def look(self) -> Opened | None:
        """The same for reading only: nothing is locked, created or changed. None: there is no journal yet."""
        ...

    def engine(self, *, write: bool) -> AsyncEngine:
        """A pool of connections for reading, or the one connection for writing."""
        ...

    async def before_commit(self, connection: AsyncConnection) -> None:
        """The last thing in a transaction: is the store still the one that was opened? Raises `Fenced`."""
        ...

    def committed(self) -> None:
        """A transaction is durable."""
        ...

    async def serialise(self, connection: AsyncConnection) -> None:
        """Let no other process register runs until the transaction ends."""
        ...

    async def lives(self, connection: AsyncConnection, process: str, /) -> bool:
        """Whether another process still has this journal open."""
        ...

    def explain(self, error: DBAPIError | OSError) -> StorageError:
        """What went wrong in people's words, with a remedy."""
        ...

    def close(self) -> None:
        """Tidy up, and give back what `open` took."""
        ...
