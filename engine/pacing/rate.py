"""How many requests per second a service takes, learned from its refusals. Pure: time comes in as an argument.

The picture behind it is a store that is refilled at an unknown *rate* and holds *depth* seconds' worth of requests; a
429 says that it is empty. What was taken in the seconds before came out of the refill and out of the store, so
`taken / (seconds + depth)`, over the window in which that is largest, is a rate that was surely there: a burst cannot
inflate it, and a long window makes it exact. The pace starts just below this *bound*, stays there for a while and then
leaves upwards ever faster; the next 429 closes a longer window and gives a better bound. A pause refills the store, so
right after it the depth counts only up to the length of the pause.

A refusal that gives a bound below the last one is a *misfit*: the store cannot have been empty. A lone one is a bad
moment of the service and costs next to no pace; what a crowd of them means is found out in `blame`.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

SLACK = 0.1
"""Seconds of lateness (of timers, of callers) that are made good, as a burst of at most that many seconds' worth."""
MARK, MARKS = 0.1, 1200
"""Seconds between two marks of the history, and how many are kept."""
DEPTH, SHALLOWEST, DEEPEST = 1.0, 0.05, 10.0
"""The depth that is assumed until a burst showed another, and between what."""
BURST = 3.0
"""A first refusal within so many seconds shows the depth: the store was full and is now empty."""
APART = 0.75
"""Seconds by which a later window must be longer than that burst to tell the depth from the rate."""
MARGIN = 0.005
"""How far below the bound the pace starts, as a share of it."""
UNSURE, STEEPEST = 0.35, 0.2
"""How fast the pace leaves a bound, as a share of what the depth may be wrong by, and the most: a bound that is too low
costs time in every second, a refusal once."""
SLOWEST = 0.2
"""Requests per second that are always sent: without any there is nothing to learn from."""
DOUBLING = 0.4
"""Seconds in which the pace doubles while there is no bound yet, that is from the first refusal to the second."""
FIT, SEARCH_FIT = 0.98, 0.15
"""What does not explain a refusal: a bound below this share of the last one or, while there is none, of the pace."""
RUNAWAY = 1.25
"""So far above the last bound, as a factor, a refusal is to be expected, and the pace returns to it."""
STUCK, STUCK_LIMIT = 3, 6
"""Fewer requests taken since the last refusal than `STUCK` say nothing (it is still the same bad moment), unless that
happens more often in a row than `STUCK_LIMIT`."""
RETURN = 8.0
"""Seconds in which the pace returns to where it was."""


class Bound(NamedTuple):
    """A rate that was surely there, and the length in seconds of the window that shows it."""

    rate: float
    seconds: float


