"""What refusals mean that the learned rate does not explain. Pure.

A crowd of misfits has two possible causes. A trial at a pace that cannot be too high tells them apart: without refusals
the rate has dropped, and the pace returns from below; with refusals they come at any pace, and slowing down for them
would only lose time.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from engine.pacing import store
from engine.pacing.rate import RUNAWAY, STUCK, Throttle
from engine.pacing.store import SLOWEST, Bound

CROWD, CROWDED = 5, 600
"""So many refusals among so many requests are a crowd."""
TRIAL = 0.7
"""The pace of a trial, as a share of what got through lately."""
DEAF, PUSH = 120.0, 1.5
"""Seconds for which refusals cost no pace after a trial with refusals; by what factor each raises it meanwhile."""
ALIKE = 0.8
"""Two rates of which the lesser is at least this share of the other may be the same."""


class _Refusal(NamedTuple):
    busy: float  # seconds, the idle ones left out
    taken: int
    base: float


class Pace(Throttle):
    """A pace that stands misfits."""

    __slots__ = ("_crowd", "_deaf_until", "_through", "_trial", "_usual", "like")

    def __init__(self) -> None:
        super().__init__()
        self._crowd: deque[_Refusal] = deque(maxlen=CROWD)
        self._trial = 0  # taken at the end of the trial; 0: none
        self._through = self._usual = 0.0  # before the trial: requests per second, requests per refusal
        self._deaf_until = -math.inf
        self.like: Pace | None = None
        """Another family's, which was found to be its own: the first guess at this one's."""

    def adopt(self, other: Pace, share: float = 1.0) -> None:
        """Go on with a share of what another pace has learned."""
        self._base, self._peak = other._base * share, other._peak * share
        self._growth, self._hold, self._depth, self._fit = other._growth, other._hold, other._depth, other._fit
        self._burst, self._emptied, self._resumed = other._burst, other._emptied, other._resumed
        self._sounded = other._sounded
        self.pace = self._grown()

    def forget(self) -> None:
        """No limit is known."""
        self.pace, self.like, self._growth, self._held = None, None, 0.0, 0.0

    def rate_until(self, refused: float, depth: float | None = None, since: float = -math.inf) -> float:
        """Requests per second that were surely there before a refusal, and after `since`. `depth`: of the store, as
        another has learned it; this one goes on with that."""
        self._depth = self._depth if depth is None else depth
        self.taken -= self.out
        drains = [drain for drain in self._drains(refused) if drain.seconds <= refused - since]
        self.taken += self.out
        return store.bound(drains, self._depth).rate

    def explains(self, refused: float) -> bool:
        """Whether this limit explains a refusal."""
        return self.pace is None or not self._growth or self.rate_until(refused) >= ALIKE * self._base

    def _learn(self, refused: float, resume: float) -> None:
        if self.pace is None and self.like is not None and self._is_like(self.like, refused):
            self.adopt(self.like)
            self._repeat(refused, resume)
        else:
            super()._learn(refused, resume)

    def _is_like(self, other: Pace, refused: float) -> bool:
        self._depth = other._depth
        return other._growth > 0 and ALIKE <= self.rate_until(refused) / other._base <= 1 / ALIKE

    def _repeat(self, refused: float, resume: float) -> None:
        """A refusal says nothing new: the pace goes on from where it starts."""
        self.taken -= self.out
        self._refused, self._seen = None, self.taken
        self._restart(refused, resume)
        self.taken += self.out
        self.pace = self._grown()

    def _judge(self, refused: float, resume: float, pace: float) -> None:
        if self._trial:
            self._trial, self._base, self._deaf_until = 0, self._peak, refused + DEAF
            self._restart(refused, resume)
        elif refused < self._deaf_until:
            self._push(refused)
        else:
            overshot = pace > RUNAWAY * self._base  # then a refusal was to be expected
            super()._judge(refused, resume, pace)
            if not overshot and self._crowded(refused) and self._growth:
                self._begin_trial(refused)

    def _crowded(self, refused: float) -> bool:
        self._crowd.append(_Refusal(refused - self._idle, self.taken, self._base))
        return len(self._crowd) == CROWD and self.taken - self._crowd[0].taken < CROWDED

    def _begin_trial(self, refused: float) -> None:
        first = self._crowd[0]
        self._peak = max(refusal.base for refusal in self._crowd)
        self._through = max((self.taken - first.taken) / (refused - self._idle - first.busy), SLOWEST)
        self._usual = (self.taken - first.taken) / (CROWD - 1)
        self._trial = self.taken + max(int(2 * self._usual), 10)
        self._base, self._held = TRIAL * self._through, 0.0
        self._crowd.clear()

    def _push(self, refused: float) -> None:
        """Deaf to a refusal: a pace that held requests back rises. Refusals twice as thick as before end deafness, or
        so many in a row that hardly anything is taken."""
        held, self._held = self._held > 0, 0.0
        thick = self._crowded(refused) and 2 * (self.taken - self._crowd[0].taken) < (CROWD - 1) * self._usual
        if thick or self._stretches[-1] < STUCK:
            self._base, self._deaf_until = self._peak, refused
            self._crowd.clear()
        elif held:
            self._base *= PUSH

    def _grown(self) -> float:
        if self._trial and self.taken >= self._trial:
            peak, self._trial, self._lower = self._peak, 0, 0
            self._settle(Bound(self._through, 4.0), 4.0, self.next_at, self.next_at)
            self._peak = max(peak, self._base)
        return self._base if self._trial else super()._grown()
