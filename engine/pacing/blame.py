"""Whose rate it is that was learned. Pure.

Nobody says whether a service counts its own requests or shares a limit with the others of an organisation. So there is
first one pace for all families together (`Common`), and a shared limit is never split into shares that demand outgrows:
it follows the demand from family to family by itself.

A limit that was found while hardly anyone but one family was sending may be that family's own, and would then hold all
others back for nothing. Once others send, that is tested: all together may go faster, and the next second tells. A
family whose requests alone are refused, while others are served, has a limit of its own without a test.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from engine.pacing.misfit import ALIKE, CROWD, Pace
from engine.pacing.rate import MARK
from engine.pacing.store import SHALLOWEST, Bound

TOGETHER, MOMENT = 10.0, 2.0
"""A pause of so many seconds at most may be what a gateway says to all, and all keep it. A longer one is likelier a
service's own: of that they keep so many seconds."""
ALONE = 0.5
"""A family that alone was refused the last few times, though it sent less than this share of the requests, has a limit
of its own."""
MOST, SURELY_MOST = 0.5, ALIKE
"""The share of the requests from which on a limit may be the family's own; and once a test has found a shared one."""
OTHERS = 0.7
"""What of that share it must have lost to others before the limit is tested."""
SECOND = 1.0
"""Seconds of being held back before a test, and of a test, at least."""
TESTED, REFUTES = 2.0, 1.25
"""The pace of a test, and what must have gone through to end it, as factors of what the limit would allow."""


class _Accusation(NamedTuple):
    own: Pace
    own_taken: int
    taken: int


class _Test(NamedTuple):
    at: float
    taken: int


class Common(Pace):
    """The pace of all families' requests together."""

    __slots__ = (
        "_accused",
        "_apart",
        "_families",
        "_model",
        "_ours",
        "_shared",
        "_strange",
        "_test",
        "_theirs",
        "_whose",
    )

    def __init__(self) -> None:
        super().__init__()
        self._families: list[Pace] = []
        self._accused: deque[_Accusation] = deque(maxlen=CROWD)
        self._ours = self._theirs = (0, 0)  # refused and taken since the refusal: of the accused family, of the others
        self._whose: tuple[Pace, float] | None = None  # the family whose own limit it may be, and its share of the rate
        self._test: _Test | None = None
        self._shared = False  # a test was refused
        self._apart = False  # each family has a limit of its own
        self._model: Pace | None = None  # the first of these
        self._strange = 0  # refusals in a row that no family's own limit explains

    def join(self) -> Pace:
        """The own pace of another family."""
        own = Pace()
        own.like = self._model
        self._families.append(own)
        return own

    def sent(self, now: float) -> None:
        super().sent(now)
        if self._growth and self._whose is not None and self._marks[-1][0] == now:
            self._doubt(now, *self._whose)

    def accuse(self, own: Pace, now: float, resume: float, *, late: bool) -> None:
        """A family's request was refused, as in `refused`. With a pace of its own it answers for itself, and the others
        do not pause for it; without, they pause too, though not for long."""
        if self._apart and not (late or own.accused):
            self._check(own, now)
        if self._apart or own.pace is not None or own.accused:
            self.taken -= 1
            own.refused(now, resume, late=late)
            return
        own.taken -= 1
        if not self.accused and not late:
            self._ours = self._theirs = (0, 0)
        if not late:
            self._accused.append(_Accusation(own, own.taken, self.taken))
        self.refused(now, resume if resume <= now + TOGETHER else now + MOMENT, late=late)

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
        own = self._accused[-1].own
        if self._is_alone():
            self._refused = None
            own.take_over(refused, resume, self._depth)
            self._accused.clear()
            if self.pace is None:
                self._part(own)
        elif self._test is not None:
            super()._learn(refused, resume)
            self._test, self._whose, self._shared = None, None, True
            self.pace = self._grown()
        else:
            share = own.rate_until(refused, self._depth, self._resumed) / self.rate_until(refused)
            self._whose = (own, share) if share >= (SURELY_MOST if self._shared else MOST) else None
            super()._learn(refused, resume)
            if self._whose is not None and self._recurs() and [one.own for one in self._accused][-2:] == [own, own]:
                own.take_over(refused, resume, self._depth)  # what all have sent allows more: that of others is none
                self._part(own)

    def _is_alone(self) -> bool:
        """Whether the accused family has a limit of its own: it is refused again and again while others are served."""
        last, first = self._accused[-1], self._accused[0]
        if self._theirs[0] == 0 and self._theirs[1] >= CROWD and self._ours[0] >= max(2, self._ours[1]):
            return True
        together, alone = self.taken - first.taken, last.own.taken - first.own_taken
        always = len(self._accused) == CROWD and {last.own} == {one.own for one in self._accused}
        return always and alone < ALONE * together

    def _doubt(self, now: float, own: Pace, share: float) -> None:
        """Begin a test when others are held back by what may be this family's own limit, and end it. Not at a pace
        below what is known to be there: that more goes through says nothing then."""
        if self._test is None:
            together, alone = self.lately(now, SECOND), own.lately(now, SECOND)
            held = self._held > SECOND and self.pace is not None and self.pace >= self._known
            if held and together - alone >= CROWD and alone < OTHERS * share * together:
                self._test = _Test(now, self.taken - self.out)
                self.pace = self._grown()
            return
        seconds, taken = now - self._test.at, self.taken - self.out - self._test.taken
        if seconds > SECOND and taken > REFUTES * self._known * (seconds + self._depth):
            own.adopt(self, share)
            self._part(own)

    def _sound(self, refused: float) -> float:
        """At the pace of a test a store of any depth is empty within a moment: that shows no shallow one."""
        depth, apart = self._depth, super()._sound(refused)
        if self._test is not None and self._depth == SHALLOWEST:
            self._depth = depth
        return apart

    def _settle(self, bound: Bound, apart: float, refused: float, resume: float) -> None:
        """Before a test all kept to the pace, and took no more than was surely there: only the test is evidence."""
        if self._test is not None:
            bound = bound._replace(seconds=min(bound.seconds, max(refused - self._test.at, MARK)))
        super()._settle(bound, apart, refused, resume)

    @property
    def _known(self) -> float:
        """The rate that is known to be there, also where the pace is still below it."""
        return max(self._base, self._peak)

    def _grown(self) -> float:
        return TESTED * self._known if self._test else super()._grown()

    def _part(self, own: Pace) -> None:
        """Each family has a limit of its own, and this one's is known."""
        self._test, self._whose, self._apart, self._model, self._strange = None, None, True, own, 0
        self.forget()
        for family in self._families:
            family.like = own

    def _check(self, own: Pace, refused: float) -> None:
        """Limits of their own that do not explain what is refused, again and again, are none."""
        self._strange = 0 if own.explains(refused) else self._strange + 1
        if self._strange == CROWD:
            self._apart, self._model = False, None
            for family in self._families:
                family.forget()
