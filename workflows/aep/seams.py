"""What the client asks of its surroundings: permits to send, and time."""

from __future__ import annotations

import time
from typing import Protocol

# Linux stops CLOCK_MONOTONIC while the machine sleeps; a send window and a token's life go on.
_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Gate(Protocol):
    """Permits to send, per service family."""

    async def enter(self, family: str) -> None:
        """Wait for a permit."""
        ...

    def leave(self, family: str) -> None:
        """Give a permit back."""
        ...

    def departs_in(self) -> float:
        """Seconds that a request with a permit still waits at the very last: a bound on the rate holds there."""
        ...

    def observe(self, family: str, status: int | None, retry_after: float | None) -> None:
        """Learn from an answer the moment it is known; `status` None: the network failed. `retry_after` in seconds."""
        ...


class OpenGate:
    """A gate that nobody waits at."""

    async def enter(self, family: str) -> None:
        pass

    def leave(self, family: str) -> None:
        pass

    def departs_in(self) -> float:
        return 0.0

    def observe(self, family: str, status: int | None, retry_after: float | None) -> None:
        pass


class Clock(Protocol):
    """Time."""

    def wall(self) -> float:
        """Epoch seconds; may jump."""
        ...

    def boot(self) -> float:
        """Seconds on a clock that never steps and that also runs while the machine sleeps."""
        ...


class SystemClock:
    """The operating system's clocks."""

    def wall(self) -> float:
        return time.time()

    def boot(self) -> float:
        return time.clock_gettime(_BOOT)
