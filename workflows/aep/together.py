"""Several calls at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


async def together(*calls: Callable[[], Awaitable[T]]) -> list[T]:
    """Make all calls at once; their results, in order. The first error ends the others, and is raised as it is."""
    results: dict[int, T] = {}

    async def make(place: int, call: Callable[[], Awaitable[T]]) -> None:
        results[place] = await call()

    try:
        async with anyio.create_task_group() as tasks:
            for place, call in enumerate(calls):
                tasks.start_soon(make, place, call)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [results[place] for place in range(len(calls))]
