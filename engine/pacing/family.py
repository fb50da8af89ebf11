"""What is known of one family (a service of an organisation), and when it may be sent to. Pure: no clock, no tasks."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from random import Random

from engine.pacing.at_once import AtOnce
from engine.pacing.blame import Common
from engine.pacing.outage import SUSPECT, Breaker
from engine.pacing.window import Window

SHORT, LONGEST = 0.2, 30.0
"""The pause after a 429 without `Retry-After`, in seconds, at most at first and at most after many in a row."""
SPREAD = 0.05
"""Seconds over which several processes spread when they come back from the same `Retry-After`."""
LONG = 5.0
"""After a pause of so many seconds, and after any outage, few requests at once go first."""
BRIEF = 2.0
"""An outage shorter than so many seconds was none: too many requests at once fail in a row as well."""
PATIENCE = 3600.0
"""Seconds without a single good answer for which failures are nobody's own; then runs must come to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyView:
    """One family as the progress display shows it; rates in requests per second, times in seconds.

    `permits` are out, and `on_wire` of these have a request on the wire. `rate` and `concurrency` are the limits in
    force: the rate None while none is known, the concurrency at most what the person allows. `throughput` is what went
    through in the last ten seconds. `why` is the one limit that matters now, in words; empty when none does.
    """

    permits: int
    on_wire: int
    waiting: int
    concurrency: int
    rate: float | None
    throughput: float
    paused: float
    outage: bool
    why: str


