"""Keeping the pauses that services ask for (`Retry-After`) beyond the life of the process that was asked."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio

from engine.ports import Journal
from engine.together import cause


@asynccontextmanager
async def keeping_pauses(journal: Journal) -> AsyncIterator[Callable[[str, float], None]]:
    """Yields a function that has a pause (of a family, in seconds) journaled at once, by a task of its own: services
    ask for pauses before the first run goes on and after the last one, too."""
    failure = None
    told, heard = anyio.create_memory_object_stream[tuple[str, float]](math.inf)

    async def keep() -> None:
        async for family, seconds in heard:
            await journal.pause(family, seconds)

    with told, heard:
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(keep)
                try:
                    yield lambda family, seconds: told.send_nowait((family, seconds))
                except BaseException as error:  # noqa: BLE001 - raised below, where the group does not wrap it
                    failure = error
                told.close()
        except BaseExceptionGroup as errors:
            raise cause(errors) from errors
    if failure is not None:
        raise failure
