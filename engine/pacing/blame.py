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

from engine.pacing.rate import RUNAWAY, SLOWEST, Bound, Throttle

CROWD, CROWDED = 5, 600
"""So many refusals among so many requests are a crowd."""
TRIAL = 0.7
"""The pace of a trial, as a share of what got through lately."""
DEAF, PUSH = 120.0, 1.5
"""Seconds for which refusals cost no pace after a trial with refusals; by what factor each raises it meanwhile."""
TOGETHER = 2.0
"""Seconds for which all pause after a refusal, at most."""
ALONE = 0.5
"""A family that alone was refused the last few times, though it sent less than this share of the requests, has a limit
of its own."""


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
            overshot = pace > RUNAWAY * self._base  # then a refusal was to be expected
            super()._judge(refused, resume, pace)
            if not overshot and self._crowded(refused) and self._growth:
                self._begin_trial(refused)

    def _crowded(self, refused: float) -> bool:
        self._crowd.append(_Refusal(refused, self.taken, self._base))
        return len(self._crowd) == CROWD and self.taken - self._crowd[0].taken < CROWDED

    def _begin_trial(self, refused: float) -> None:
        first = self._crowd[0]
        self._peak = max(refusal.base for refusal in self._crowd)
        self._through = max((self.taken - first.taken) / (refused - first.at), SLOWEST)
        self._usual = (self.taken - first.taken) / (CROWD - 1)
        self._trial = self.taken + max(int(2 * self._usual), 10)
        self._base, self._held = TRIAL * self._through, 0.0
        self._crowd.clear()

    def _push(self, refused: float) -> None:
        """Deaf to a refusal: a pace that held requests back rises. Refusals twice as thick as before end deafness."""
        held, self._held = self._held > 0, 0.0
        if self._crowded(refused) and 2 * (self.taken - self._crowd[0].taken) < (CROWD - 1) * self._usual:
            self._base, self._deaf_until = self._peak, refused
            self._crowd.clear()
        elif held:
            self._base *= PUSH

    def _grown(self) -> float:
        if self._trial and self.taken >= self._trial:
            peak, self._trial = self._peak, 0
            self._settle(Bound(self._through, 4.0), 4.0, self.next_at, self.next_at)
            self._peak = max(peak, self._base)
        return self._base if self._trial else super()._grown()


class _Accusation(NamedTuple):
    own: Pace
    own_taken: int
    taken: int


class Common(Pace):
    """The pace of all families' requests together."""

    __slots__ = ("_accused", "_ours", "_theirs")

    def __init__(self) -> None:
        super().__init__()
        self._accused: deque[_Accusation] = deque(maxlen=CROWD)
        self._ours = self._theirs = (0, 0)  # refused and taken since the refusal: of the accused family, of the others

    def accuse(self, own: Pace, now: float, resume: float, *, late: bool) -> None:
        """A family's request was refused, as in `refused`. With a pace of its own it answers for itself, and the others
        do not pause for it; without, they pause too, though not for long."""
        if own.pace is not None or own.accused:
            self.taken -= 1
            own.refused(now, resume, late=late)
            return
        own.taken -= 1
        if not self.accused and not late:
            self._ours = self._theirs = (0, 0)
        if not late:
            self._accused.append(_Accusation(own, own.taken, self.taken))
        self.refused(now, min(resume, now + TOGETHER), late=late)

    def paused(self, now: float) -> float:
        """Seconds for which all families still wait, because one was refused."""
        return max(self.next_at - now, 0.0) if self.accused else 0.0

    def witness(self, own: Pace, *, refused: bool) -> None:
        """An answer to a request that was out, or left, when a request was refused."""
        if own is self._accused[-1].own:
            self._ours = (self._ours[0] + refused, self._ours[1] + (not refused))
        else:
            self._theirs = (self._theirs[0] + refused, self._theirs[1] + (not refused))

    def _learn(self, refused: float, resume: float) -> None:
        if self._is_alone():
            self._refused = None
            self._accused[-1].own.take_over(refused, resume, self._depth)
            self._accused.clear()
        else:
            super()._learn(refused, resume)

    def _is_alone(self) -> bool:
        """Whether the accused family has a limit of its own: it is refused again and again while others are served."""
        last, first = self._accused[-1], self._accused[0]
        if self._theirs[0] == 0 and self._theirs[1] >= CROWD and self._ours[0] >= max(2, self._ours[1]):
            return True
        together, alone = self.taken - first.taken, last.own.taken - first.own_taken
        always = len(self._accused) == CROWD and {last.own} == {one.own for one in self._accused}
        return always and alone < ALONE * together
