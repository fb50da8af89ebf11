"""How many requests per second a service takes, learned from its refusals. Pure: time comes in as an argument.

The picture behind it is a store that is refilled at an unknown *rate* and holds *depth* seconds' worth of requests; a
429 says that it is empty. What was taken in the seconds before came out of the refill and out of the store, so
`taken / (seconds + depth)`, over the window in which that is largest, is a rate that was surely there: a burst cannot
inflate it, and a long window makes it exact. The pace starts just below this *bound*, stays there for a while and then
leaves upwards ever faster; the next 429 closes a longer window and gives a better bound. A pause refills the store, so
right after it the depth counts only up to the length of the pause.

A refusal that gives a bound below the last one is a *misfit*: the store cannot have been empty. A lone one is a bad
moment of the service and costs next to no pace; what a crowd of them means is found out in `misfit`. Only while the
depth is a guess, or where misfits recur, may the last bound be what is wrong. And a bound that is hardly lower may only
be more exact, but not again and again: who keeps below what was surely there is not too fast.
"""

from __future__ import annotations

import math
from collections import deque

from engine.pacing import store
from engine.pacing.spurt import Spurt
from engine.pacing.store import DEEPEST, SHALLOWEST, SLOWEST, Bound, Drain

SLACK = 0.1
"""Seconds of lateness (of timers, of callers) that are made good, as a burst of at most that many seconds' worth."""
MARK, MARKS = 0.1, 1200
"""Seconds between two marks of the history, and how many are kept."""
DEPTH = 0.35
"""The depth that is assumed until a second refusal shows another."""
BURST = 3.0
"""Seconds before an emptying that tell the depth: the store was full and is now empty."""
FULL = 1.0
"""After a pause of so many seconds the store is full, or as full as other pauses make it."""
MARGIN = 0.005
"""How far below the bound the pace starts, as a share of it."""
MISCOUNT, JITTER = 1.5, 0.02
"""What a window may be wrong by, in requests (part of a token stays in the store) and in seconds (of answers)."""
UNSURE, SUREST, STEEPEST = 0.15, 0.01, 0.2
"""How fast the pace leaves a bound, as a share of it: by what counting may be wrong by and this share of what the depth
may be, at least and at most. A bound that is too low costs time in every second, a refusal once."""
WORTH, SOON, LATER, LATEST = 4.0, 5.0, 16.0, 110.0
"""How long it takes to leave: so many times the seconds that bring in the cost of a refusal. If that is little: between
what seconds, by the length of the window; and at most."""
DOUBLING = 0.6
"""Seconds in which the pace doubles while there is no bound yet, that is from the first refusal to the second."""
BLIND = 10.0
"""Requests per second at first, if nothing was taken before the first refusal: it says nothing about the rate."""
FIT, SEARCH_FIT = 0.98, 0.15
"""What does not explain a refusal: a bound below this share of the last one (less, if that was a guess from one short
window) or, while there is none, of the pace."""
IDLE = 0.5
"""Seconds without a request, though the pace allowed one, that say nothing of the pace."""
LOWER = 3
"""So many times in a row a bound may be lower than what was known."""
COST = 0.01
"""What a misfit costs at most, as a share of the pace. The more were taken before it, the less is the pace to blame."""
RUNAWAY = 1.25
"""So far above the last bound, as a factor, a refusal is to be expected, and the pace returns to it."""
THRICE, SPAN, SAME_AGAIN = 3, 10, 1.2
"""By chance, so many misfits would seldom come after the same number of requests, within this factor; and how many of
the last ones count."""
STUCK, STUCK_LIMIT = 3, 6
"""Fewer requests taken since the last refusal than `STUCK` say nothing (it is still the same bad moment), unless that
happens more often in a row than `STUCK_LIMIT`. While searching, so does a window shorter than a mark. What the spurt
after a pause has met says nothing about the rate either."""
RETURN = 8.0
"""Seconds in which the pace returns to where it was."""


