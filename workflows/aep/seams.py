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

    async def board(self, family: str) -> None:
        """Wait, with a permit in hand, until so few requests are on the wire that this one may leave."""
        ...

    def alight(self, family: str) -> None:
        """Give that place back."""
        ...

    def departs_in(self, family: str) -> float:
        """Seconds that a request with a permit must still wait, asked at the moment at which it would leave, and again
        after the wait. 0: it leaves now, and counts against the bound on the rate."""
        ...

    def observe(self, family: str, status: int | None, retry_after: float | None) -> None:
        """Learn from an answer the moment it is known, once for each permit; `status` None: the network failed.
        `retry_after` in seconds."""
        ...


class OpenGate:
    """A gate that nobody waits at."""

    async def enter(self, family: str) -> None:
        pass

    def leave(self, family: str) -> None:
        pass

    async def board(self, family: str) -> None:
        pass

    def alight(self, family: str) -> None:
        pass

    def departs_in(self, family: str) -> float:  # noqa: ARG002 - who waits at no gate
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
