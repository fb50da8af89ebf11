"""What refusals mean that the learned rate does not explain, and whose rate it is. Pure.

A crowd of misfits has two possible causes. A trial at a pace that cannot be too high tells them apart: without refusals
the rate has dropped, and the pace returns from below; with refusals they come at any pace, and slowing down for them
would only lose time.

Nobody says whether a service counts its own requests or shares a limit with the others of an organisation. So there is
first one pace for all families together (`Common`). A family whose requests alone are refused, though others send as
much, has a limit of its own and from then on a pace of its own. A shared limit is thus never split into shares that
demand outgrows: it follows the demand from family to family by itself.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from engine.pacing.rate import Bound, Throttle

CROWD, CROWDED = 5, 600
"""So many refusals among so many requests are a crowd."""
TRIAL = 0.7
"""The pace of a trial, as a share of what got through lately."""
DEAF, PUSH = 120.0, 1.5
"""Seconds for which refusals cost no pace after a trial with refusals; the most above what gets through meanwhile."""
TOGETHER = 2.0
"""Seconds for which all pause after a refusal, at most."""
ALONE = 0.6
"""A crowd of refusals of a single family that sent less than this share of the requests is that family's own."""


class _Refusal(NamedTuple):
    at: float
    taken: int
    base: float


class Pace(Throttle):
    """A pace that stands misfits."""

    __slots__ = ("_crowd", "_deaf_until", "_through", "_trial", "_usual")

    def __init__(self) -> None:
        super().__init__()
        self._crowd: deque[_Refusal] = deque(maxlen=CROWD)
        self._trial = 0  # taken at the end of the trial; 0: none
        self._through = self._usual = 0.0  # before the trial: requests per second, requests per refusal
        self._deaf_until = -math.inf

    def _judge(self, refused: float, resume: float, pace: float) -> None:
        if self._trial:
            self._trial, self._base, self._deaf_until = 0, self._peak, refused + DEAF
            self._restart(refused, resume)
        elif refused < self._deaf_until:
            self._push(refused)
        else:
            super()._judge(refused, resume, pace)
            if self._crowded(refused) and self._growth:
                self._try(refused)

    def _crowded(self, refused: float) -> bool:
        self._crowd.append(_Refusal(refused, self.taken, self._base))
        return len(self._crowd) == CROWD and self.taken - self._crowd[0].taken < CROWDED

    def _try(self, refused: float) -> None:
        first = self._crowd[0]
        self._peak = max(refusal.base for refusal in self._crowd)
        self._through = (self.taken - first.taken) / (refused - first.at)
        self._usual = (self.taken - first.taken) / (CROWD - 1)
        self._trial = self.taken + max(int(2 * self._usual), 10)
        self._base, self._held = TRIAL * self._through, 0.0
        self._crowd.clear()

    def _push(self, refused: float) -> None:
        """Deaf to a refusal: a pace that is too low rises. Refusals twice as thick as before end the deafness."""
        self._held = 0.0
        if self._crowded(refused) and 2 * (self.taken - self._crowd[0].taken) < (CROWD - 1) * self._usual:
            self._base, self._deaf_until = self._peak, refused
            self._crowd.clear()
        else:
            self._base = max(self._base, PUSH * self.throughput(refused))

    def _grown(self) -> float:
        if self._trial and self.taken >= self._trial:
            peak, self._trial = self._peak, 0
            self._settle(Bound(self._through, 4.0), self.next_at, self.next_at)
            self._peak = max(peak, self._base)
        return self._base if self._trial else super()._grown()


class _Accusation(NamedTuple):
    own: Pace
    own_taken: int
    taken: int


class Common(Pace):
    """The pace of all families' requests together."""

    __slots__ = ("_accused",)

    def __init__(self) -> None:
        super().__init__()
        self._accused: deque[_Accusation] = deque(maxlen=CROWD)

    def accuse(self, own: Pace, now: float, resume: float, *, late: bool) -> None:
        """A family's request was refused, as in `refused`. With a pace of its own it answers for itself, and the others
        do not pause for it; without, they pause too, though not for long."""
        if own.pace is not None or own.accused:
            self.taken -= 1
            own.refused(now, resume, late=late)
            return
        own.taken -= 1
        if not late:
            self._accused.append(_Accusation(own, own.taken, self.taken))
        self.refused(now, min(resume, now + TOGETHER), late=late)

    def _try(self, refused: float) -> None:
        first = self._accused[0]
        together, alone = self.taken - first.taken, first.own.taken - first.own_taken
        if all(accusation.own is first.own for accusation in self._accused) and alone < ALONE * together:
            first.own.take_over(refused, self.next_at, self._depth)
            self._crowd.clear()
        else:
            super()._try(refused)