class Throttle:
    """A pace: none until the first refusal, then learned."""

    __slots__ = (
        "_base", "_burst", "_depth", "_emptied", "_growth", "_held", "_hold", "_marks", "_next_mark", "_peak",
        "_refused", "_resumed", "_seen", "next_at", "pace", "stuck", "taken",
    )  # fmt: skip

    def __init__(self) -> None:
        self.pace: float | None = None
        """Requests per second at most; None: no limit is known."""
        self.next_at = -math.inf
        """When the pace allows the next request."""
        self.taken = 0
        """Requests that the service took, as far as is known."""
        self.stuck = 0
        """How many refusals in a row came with hardly a request taken in between."""
        self._seen = 0  # taken at the last refusal
        self._marks: deque[tuple[float, int]] = deque(maxlen=MARKS)  # (time, taken before)
        self._next_mark = -math.inf
        self._refused: float | None = None  # a refusal from which nothing was learned yet
        self._emptied = self._resumed = -math.inf  # the refusal that gave the bound, and when sending began again
        self._burst: tuple[int, float] | None = None  # the first emptying of the full store: requests, seconds
        self._depth = DEPTH
        self._base = self._peak = 0.0  # where the pace starts, and where it returns to
        self._growth = self._hold = 0.0  # how it leaves: share of the base, seconds
        self._held = 0.0  # seconds for which it was the pace that held requests back

    def sent(self, now: float) -> None:
        """A request leaves at `now`, which is not before `next_at`."""
        if self._refused is not None:
            self._learn(self._refused, self.next_at)
        if now >= self._next_mark:
            self._marks.append((now, self.taken))
            self._next_mark = now + MARK
        self.taken += 1
        if self.pace is None:
            return
        gap = 1.0 / self.pace
        if now <= self.next_at + SLACK:
            self._held += gap
            self.pace = self._grown()
        self.next_at = max(self.next_at, now - SLACK) + gap

    def refused(self, now: float, resume: float, *, late: bool) -> None:
        """A 429 came at `now`; sending goes on at `resume`. `late`: its request had left before an earlier pause.

        What there is to learn is known only at `resume`: which other requests were taken or refused meanwhile.
        """
        self.taken -= 1
        if not late and self._refused is None:
            self._refused = now
        self.next_at = max(self.next_at, resume)

    def take_over(self, refused: float, resume: float, depth: float) -> None:
        """Learn from now on, beginning with a refusal that was counted already."""
        self._refused, self._depth = refused, depth
        self.next_at = max(self.next_at, resume)

    @property
    def accused(self) -> bool:
        """Whether there is a refusal from which nothing was learned yet."""
        return self._refused is not None

    def throughput(self, now: float) -> float:
        """Requests per second that the service took in the last ten seconds or so."""
        recent = next((mark for mark in self._marks if mark[0] >= now - 10.0), (now, self.taken))
        return (self.taken - recent[1]) / max(now - recent[0], 1.0)

    def _learn(self, refused: float, resume: float) -> None:
        self._refused = None
        taken, self._seen = self.taken - self._seen, self.taken
        if self.pace is None:
            if self._marks and refused - self._marks[0][0] < BURST:
                self._burst = (self.taken - self._marks[0][1], refused - self._marks[0][0])
            self._base = self._peak = self._bound(refused).rate
            self._restart(refused, resume)
        elif taken < STUCK and self.stuck < STUCK_LIMIT:
            self.stuck += 1
        else:
            self.stuck = 0
            self._judge(refused, resume, self.pace)
        self.pace = self._grown()

    def _judge(self, refused: float, resume: float, pace: float) -> None:
        searching = not self._growth
        if self._burst is not None and refused - self._resumed > self._burst[1] + APART:
            self._sound(refused, *self._burst)
        bound = self._bound(refused)
        if bound.rate >= (SEARCH_FIT * pace if searching else FIT * self._base):
            self._settle(bound, refused, resume)
        else:
            self._base = max(self._base * 0.99, SLOWEST)
            self._peak = max(self._base, self._peak * 0.995)
            self._held = 0.0 if pace > RUNAWAY * self._peak else self._held

    def _settle(self, bound: Bound, refused: float, resume: float) -> None:
        """Go on from a bound. The surer it is, and the dearer a refusal, the longer until the next."""
        cost = max(resume - refused - self._depth, 0.0)  # what of the pause the store does not make good
        self._base = self._peak = bound.rate * (1 - MARGIN)
        unsure = self._depth / bound.seconds  # by what share the rate is higher, were there no store at all
        self._growth = min(max(UNSURE * unsure, 0.01), STEEPEST)
        self._hold = min(max(10.0 * bound.seconds, 2.5), max(16.0, min(75.0 * cost, 110.0)))
        self._restart(refused, resume)

    def _restart(self, refused: float, resume: float) -> None:
        """A new window begins, with an empty store that the pause refills."""
        self._emptied, self._resumed, self._held = refused, resume, 0.0
        self._marks.clear()
        self._marks.append((resume, self.taken))
        self._next_mark = resume + MARK

    def _sound(self, refused: float, taken: int, seconds: float) -> None:
        """Solve for the depth: the first burst came out of the full store, this window out of what a pause put in. Of
        two windows of the same length one cannot tell."""
        self._burst = None
        for _ in range(8):
            self._depth = min(max(taken / self._bound(refused).rate - seconds, SHALLOWEST), DEEPEST)

    def _bound(self, until: float) -> Bound:
        best = Bound(SLOWEST, 1.0)
        for since, count in self._marks:
            if since < until:
                depth = min(self._depth, since - self._emptied) if since == self._resumed else self._depth
                best = max(best, Bound((self.taken - count) / (until - since + depth), until - since))
        return best

    def _grown(self) -> float:
        if not self._growth:
            return self._base * math.exp2(min(self._held / DOUBLING, 20.0))
        level = self._base + max(self._peak - self._base, 0.0) * min(self._held / RETURN, 1.0)
        return level * (1.0 + self._growth * math.expm1(min(self._held / self._hold, 4.0) ** 2))
