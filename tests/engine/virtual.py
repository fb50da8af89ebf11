"""An engine in virtual time, over a journal in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from engine.journal.memory import MemoryJournal, MemoryStore
from tests.pacing.virtual_time import clock


class Clock:
    """The loop's."""

    def wall(self) -> float:
        return clock()

    def boot(self) -> float:
        return clock()


@asynccontextmanager
async def in_memory(*_: object, **__: Any) -> AsyncIterator[MemoryJournal]:
    """A new journal."""
    yield MemoryStore(rng=Random(1)).open(Clock())
