"""An asyncio event loop in virtual time: hours pass in milliseconds, and one seed is one schedule.

Every callback belongs to the process in whose context it was asked for (`OWNER`), or to nobody: the world. A process
is asked before each of its callbacks, so that it can be killed or frozen at every await point of every task.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from contextvars import Context, ContextVar, copy_context
from typing import Any, Protocol


class OutOfTime(Exception):
    """The schedule ran longer than any schedule should: something waits for what never comes."""


class Owner(Protocol):
    """A process, as the loop sees it."""

    def step(self, again: Callable[[], object]) -> bool:
        """Whether a callback of this process may run now. If not, it may be run later by `again`, or never."""
        ...


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)


class _Selector(selectors.BaseSelector):
    """Never blocks: waiting is moving the clock."""

    def __init__(self, limit: float) -> None:
        self.now, self.limit = 0.0, limit
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise OutOfTime("deadlock: nothing is scheduled and nothing is ready")
        self.now += max(timeout, 0.0)
        if self.now > self.limit:
            raise OutOfTime(f"no end after {self.limit:.0f} virtual seconds")
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, fileobj, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._keys.clear()


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual, in seconds from 0. Raises `OutOfTime` after `limit` seconds, or in a deadlock."""

    def __init__(self, limit: float) -> None:
        self._virtual = _Selector(limit)
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9
        self.lawless = False
        """Whether callbacks run without their owner's consent: when what is left of a schedule is buried."""

    def time(self) -> float:
        return self._virtual.now

    def call_soon(  # type: ignore[override] # the same, but for the types of the arguments
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        owner = OWNER.get() if context is None else context.get(OWNER)
        if owner is None:
            return super().call_soon(callback, *args, context=context)
        context = context or copy_context()
        return super().call_soon(self._step, owner, context, callback, args, context=context)

    def call_at(  # type: ignore[override] # the same, but for the types of the arguments
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        owner = OWNER.get() if context is None else context.get(OWNER)
        if owner is None:
            return super().call_at(when, callback, *args, context=context)
        context = context or copy_context()
        return super().call_at(when, self._step, owner, context, callback, args, context=context)

    def _step(self, owner: Owner, context: Context, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self.lawless or owner.step(lambda: self.call_soon(callback, *args, context=context)):
            callback(*args)
