"""The world of one schedule: virtual time, the one source of randomness, the weather, the story."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
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


class World:
    """Everything that a seed decides. After `calm_at` nothing goes wrong any more, so that every schedule can end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int, *, trace: bool) -> None:
        self.loop, self.rng, self.trace = loop, Random(seed), trace
        self.faults: Counter[str] = Counter()
        self.story: list[str] = []
        rng = self.rng
        self.calm_at = rng.choice([0, 30, 200, 600, 1500])
        self.crash_rate, self.freeze_rate = rng.choice([0, 0.003, 0.01]), rng.choice([0, 0.003, 0.01])
        self.fault_rate = rng.choice([0, 0.1, 0.3])
        self.fenced_by_epoch = rng.random() < 0.5
        """A store that several processes may open (PostgreSQL), instead of one with a lock (SQLite)."""
        self.lists = rng.choice(["ordered", "ordered", "each", "tail"])
        self.read_lag = rng.choice([0, 0, READ_LAG])

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
