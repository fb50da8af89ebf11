"""An asyncio event loop in virtual time: hours pass in milliseconds, and one seed is one schedule."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class OutOfTime(Exception):
    """The schedule ran longer than any schedule should: something waits for what never comes."""


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

    def time(self) -> float:
        return self._virtual.now
