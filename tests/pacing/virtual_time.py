"""An event loop whose clock jumps to the next timer: hours pass in milliseconds."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class _NoWaiting(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits for ever")
        self.now += max(timeout, 0.0)
        if self.now > 100_000.0:
            raise RuntimeError("a day has passed")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Raises `RuntimeError` when nothing can ever happen again, and after a day."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual.now


def clock() -> float:
    """The time of the running loop."""
    return asyncio.get_running_loop().time()


def in_virtual_time(main: Callable[[], Awaitable[T]]) -> T:
    """What `main` returns."""

    async def run() -> T:
        return await main()

    loop = VirtualLoop()
    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()
