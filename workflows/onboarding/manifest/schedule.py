"""What is wrong with a schedule."""

from __future__ import annotations

from collections.abc import Iterator

from workflows.onboarding.manifest.inspected import Inspected
from workflows.onboarding.manifest.merge import NOT_WITH_ONCE, epoch_seconds, seconds
from workflows.onboarding.manifest.mistakes import Flaw, quoted, unknown_word
from workflows.onboarding.manifest.schema import FREQUENCIES

_LEAST = {"minute": 15, "hour": 1, "day": 1, "week": 1}  # contract 9.3


def schedule_flaws(source: Inspected) -> Iterator[Flaw]:
    """What is wrong with how often."""
    schedule = source.merged["schedule"]
    frequency, interval = schedule.get("frequency"), schedule.get("interval")
    if frequency is None:
        if source.misses("schedule", "frequency"):
            yield Flaw((), f"{source.label} has no schedule.frequency", f"one of {', '.join(FREQUENCIES)}")
    elif frequency not in FREQUENCIES:
        yield unknown_word(("schedule", "frequency"), "frequency", frequency, FREQUENCIES)
    elif frequency == "once":
        for key in NOT_WITH_ONCE:
            if key in schedule:
                yield Flaw(("schedule", key), f"schedule: once takes no {key}")
    elif interval is None:
        if source.misses("schedule", "interval"):
            yield Flaw(("schedule", "frequency"), f"schedule: {frequency} needs an interval")
    elif interval < _LEAST[frequency]:
        yield _too_often(source, frequency, interval)


def time_flaws(source: Inspected) -> Iterator[Flaw]:
    """What is wrong with when."""
    start, spread = source.merged["schedule"].get("start"), source.merged["schedule"].get("spread")
    if start is not None and epoch_seconds(start) is None:
        message = f"start {quoted(start)} is neither a date nor a time with its zone"
        yield Flaw(("schedule", "start"), message, "write it as 2030-01-01 or 2030-01-01T00:00:00Z")
    if spread is not None and seconds(spread) is None:
        yield Flaw(
            ("schedule", "spread"), f"spread {quoted(spread)} is not a length of time", "write it as 90s, 15m, 2h or 1d"
        )


def _too_often(source: Inspected, frequency: str, interval: int) -> Flaw:
    """The place is where the source says it itself, if it does."""
    own = source.own.get("schedule", {})
    key = "frequency" if "interval" not in own and "frequency" in own else "interval"
    every = frequency if interval == 1 else f"{interval} {frequency}s"
    least = f"{_LEAST[frequency]} {frequency}{'s' if _LEAST[frequency] > 1 else ''}"
    return Flaw(("schedule", key), f"schedule: every {every} is too often, the platform takes {least} or more")
