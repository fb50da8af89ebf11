"""The person's own upper bound on requests per second (`--rate`), over all families together. Pure."""

from __future__ import annotations

import math
from collections import deque

ROOM = 0.02
"""How much longer than needed the window is: between a permit and the arrival of its request lie a journal write and a
network, and what is spread evenly here must not come together to more than the bound there."""
SLACK = 0.1
"""Seconds of lateness that are made good."""


class Cap:
    """At most `rate` permits in any second: at most ⌈rate⌉ in any window of ⌈rate⌉ / rate seconds, evenly spaced."""

    __slots__ = ("_left", "_next_at", "_sent", "_space", "_window")

    def __init__(self, rate: float) -> None:
        if not 0 < rate < math.inf:
            raise ValueError(f"a rate is a number of requests per second above 0, not {rate}")
        count = math.ceil(rate)
        self._window = count / rate * (1 + ROOM)
        self._space = self._window / count
        self._sent: deque[float] = deque(maxlen=count)
        self._left: deque[float] = deque(maxlen=count)
        self._next_at = -math.inf

    @property
    def opens_at(self) -> float:
        """When the next request may leave."""
        if len(self._sent) == self._sent.maxlen:
            return max(self._next_at, self._sent[0] + self._window)
        return self._next_at

    def take(self, now: float) -> None:
        """A request leaves at `now`, which is not before `opens_at`."""
        self._sent.append(now)
        self._next_at = max(self._next_at, now - SLACK) + self._space

    def departs_at(self, now: float) -> float:
        """When a request that was let through by `take`, and has its intent at `now`, may leave: what waited for the
        same commit must not leave together to more than the bound."""
        full = len(self._left) == self._left.maxlen
        at = max(now, self._left[0] + self._window) if full else now
        self._left.append(at)
        return at
