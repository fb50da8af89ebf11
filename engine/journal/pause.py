"""What a service asked for outlives the process that read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.ports import Clock


@dataclass(frozen=True, slots=True)
class Pause:
    """A family must not be sent to for so many `seconds`: `until` on the wall clock, `boot` on the boot clock."""

    until: float
    seconds: float
    boot: float

    @classmethod
    def begin(cls, clock: Clock, seconds: float) -> Pause:
        """One that begins now."""
        return cls(clock.wall() + seconds, seconds, clock.boot() + seconds)

    def left(self, clock: Clock) -> float:
        """Seconds to its end, by the clock that says more: the wall clock may have been set since, and the boot clock
        may be another boot's, or another machine's. Never more than it had."""
        boot = self.boot - clock.boot()
        return min(max(self.until - clock.wall(), boot if boot <= self.seconds else 0.0), self.seconds)


def running(pauses: Iterable[tuple[str, Pause]], clock: Clock) -> dict[str, float]:
    """The seconds that are left of each pause, by its family; of those that are not over."""
    return {family: left for family, pause in pauses if (left := pause.left(clock)) > 0}
