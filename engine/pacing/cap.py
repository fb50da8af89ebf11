"""The person's own upper bound on requests per second (`--rate`), over all families together. Pure."""

from __future__ import annotations

import math
from collections import deque

ROOM = 0.05
"""Seconds by which the window is longer than needed: a network delays one request more than the next, and what leaves
here within the bound must arrive there within it, too."""
SLACK = 0.1
"""Seconds of lateness that are made good."""


class Cap:
    """At most `rate` permits in any second: at most ⌈rate⌉ in any window of ⌈rate⌉ / rate seconds, evenly spaced."""

    __slots__ = ("_left", "_next_at", "_sent", "_space", "_window")

    def __init__(self, rate: float) -> None:
        if not 0 < rate < math.inf:
            raise ValueError(f"a rate is a number of requests per second above 0, not {rate}")
        count = math.ceil(rate)
        self._window = count / rate + ROOM
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

    def departs_in(self, now: float) -> float:
        """Seconds that a request, let through by `take`, must still wait where it leaves: what waited for the same
        commit, or for a loop that was busy, must not leave together to more than the bound. 0: it leaves now, and
        counts."""
        if len(self._left) == self._left.maxlen and (wait := self._left[0] + self._window - now) > 0:
            return wait
        self._left.append(now)
        return 0.0
