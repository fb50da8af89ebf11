"""The world of one schedule: virtual time, the one source of randomness, the weather, the story."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVarTuple

Ts = TypeVarTuple("Ts")

SETTLE = 120.0
GATEWAY, LAG = SETTLE / 2, SETTLE / 2
"""The longest that a request may wait in the gateway; the longest that a healthy list may lag."""
READ_LAG = 10.0
"""How stale a read by id may be."""
TIMEOUT = 15.0
"""The client's read timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What a schedule draws its world from: each field holds the choices. The default covers everything; a denser
    weather looks around one rule."""

    calm_at: Sequence[float] = (0, 30, 200, 600, 1500)
    crash_rate: Sequence[float] = (0, 0.003, 0.01)
    freeze_rate: Sequence[float] = (0, 0.003, 0.01)
    freezes: Sequence[float] = (2, 7, 40, 200)
    fault_rate: Sequence[float] = (0, 0.1, 0.3)
    fates: Sequence[str] = ("refused", "rejected", "error", "error", "error_after", "lost", "lost", "late", "late")
    servers: Sequence[bool] = (False, True)
    """Whether the store is one that several processes may open (PostgreSQL), or one with a lock (SQLite)."""
    lists: Sequence[str] = ("ordered", "ordered", "each", "tail", "fresh")
    read_lag: Sequence[float] = (0, 0, READ_LAG)
    rivals: Sequence[str] = ("", "", "", "second", "copy", "other")
    scripts: Sequence[tuple[str, ...]] = (("run",), ("run",), ("run", "destroy"), ("run", "destroy", "run"))
    disaster: Sequence[float] = (0, 0.2, 0.6)
    hurry: float = 0.3


ANY_WEATHER = Weather()


class World:
    """Everything that a seed decides. After `calm_at` nothing goes wrong any more, so that every schedule can end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int, weather: Weather, *, trace: bool) -> None:
        self.loop, self.rng, self.weather, self.trace = loop, Random(seed), weather, trace
        self.faults: Counter[str] = Counter()
        self.story: list[str] = []
        draw = self.rng.choice
        self.calm_at = draw(weather.calm_at)
        self.crash_rate, self.freeze_rate = draw(weather.crash_rate), draw(weather.freeze_rate)
        self.fault_rate = draw(weather.fault_rate)
        self.server = draw(weather.servers)
        self.lists, self.read_lag = draw(weather.lists), draw(weather.read_lag)

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.time()

    @property
    def calm(self) -> bool:
        return self.now >= self.calm_at

    def chance(self, probability: float) -> bool:
        """Whether something goes wrong now."""
        return not self.calm and self.rng.random() < probability

    def after(self, delay: float, act: Callable[[*Ts], object], *arguments: *Ts) -> None:
        """Do something later, whatever becomes of whoever asked."""
        self.loop.call_later(delay, act, *arguments)

    def say(self, who: str, text: str) -> None:
        """A line of the story, kept for a schedule that is looked at."""
        if self.trace:
            self.story.append(f"{self.now:9.2f}  {who:<10} {text}")

    def fault(self, who: str, text: str) -> None:
        """Something goes wrong: counted by its first word."""
        self.faults[text.split(maxsplit=1)[0]] += 1
        self.say(who, "!! " + text)
