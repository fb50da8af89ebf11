"""The system's clocks: the one place that reads them."""

from __future__ import annotations

import time
from functools import partial

# Linux stops CLOCK_MONOTONIC while the machine sleeps; elsewhere the monotonic clock is the best there is.
_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """`engine.ports.Clock` over the operating system's clocks."""

    wall = staticmethod(time.time)
    """Epoch seconds."""
    boot = staticmethod(partial(time.clock_gettime, _BOOT))
    """Seconds since boot, including the time that the machine slept (rule 1)."""
