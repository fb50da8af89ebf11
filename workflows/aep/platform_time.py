"""What time it is for the platform, whatever this machine's wall clock says and however it is set meanwhile."""

from __future__ import annotations

from workflows.aep.errors import http_date
from workflows.aep.seams import Clock

TOLERATED = 5.0
"""Seconds by which the clocks may differ before this machine's is not believed: a `Date` has whole seconds, and is as
old as its answer."""
BELIEVED = 30.0
"""Seconds for which an answer's word holds."""
DRIFT = 1e-4
"""Seconds per second by which two clocks may part."""


class PlatformTime:
    """A clock that is set by the answers of the platform (their `Date`) and runs on with the time since boot.

    Starts of flows must lie in the platform's future, and waits in the journal must mean the same to the next process:
    neither may depend on a clock that somebody sets. Until the first answer it is the system's.
    """

    def __init__(self, system: Clock) -> None:
        self._system = system
        self._began: float | None = None  # the platform's time when this machine booted
        self._heard = float("-inf")

    def wall(self) -> float:
        """Epoch seconds."""
        return self._system.wall() if self._began is None else self._began + self._system.boot()

    def boot(self) -> float:
        """Seconds since boot."""
        return self._system.boot()

    def hear(self, date: str | None) -> None:
        """Take the `Date` of an answer that has just come; total."""
        boot = self._system.boot()
        if boot - self._heard < BELIEVED:
            return
        said, wall = http_date(date), self._system.wall()
        if said is not None:
            self._heard = boot
            self._began = (wall if abs(said - wall) <= TOLERATED else said) - boot


class Dates:
    """What time it is on the platform at least, to a fraction of the second that a `Date` leaves open.

    Dates that were heard shortly after they changed are the exacter ones. None is later than the truth, so a wait that
    is counted from here until a date is never too short, and hardly ever too long.
    """

    def __init__(self) -> None:
        self._last: str | None = None
        self._began = self._heard = float("-inf")  # the platform's time at boot, at least; and when that was heard

    def hear(self, date: str | None, boot: float) -> None:
        """Take the `Date` of an answer that came at `boot`; total."""
        if date == self._last:
            return  # said again later, it teaches nothing
        self._last, said = date, http_date(date)
        if said is not None:
            aged = self._began - DRIFT * (boot - self._heard)
            fits = said <= aged + boot <= said + 1.0  # else a clock was set, or the answer is another machine's
            self._began, self._heard = max(said - boot, aged if fits else said - boot), boot

    def now(self, boot: float) -> float | None:
        """Epoch seconds on the platform at least; None when no date was heard, or not for long."""
        return None if boot - self._heard > BELIEVED else self._began + boot
