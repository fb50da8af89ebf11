"""Whose number of requests at once it is that was learned. Pure.

A service may count the requests that it has under way, or all of an organisation's may be counted together. One window
for each family would leave a sum that is too high for ever, so that the first failure begins one window for all.
Failures that befall one family only, though others have as many requests out, are that family's own: from then on each
has its own.
"""

from __future__ import annotations

import math

from engine.pacing.window import Window

BY_CHANCE = 0.005
"""So improbable must it be that failures befall one family only, before they are its own."""
SURELY = 0.5
"""A share of the permits below which a failure counts as if the family had so many: failures come in clusters."""


class AtOnce:
    """The window of all families together."""

    __slots__ = ("_apart", "_blamed", "_levels", "_most", "_odds", "_window", "room")

    def __init__(self, most: int) -> None:
        self.room = math.inf
        """How many may be out, all together; inf if only the person's bound limits them."""
        self._most = most
        self._window: Window | None = None  # none before anything failed
        self._apart = False  # each family has a limit of its own
        self._blamed: Window | None = None  # of the family that the last failures befell
        self._odds = 1.0  # of their having befallen it by chance
        self._levels: list[int] = []  # how many of it were out

    @property
    def learned(self) -> bool:
        """Whether the services, not the person, set a limit for all together."""
        return not self._apart and self._window is not None and self._window.learned

    def succeeded(self, own: Window, level: int, together: int) -> None:
        """An answer came while `level` permits of its family, and `together` of all, were out."""
        own.succeeded(level)
        if self._window is not None and not self._apart:
            self._window.succeeded(together)
            self._set_room(self._window)

    def failed(self, own: Window, level: int, together: int) -> None:
        """A 500 or 503 came while so many were out."""
        if self._apart:
            own.failed(level)
            return
        if self._window is None:
            self._window = Window(self._most, together)
        self._window.failed(together)
        self._set_room(self._window)
        if own is not self._blamed:
            self._blamed, self._odds, self._levels = own, 1.0, []
        self._odds *= max(level / together, SURELY)
        self._levels.append(level)
        if self._odds < BY_CHANCE:
            self._apart, self.room = True, math.inf
            for each in self._levels:
                own.failed(each)

    def passed(self, own: Window) -> None:
        """An answer came that says nothing about how many at once are too many."""
        own.passed()
        if self._window is not None:
            self._window.passed()

    def _set_room(self, window: Window) -> None:
        self.room = math.inf if window.open else window.room
