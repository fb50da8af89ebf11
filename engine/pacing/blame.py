"""Whose fault refusals are that the learned rate does not explain. Pure.

Nobody says whether a service counts its own requests or shares a limit with others of the same organisation. So a
refusal is first held against the requests to all services together (`Common`), and only when a crowd of refusals fits
no common rate against the family's own (`Own`). A service that shares a limit is then never held back for what others
used up, and the limit follows the demand from family to family by itself.

What does not fit a family's own rate either has two possible causes. A trial at a pace that cannot be too high tells
them apart: without refusals the rate has dropped, and the pace returns from below; with refusals they come at any pace,
and slowing down for them would only lose time.
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


class _Refusal(NamedTuple):
    at: float
    taken: int
    base: float


class _Crowd:
    """The last few refusals."""

    __slots__ = ("_refusals",)

    def __init__(self) -> None:
        self._refusals: deque[_Refusal] = deque(maxlen=CROWD)

    def joined(self, at: float, taken: int, base: float) -> bool:
        """One more; whether that makes a crowd."""
        self._refusals.append(_Refusal(at, taken, base))
        return len(self._refusals) == CROWD and self.requests < CROWDED

    def disperse(self) -> None:
        """Forget them."""
        self._refusals.clear()

    @property
    def requests(self) -> int:
        """How many requests were taken between the first and the last."""
        return self._refusals[-1].taken - self._refusals[0].taken

    @property
    def seconds(self) -> float:
        """Time between the first and the last."""
        return self._refusals[-1].at - self._refusals[0].at

    @property
    def base(self) -> float:
        """The highest bound in force at any of them."""
        return max(refusal.base for refusal in self._refusals)


class Own(Throttle):
    """The pace of one family's own requests."""

    __slots__ = ("_crowd", "_deaf_until", "_through", "_trial", "_usual")

    def __init__(self) -> None:
        super().__init__()
        self._crowd = _Crowd()
        self._trial = 0  # taken at the end of the trial; 0: none
        self._through = self._usual = 0.0  # before the trial: requests per second, requests per refusal
        self._deaf_until = -math.inf

    def _judge(self, refused: float, resume: float, pace: float) -> bool:
        if self._trial:
            self._trial, self._base, self._deaf_until = 0, self._peak, refused + DEAF
            self._restart(refused, resume)
            return False
        if refused < self._deaf_until:
            self._push(refused)
            return False
        fits = super()._judge(refused, resume, pace)
        if self._crowd.joined(refused, self.taken, self._base) and self._growth:
            self._try()
        return fits

    def _try(self) -> None:
        self._peak = self._crowd.base
        self._through = self._crowd.requests / self._crowd.seconds
        self._usual = self._crowd.requests / (CROWD - 1)
        self._trial = self.taken + max(int(2 * self._usual), 10)
        self._base, self._held = TRIAL * self._through, 0.0
        self._crowd.disperse()

    def _push(self, refused: float) -> None:
        """Deaf to a refusal: a pace that is too low rises. Refusals twice as thick as before end the deafness."""
        self._held = 0.0
        if self._crowd.joined(refused, self.taken, self._base) and 2 * self._crowd.requests < (CROWD - 1) * self._usual:
            self._base, self._deaf_until = self._peak, refused
            self._crowd.disperse()
        else:
            self._base = max(self._base, PUSH * self.throughput(refused))

    def _grown(self) -> float:
        if self._trial and self.taken >= self._trial:
            peak, self._trial = self._peak, 0
            self._settle(Bound(self._through, 4.0), self.next_at, self.next_at)
            self._peak = max(peak, self._base)
        return self._base if self._trial else super()._grown()


class Common(Throttle):
    """The pace of all families' requests together."""

    __slots__ = ("_accused", "_crowd")

    def __init__(self) -> None:
        super().__init__()
        self._accused: list[Throttle] = []  # whose requests were refused in this moment
        self._crowd = _Crowd()

    def accuse(self, own: Throttle, now: float, resume: float, *, late: bool) -> None:
        """A family's request was refused, as in `refused`. What all together explain, the family is forgiven."""
        self.refused(now, resume, late=late)
        self._accused.append(own)

    def _learn(self, refused: float, resume: float) -> bool:
        explained = super()._learn(refused, resume)
        if explained:
            for own in self._accused:
                own.forgive()
        self._accused.clear()
        return explained

    def _judge(self, refused: float, resume: float, pace: float) -> bool:
        fits = super()._judge(refused, resume, pace)
        return fits or not self._crowd.joined(refused, self.taken, self._base)