class Throttle:
    """A pace: none until the first refusal, then learned."""

    __slots__ = (
        "_base", "_burst", "_depth", "_emptied", "_fit", "_growth", "_held", "_hold", "_idle", "_lower", "_marks",
        "_next_mark", "_peak", "_refused", "_resumed", "_seen", "_sounded", "_spurt", "_stretches", "next_at", "out",
        "pace", "stuck", "taken",
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
        self.out = 0
        """Permits that are out: who waits where it leaves, or for an answer."""
        self._seen = 0  # taken at the last refusal
        self._marks: deque[tuple[float, int]] = deque(maxlen=MARKS)  # (time, taken before)
        self._next_mark = -math.inf
        self._refused: float | None = None  # a refusal from which nothing was learned yet
        self._emptied = self._resumed = -math.inf  # the refusal that gave the bound, and when sending began again
        self._burst: list[Drain] = []  # an emptying of the full store
        self._depth = DEPTH
        self._sounded = False  # whether the depth was found out, not only assumed
        self._lower = 0  # bounds in a row that were each lower than the one before
        self._stretches: tuple[int, ...] = ()  # taken before each misfit since that bound
        self._base = self._peak = 0.0  # where the pace starts, and where it returns to
        self._fit = FIT  # what share of the base a bound must reach to explain a refusal
        self._growth = self._hold = 0.0  # how it leaves: share of the base, seconds
        self._held = 0.0  # seconds for which it was the pace that held requests back
        self._idle = 0.0  # seconds in which nobody wanted to send, or the service was down
        self._spurt = Spurt()

    def sent(self, now: float) -> None:
        """A request leaves at `now`, which is not before `next_at`."""
        if self._refused is not None:
            pause = self.next_at - self._refused
            self._learn(self._refused, self.next_at)
            self._spurt.begin(self._base * min(self._depth, pause), self.out)
            self.next_at = max(self.next_at, now)
        if now >= self._next_mark:
            if self._marks and (gap := now - max(self._marks[-1][0], self.next_at)) > IDLE:
                self._idle += gap
            self._marks.append((now, self.taken))
            self._next_mark = now + MARK
        self.taken += 1
        self.out += 1
        if self.pace is None or self._spurt.take():
            return
        gap = 1.0 / self.pace
        if now <= self.next_at + SLACK:
            self._held += gap
            self.pace = self._grown()
        self.next_at = max(self.next_at, now - SLACK) + gap

    def returned(self, *, used: bool) -> None:
        """A permit came back; what did not leave, since a pause began, was not taken."""
        self.out -= 1
        self.taken -= not used

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

    def lately(self, now: float, seconds: float) -> int:
        """Requests that the service took in the last so many seconds."""
        first = self.taken
        for at, count in reversed(self._marks):
            if at < now - seconds:
                break
            first = count
        return self.taken - first

    def _learn(self, refused: float, resume: float) -> None:
        self._refused = None
        self.taken -= self.out  # they waited for the end of the pause, and count for what follows
        taken, self._seen = self.taken - self._seen, self.taken
        if self.pace is None:
            self._burst = self._emptying(refused)
            self._base = self._peak = self._bound(refused).rate if taken else BLIND
            self._restart(refused, resume)
        elif taken < STUCK and self.stuck < STUCK_LIMIT:
            self.stuck += 1
            self._spurt.cut(taken)
        elif STUCK <= taken < self._spurt.length + STUCK:
            self._spurt.cut(taken)
        elif not self._growth and refused - self._resumed < MARK and self.stuck < STUCK_LIMIT:
            self.stuck += 1
        else:
            self.stuck = 0
            self._spurt.passed()
            self._stretches = (*self._stretches, taken)[-SPAN:]
            self._judge(refused, resume, self.pace)
        self.taken += self.out
        self.pace = self._grown()

    def _judge(self, refused: float, resume: float, pace: float) -> None:
        searching, depth = not self._growth, self._depth
        apart = self._sound(refused)
        bound = self._bound(refused)
        if searching and self._resumed - self._emptied >= FULL:
            self._burst = self._emptying(refused)  # the first may have held what no store was needed for
        known = self._fit * self._base if self._lower < LOWER else self._peak
        fits = bound.rate >= (SEARCH_FIT * pace if searching else known)
        sounded = SHALLOWEST < self._depth < DEEPEST and self._depth != depth
        if fits or (sounded and self._corrects(bound, apart)):
            self._sounded = sounded or (self._sounded and self._depth == depth)
            self._lower = self._lower + 1 if bound.rate < self._peak and not searching else 0
            self._settle(bound, apart, refused, resume)
            dear = searching and resume - refused > self._depth  # then a guess too high must be left at once
            self._fit = FIT - self._growth if dear else FIT
        else:
            self._depth = depth
            cost = min(COST, MISCOUNT / max(self._stretches[-1], 1))
            self._base = max(self._base * (1 - cost), SLOWEST)
            self._peak = max(self._base, self._peak * (1 - cost / 2))
            self._held = 0.0 if pace > RUNAWAY * self._peak else self._held

    def _settle(self, bound: Bound, apart: float, refused: float, resume: float) -> None:
        """Go on from a bound. The surer it is, and the dearer a refusal, the longer until the next.

        `apart`: by how many seconds the windows differ that tell the depth from the rate."""
        cost = max(resume - refused - self._depth, 0.0)  # what of the pause the store does not make good
        self._base = self._peak = bound.rate * (1 - MARGIN)
        self._growth = min(max(self._unsure(bound, apart), SUREST), STEEPEST)
        cheap = min(max(12.0 * bound.seconds, SOON), LATER)
        self._hold = max(cheap, min(WORTH * cost / self._growth, LATEST))
        self._restart(refused, resume)

    def _corrects(self, bound: Bound, apart: float) -> bool:
        """Whether a lower bound is no misfit, but shows how deep the store is, where that was only assumed, or the same
        comes again and again. Far below the last it rather comes from refusals that are counted out."""
        told = not self._sounded and self._unsure(bound, apart) < self._growth
        return (told or self._recurs()) and bound.rate >= self._base / 2

    def _recurs(self) -> bool:
        """Whether all misfits since the last bound came after the same number of requests: not by chance. To be refused
        every so many seconds looks the same, but lower bounds have not helped then."""
        return (
            self._lower < LOWER
            and len(self._stretches) >= THRICE
            and max(self._stretches) <= SAME_AGAIN * min(self._stretches)
        )

    def _unsure(self, bound: Bound, apart: float) -> float:
        """By what share of it a bound may be wrong."""
        return (MISCOUNT / bound.rate + JITTER) / max(apart, MARK) + UNSURE * self._depth / bound.seconds

    def _restart(self, refused: float, resume: float) -> None:
        """A new window begins, with an empty store that the pause refills."""
        self._emptied, self._resumed, self._held, self._stretches = refused, resume, 0.0, ()
        self._marks.clear()
        self._marks.append((resume, self.taken))
        self._next_mark = resume + MARK

    def _sound(self, refused: float) -> float:
        """Find out the depth. Returns by how many seconds the two emptyings differ that tell it: of two that are as
        long one cannot tell."""
        window, burst = self._drains(refused), self._burst
        if not (window and burst):
            return refused - self._resumed
        self._depth = store.depth(window, burst, self._depth)
        rate, seconds = store.bound(window, self._depth)
        emptied = max(burst, key=lambda drain: drain.taken / rate - drain.seconds)
        return abs(seconds - emptied.seconds)

    def _emptying(self, refused: float) -> list[Drain]:
        return [drain._replace(most=math.inf) for drain in self._drains(refused) if drain.seconds < BURST]

    def _drains(self, until: float) -> list[Drain]:
        """All windows since the last bound, the longest first."""
        return [
            Drain(self.taken - count, until - at, at - self._emptied if at == self._resumed else math.inf)
            for at, count in self._marks
            if at < until
        ]

    def _bound(self, until: float) -> Bound:
        return store.bound(self._drains(until), self._depth)

    def _grown(self) -> float:
        if not self._growth:
            return self._base * math.exp2(min(self._held / DOUBLING, 20.0))
        level = self._base + max(self._peak - self._base, 0.0) * min(self._held / RETURN, 1.0)
        return level * (1.0 + self._growth * math.expm1(min(self._held / self._hold, 4.0) ** 2))
