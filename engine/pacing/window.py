"""How many requests a service takes at once, learned from its failures (a 500 may mean "too many": contract 1.4). Pure.

It grows by what succeeds while it is full, quickly until the first failure. A failure at a level above the largest that
held goes back to that; otherwise it takes a quarter off. The level that failed is tried again ever more rarely.

A service may also fail now and then for reasons of its own. How often it does so at levels that are surely harmless is
counted, and at the others only more failures than that are taken as a sign.
"""

from __future__ import annotations

import math

FIRST = 8
"""How many at once to begin with."""
AGAIN = 2
"""How many at once to begin with after an outage or a pause."""
QUICK = 0.25
"""Growth per success before the first failure, and back to a level that held."""
CUT = 0.75
HARMLESS = 0.75
"""A level at or below this share of the lowest that failed, or of the window, is no cause of failures."""
PATIENCE, MOST_PATIENCE = 100, 3200
"""Successes before a level that failed is tried again; doubled each time that it fails again."""
USUAL = 0.01
"""A share of failures that every service may show."""
MEMORY = 400
"""Answers that the shares of failures are counted over."""


class _Share:
    """How many of the last answers were failures."""

    __slots__ = ("answers", "failures")

    def __init__(self) -> None:
        self.answers = self.failures = 0.0

    def count(self, *, failure: bool) -> None:
        if self.answers >= MEMORY:
            self.answers, self.failures = self.answers / 2, self.failures / 2
        self.answers += 1
        self.failures += failure


class Window:
    """The permits of one family that may be out at once: `room`."""

    __slots__ = ("_bad", "_full", "_good", "_harmless", "_limit", "_most", "_owed", "_patience", "_suspect", "room")

    def __init__(self, most: int) -> None:
        self.room = min(FIRST, most)
        """How many may be out at once."""
        self._most = most
        self._limit = float(self.room)
        self._good = 0  # the largest level that held
        self._bad = math.inf  # the lowest level that failed
        self._owed = 0  # answers to requests that were sent before the last cut
        self._full = 0  # successes at this level
        self._patience = PATIENCE
        self._harmless, self._suspect = _Share(), _Share()

    @property
    def learned(self) -> bool:
        """Whether the service, not the person, sets the limit."""
        return self._bad < math.inf and self.room < self._most

    def succeeded(self, level: int) -> None:
        """An answer came while `level` requests, its own among them, were out."""
        if self._owed:
            self._owed -= 1
            return
        self._share(level).count(failure=False)
        if level < self.room:
            return
        self._full += 1
        if self._full >= self.room:
            self._good = max(self._good, self.room)
        self._grow()

    def failed(self, level: int) -> None:
        """A 500 or 503 came while `level` requests, its own among them, were out."""
        if self._owed:
            self._owed -= 1
            return
        share = self._share(level)
        share.count(failure=True)
        if share is self._harmless:
            return
        usual = max(self._harmless.failures / max(self._harmless.answers, 20.0), USUAL) * self._suspect.answers
        if self._suspect.failures <= usual + 2.5 * math.sqrt(usual):
            return
        if self._good >= level:
            self._good = 0
        elif self._good and level >= self._bad:
            self._patience = min(2 * self._patience, MOST_PATIENCE)
        self._bad, self._owed = level, level - 1
        self._suspect = _Share()
        self._set(self._good or level * CUT)

    def restart(self) -> None:
        """Begin small again, and return quickly to what held."""
        self._good = max(self._good, self.room)
        self._owed = 0
        self._set(min(self._limit, AGAIN))

    def _share(self, level: int) -> _Share:
        return self._harmless if level <= HARMLESS * min(self._bad, self._limit) else self._suspect

    def _grow(self) -> None:
        quick = self._bad == math.inf or self._limit < min(self._good, self._bad - 1)
        limit = min(self._limit + (QUICK if quick else 1 / self._limit), self._most)
        if limit < self._bad:
            self._set(limit, keep=int(limit) == self.room)
        elif self._full >= self._patience:
            self._set(self._bad)
        elif self.room >= self._bad and self._full >= self.room:
            self._bad, self._patience = self.room + 1, PATIENCE  # it holds now: go on, with care

    def _set(self, limit: float, *, keep: bool = False) -> None:
        self._limit = max(1.0, min(limit, self._most))
        self.room = int(self._limit)
        if not keep:
            self._full = 0
