"""How many requests a service takes at once, learned from its failures (a 500 may mean "too many": contract 1.4). Pure.

The window grows by what succeeds while it is full. More failures than usual make a level suspect, and the window
shrinks. Fewer failures there confirm the suspicion: from then on the window keeps well below that level, since what
fails leaves doubts that are dear to resolve, and tries it again ever more rarely. As many failures as before show that
the level had nothing to do with it: they are usual from now on, and the window returns.
"""

from __future__ import annotations

import math

FIRST, AGAIN = 8, 2
"""How many at once to begin with, and how many after an outage or a pause."""
QUICK = 0.5
"""Growth per success while no limit is near."""
CUT, KEEP = 0.5, 0.85
"""What a suspicion leaves of the window; the share of a level that failed which is used."""
USUAL = 0.01
"""The share of failures that is taken as usual from the start."""
MEMORY = 40
"""Answers, at least, that the share of failures is counted over."""
HARMLESS = 0.5
"""Below this share of what was taken before, failures have other causes: they only say what is usual."""
FORGET = 0.005
"""The weight of one answer in what is usual, and of one failure against what was taken before."""
CHECK, DISPELS = 60, 2
"""Answers, at least, over which a suspicion is checked, and the failures among them that dispel it."""
HOPELESS = 0.3
"""A share of failures that is never usual: the window shrinks further."""
PATIENCE, MOST_PATIENCE = 400, 6400
"""Successes before a level that failed is tried again; doubled each time that it fails again."""


class Window:
    """The permits of one family that may be out at once: `room`."""

    __slots__ = (
        "_answers", "_bad", "_calm", "_failures", "_held", "_limit", "_most", "_owed", "_patience", "_suspect",
        "_usual", "room",
    )  # fmt: skip

    def __init__(self, most: int, first: int = FIRST) -> None:
        self.room = min(first, most)
        """How many may be out at once."""
        self._most = most
        self._limit = float(self.room)
        self._held = 0.0  # the highest level at which an answer was good
        self._bad = math.inf  # the lowest level that failed
        self._suspect: tuple[float, float] | None = None  # a level and its share of failures, until confirmed
        self._usual = USUAL
        self._answers = self._failures = 0.0
        self._owed = 0  # answers to requests that were sent before the window shrank
        self._calm = 0  # successes with a full window since it last shrank
        self._patience = PATIENCE

    @property
    def open(self) -> bool:
        """Whether nothing but the person's bound limits how many may be out."""
        return self.room >= self._most

    @property
    def learned(self) -> bool:
        """Whether the service, not the person, sets the limit."""
        return self._bad < math.inf

    def succeeded(self, level: int) -> None:
        """An answer came while `level` permits, its own among them, were out."""
        level = min(level, self._most)  # permits beyond are for requests that are not on the wire yet
        if self._owed:
            self._owed -= 1
            return
        if self._suspect is not None:
            self._count(failure=False)
            self._check(*self._suspect)
            return
        if self._harmless(level):
            self._usual = max(self._usual * (1.0 - FORGET), USUAL)
        else:
            self._count(failure=False)
            self._held = max(self._held, level)
        if level >= self.room:
            self._calm += 1
            self._grow()

    def failed(self, level: int) -> None:
        """A 500 or 503 came while `level` permits, its own among them, were out."""
        level = min(level, self._most)
        if self._owed:
            self._owed -= 1
        elif self._suspect is not None:
            self._count(failure=True)
            self._check(*self._suspect)
        elif self._harmless(level):
            self._usual += FORGET * (1.0 - self._usual)
            self._held *= 1.0 - FORGET
        else:
            self._count(failure=True)
            expected = self._usual * self._answers
            if self._failures > expected + 2.5 * math.sqrt(expected) + 1.0:
                self._shrink(level)

    def passed(self) -> None:
        """An answer came that says nothing about how many at once are too many."""
        self._owed = max(self._owed - 1, 0)

    def restart(self, out: int) -> None:
        """Begin small again, while `out` answers to earlier requests are still to come."""
        self._owed = out
        self._set(min(self._limit, AGAIN))

    def _harmless(self, level: int) -> bool:
        return level < HARMLESS * max(self.room, self._held)

    def _count(self, *, failure: bool) -> None:
        if self._suspect is None and self._answers >= max(MEMORY, 2 * self.room):
            self._answers, self._failures = self._answers / 2, self._failures / 2
        self._answers += 1
        self._failures += failure

    def _shrink(self, level: int) -> None:
        self._suspect = (self._limit, self._failures / self._answers)
        self._owed = level - 1
        self._set(self._limit * CUT)

    def _check(self, limit: float, share: float) -> None:
        if self._failures >= DISPELS:
            now = self._failures / self._answers
            if now > HOPELESS and self.room > 1:
                self._shrink(self.room)
            elif self._answers >= CHECK / 2:
                self._usual, self._suspect, self._bad = max(self._usual, now), None, math.inf
                self._set(limit)
        elif self._answers >= max(CHECK, 2 * DISPELS / share):
            self._patience = PATIENCE if self._bad == math.inf else min(2 * self._patience, MOST_PATIENCE)
            self._bad, self._held, self._suspect = limit, self._limit, None
            self._set(self._limit)

    def _grow(self) -> None:
        if self._limit < KEEP * self._bad:
            self._limit = min(self._limit + QUICK, self._most, KEEP * self._bad)
        elif self._calm >= self._patience:
            self._limit = min(self._limit + 1 / self._limit, self._most)
            self._bad = max(self._bad, self._limit)
        self.room = max(int(self._limit), 1)

    def _set(self, limit: float) -> None:
        self._limit = max(limit, 1.0)
        self.room = int(self._limit)
        self._calm, self._answers, self._failures = 0, 0.0, 0.0
