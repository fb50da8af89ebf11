"""When to try again: capped exponential growth with full jitter, and a `Retry-After` as the floor. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently a step is tried; all times in seconds.

    `max_attempts` bounds the requests that a step may spend on failures of its own (refusals in an outage or during a
    pause of the whole service cost nothing).
    """

    initial_interval: float = 0.5
    factor: float = 2.0
    max_interval: float = 30.0
    max_attempts: int = 10

    def ceiling(self, attempt: int) -> float:
        """The longest pause after attempt number `attempt` (1, 2, …)."""
        exponent = min(max(attempt, 1) - 1, 64)
        return float(min(self.max_interval, self.initial_interval * self.factor**exponent))


def next_delay(policy: RetryPolicy, attempt: int, rng: Random, retry_after: float | None = None) -> float:
    """Seconds to wait after attempt number `attempt` failed.

    Full jitter: uniform between nothing and the ceiling, so that clients do not come back together; never less than
    what the other side asked for, and then spread on top of it, not below.
    """
    pause = rng.uniform(0, policy.ceiling(attempt))
    return pause if retry_after is None else max(retry_after, 0.0) + pause * 0.25


def pause_between_looks(look: int) -> float:
    """Seconds between two looks at a list, the first, second, … time: growing, capped at a minute."""
    return float(min(0.5 * 1.6 ** min(max(look, 0), 20), 60.0))
