"""Whether a service is down, and when to ask it again. Pure.

Failures in a row, whoever's they are, open the breaker. From then on single requests find out whether the service is
back: soon after a short outage, every few seconds in a long one. One answer closes it.
"""

from __future__ import annotations

import math
from random import Random

OPENS = 5
"""So many failures in a row, without an answer in between, are an outage."""
SUSPECT = 2
"""So many may be one: the requests that fail first must not pay for it."""
SOONEST, LATEST, SHARE = 0.5, 5.0, 0.1
"""Seconds between two probes, at least and at most; in between it is this share of the outage's age."""
UNANSWERED = 3
"""So many intervals after a probe without any reply the next is sent all the same."""


class Breaker:
    """The breaker of one family."""

    __slots__ = ("_rng", "failures", "probe_at", "since")

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.failures = 0
        """Failures in a row."""
        self.since: float | None = None
        """When the outage was noticed; None: there is none."""
        self.probe_at = -math.inf
        """When the next probe may leave."""

    def interval(self, now: float) -> float:
        """Seconds between two probes at this age of the outage."""
        age = 0.0 if self.since is None else now - self.since
        return min(max(SHARE * age, SOONEST), LATEST)

    def failed(self, now: float) -> None:
        """A request failed for want of a service."""
        self.failures += 1
        if self.since is None:
            if self.failures < OPENS:
                return
            self.since, self.probe_at = now, math.inf
        self.probe_at = min(self.probe_at, now + self._jittered(now))

    def probed(self, now: float) -> None:
        """A probe leaves."""
        self.probe_at = now + UNANSWERED * self._jittered(now)

    def spared(self) -> None:
        """The probe did not leave: the next one may at once."""
        self.probe_at = -math.inf

    def answered(self) -> bool:
        """The service answered; whether that ends an outage."""
        self.failures = 0
        ended, self.since = self.since is not None, None
        return ended

    def _jittered(self, now: float) -> float:
        return self.interval(now) * self._rng.uniform(0.8, 1.2)
