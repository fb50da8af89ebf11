"""How numbers, times and long texts are said. Pure."""

from __future__ import annotations

import re
from datetime import datetime


def number(value: int) -> str:
    """`5,000`."""
    return f"{value:,}"


def amount(value: int, noun: str) -> str:
    """`1 source`, `5,000 sources`."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def duration(seconds: float) -> str:
    """`0.4 s`, `11.4 s`, `3 min 20 s`, `1 h 52 min`, `2 d 3 h`."""
    if seconds < 60:
        return f"{max(seconds, 0):.1f} s" if seconds < 20 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def size(count: int) -> str:
    """Bytes as `18 MB`."""
    if count < 1_000_000:
        return f"{max(count // 1000, 1)} kB"
    return f"{count / 1_000_000:.0f} MB" if count < 10_000_000_000 else f"{count / 1e9:.0f} GB"


def clock(at: float) -> str:
    """The local time of day to the millisecond, `14:02:11.204`."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]


def day(at: float) -> str:
    """The local date, `2030-01-31`."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d")


def short(text: str, width: int) -> str:
    """At most `width` characters, shortened in the middle, where ids differ least."""
    if len(text) <= width:
        return text
    head = max((width - 1) // 2, 1)
    return f"{text[:head]}…{text[len(text) - (width - head - 1) :]}"


def cut(text: str, width: int) -> str:
    """At most `width` characters of a sentence."""
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"


def listed(words: list[str], most: int) -> str:
    """The first words, and how many more there are."""
    more = f" and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def gist(message: str) -> str:
    """A message without what differs from source to source, so that equal causes give equal texts."""
    return re.sub(r"""("[^"]*"|'[^']*'|\S*[0-9a-f]{8}\S*|\d+)""", "…", message)
