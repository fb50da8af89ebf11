"""How many requests may leave at once when a pause is over. Pure.

A pause refills the store that a rate comes out of, and what is in it need not wait: a *spurt*. What is taken of one
that is refused says how much there was. Who is refused although a pause has just ended, and though nothing was taken,
was not too fast: such a service has counted out its refusals or is in a bad moment, and one request at a time would
meet each of these refusals with a pause of its own. So the next spurt is twice as long.
"""

from __future__ import annotations

import math

SHARE = 2 / 3
"""What of the store is used: it is only estimated, and some of it makes good what the pace is wrong by."""
SHORTER, LONGER = 0.7, 1.25
"""What remains of a spurt that was refused, and by what factor it may grow after one that was not."""
FEWEST, MOST = 16.0, 32.0
"""Requests that leave at once after a pause of no use, at first; and after any pause, at most: more than a service may
take at once would be answered 500."""


class Spurt:
    """The requests that leave at once after each pause of one pace."""

    __slots__ = ("_least", "_left", "_most", "length")

    def __init__(self) -> None:
        self.length = 0.0
        """Requests that might leave at once after the last pause."""
        self._left = 0.0
        self._least, self._most = 0.0, math.inf

    def begin(self, store: float, out: int) -> None:
        """A pause is over, which has put so many requests into the store; `out` have waited for it with a permit."""
        self.length = min(max(min(SHARE * store, self._most), self._least), MOST)
        self._left = self.length - out

    def take(self) -> bool:
        """Whether the next request belongs to the spurt."""
        self._left -= 1
        return self._left >= 0

    def passed(self) -> None:
        """It was over before the next refusal."""
        self._most *= LONGER

    def cut(self, taken: int) -> None:
        """It was refused when so many had been taken; if none, the pause was of no use. What is refused of the next one
        is the rest of that, and does not say how much there was."""
        if taken == 0:
            self._least = min(max(2 * self._least, FEWEST), MOST)
        elif self._least:
            self._least = 0.0
        else:
            self._most = SHORTER * min(taken, self.length)
