"""How long to wait before a safe request is sent again. Pure."""

from __future__ import annotations

from random import Random

FIRST = 0.5
LONGEST = 20.0
"""Seconds: the ceiling of the first pause and of every pause; it doubles from one to the other."""

PATIENCE = 60.0
"""Seconds: a `Retry-After` of more is not waited for here; the error is raised, and says when to try again."""


def pause(attempt: int, rng: Random, retry_after: float | None) -> float:
    """Seconds to wait after attempt number `attempt` (1, 2, …) failed: full jitter, on top of a `Retry-After`."""
    jitter = rng.uniform(0.0, min(LONGEST, FIRST * 2.0 ** (attempt - 1)))
    return jitter if retry_after is None else retry_after + jitter