class Family:
    """The state of one family. `permits` are out, and `on_wire` of these have a request on the wire."""

    __slots__ = (
        "_at_once",
        "_breaker",
        "_common",
        "_heard",
        "_level",
        "_levels",
        "_named",
        "_owed",
        "_own",
        "_probing",
        "_quiet",
        "_refusals",
        "_rng",
        "_sick_since",
        "_until",
        "_window",
        "on_wire",
        "permits",
    )  # fmt: skip

    def __init__(self, *, most: int, common: Common, at_once: AtOnce, rng: Random) -> None:
        self._rng, self._at_once = rng, at_once
        self._own, self._common = common.join(), common
        self._window, self._breaker = Window(most), Breaker(rng)
        self.permits = self.on_wire = 0
        self._level = 0  # permits out as the latest was taken: answers that come together give back one each
        self._until = -math.inf  # end of the pause
        self._named = False  # whether the pause is a Retry-After's
        self._heard = 0  # answers whose permits are still out
        self._owed = 0  # answers to requests that left before the pause
        self._quiet = True  # nothing but the window limits the family
        self._probing = False  # a probe has its permit, and nothing was heard since
        self._sick_since: float | None = None  # the first failure since the last good answer
        self._refusals: deque[float] = deque(maxlen=100)
        self._levels: list[tuple[int, int]] = []  # how many were out, and of all families, at each failure in a row

    def opens_at(self, now: float) -> float:
        """When the next request may leave: in the past if at once, never (inf) if an answer must come first."""
        if self.permits >= self._window.room and not self._window.open:
            return math.inf
        opens = self._common.next_at
        if self._quiet and self._own.pace is None:  # it may have got one without a refusal of its own
            return opens
        opens = max(opens, self._until, self._own.next_at)
        if self._breaker.since is not None:
            return max(opens, self._breaker.probe_at)
        self._quiet = self._own.next_at == -math.inf and self._until <= now
        return opens

    def take(self, now: float) -> None:
        """A permit goes out at `now`, which is not before `opens_at`."""
        self.permits += 1
        self._level = self.permits
        self._common.sent(now)
        self._own.sent(now)
        if self._breaker.since is not None:
            self._breaker.probed(now)
            self._probing = True

    def board(self) -> None:
        """A request with a permit goes on the wire."""
        self._owed = min(self._owed, self.on_wire)
        self.on_wire += 1

    def alight(self) -> None:
        """It is answered, and `observe` is told at once; or it never left."""
        self.on_wire -= 1

    def give_back(self) -> None:
        """A permit comes back, used or not. A probe that did not leave leaves its turn to the next."""
        self.permits -= 1
        self._own.returned(used=self._heard > 0)
        self._common.returned(used=self._heard > 0)
        self._heard = max(self._heard - 1, 0)
        if self._probing and self.permits == 0:
            self._probing = False
            self._breaker.spared()

    def observe(self, now: float, status: int | None, retry_after: float | None, *, together: int, alone: bool) -> None:
        """The head of an answer is known: its status (None: there was no answer) and what its Retry-After says.

        `together`: permits of all families. `alone`: nobody else waits for or uses a permit of this one. A 500 to a
        caller who is alone says nothing about the service.
        """
        self._probing = False
        self._heard += 1
        late = self._owed > 0
        self._owed -= late
        if status is None or status >= 500:
            self._failed(now, status, named=retry_after is not None, together=together, alone=alone)
        else:
            self._answered(now, refused=status == 429, together=together)
        if retry_after is not None:
            self.pause(now, retry_after + self._rng.uniform(0.0, SPREAD))
            if status != 429 or retry_after >= LONG:
                self._window.restart(self.permits)
        if status is not None and self._common.accused:
            self._common.witness(self._own, refused=status == 429)
        if status == 429:
            self._refused(now, named=retry_after is not None, late=late)

    def pause(self, now: float, seconds: float) -> None:
        """Send nothing for so many seconds, because a Retry-After said so."""
        self._quiet = False
        if now + seconds > self._until:
            self._until, self._named = now + seconds, True

    def paused(self, now: float) -> float:
        """Seconds of the family's own pause that are left."""
        return 0.0 if self._quiet else max(self._until - now, 0.0)

    def troubled(self, now: float) -> bool:
        """Whether a failure now is nobody's own."""
        if self._sick_since is not None and now - self._sick_since >= PATIENCE:
            return False
        return self._until > now or self._common.paused(now) > 0 or self._breaker.failures >= SUSPECT

    def view(self, now: float, waiting: int) -> FamilyView:
        """What to show."""
        return FamilyView(
            permits=self.permits, on_wire=self.on_wire, waiting=waiting, concurrency=self._room, rate=self._rate,
            throughput=self._own.throughput(now), paused=self.paused(now),
            outage=self._breaker.since is not None, why=self._why(now),
        )  # fmt: skip

    def _failed(self, now: float, status: int | None, *, named: bool, together: int, alone: bool) -> None:
        self._sick_since = now if self._sick_since is None else self._sick_since
        if status in {500, 503} and not named and self._breaker.since is None:
            self._levels.append((self.permits, together))
        else:
            self._at_once.passed(self._window)
        if status != 500 or not alone or self._breaker.since is not None:
            self._breaker.failed(now)
            self._quiet = self._quiet and self._breaker.since is None

    def _answered(self, now: float, *, refused: bool, together: int) -> None:
        if self._levels and now - (self._breaker.since or now) < BRIEF:
            for level, of_all in self._levels:
                self._at_once.failed(self._window, level, of_all)
        self._levels.clear()
        if self._breaker.failures and self._breaker.answered():
            self._window.restart(self.permits)
        if refused:
            self._sick_since = now if self._sick_since is None else self._sick_since
            self._at_once.passed(self._window)
        else:
            self._sick_since = None
            self._at_once.succeeded(self._window, max(self._level, self.permits), together)

    def _refused(self, now: float, *, named: bool, late: bool) -> None:
        self._quiet = False
        self._level = 0
        if not late:
            self._refusals.append(now)
            self._owed = self.on_wire
            if not named:
                longest = min(SHORT * 2.0 ** max(self._own.stuck, self._common.stuck), LONGEST)
                until = now + longest * self._rng.uniform(0.5, 1.0)
                if until > self._until:
                    self._until, self._named = until, False
        self._common.accuse(self._own, now, self._until, late=late)

    @property
    def _room(self) -> int:
        return int(min(self._window.room, self._at_once.room))

    @property
    def _rate(self) -> float | None:
        pace = min(self._own.pace or math.inf, self._common.pace or math.inf)
        return pace if pace < math.inf else None

    def _why(self, now: float) -> str:
        if self._until > now:
            return f"pausing {math.ceil(self._until - now)} s: {'Retry-After' if self._named else '429'}"
        if self._breaker.since is not None:
            return f"outage: probing every {math.ceil(self._breaker.interval(now))} s"
        pace = self._rate
        if pace is not None:
            recent = sum(at > now - 60.0 for at in self._refusals)
            times = {1: "once", 2: "twice"}.get(recent, f"{recent} times")
            learned = f"{pace:.0f}/s learned" if pace >= 10 else f"{pace:.1f}/s learned"
            return f"{learned} (429 {times} in the last minute)" if recent else learned
        return f"{self._room} at once learned" if self._window.learned or self._at_once.learned else ""
