"""Several calls at once, and what went wrong as itself: people and exit codes know causes, not groups of them."""

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
        raise cause(errors) from errors
    return [results[place] for place in range(len(calls))]


def cause(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception in a group that is not itself a group."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
