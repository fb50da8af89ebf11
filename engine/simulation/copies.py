"""Copies of a journal: what takes its place when it is lost."""

from __future__ import annotations

from collections import deque
from random import Random

from engine.journal.memory import Contents, MemoryStore
from engine.simulation.world import World

FAILOVER_LOSES = 3.0
"""How many seconds of commits a database that fails over may lose."""


class Copies:
    """Backups of one journal, oldest first, and its last states."""

    def __init__(self, world: World, store: MemoryStore, rng: Random) -> None:
        self.world, self.store = world, store
        self.backups: list[Contents] = []
        self._rng = rng
        self._recent: deque[tuple[float, Contents]] = deque(maxlen=64)

    def back_up(self) -> None:
        """Make one more backup."""
        self.backups.append(self.store.snapshot())

    def committed(self) -> None:
        """Remember what a database that fails over might lose."""
        if self.world.server and self.world.disaster:
            self._recent.append((self.world.now, self.store.snapshot()))

    def instead(self, how: str) -> Contents | None:
        """What is there when the journal was lost, and how; None: nothing."""
        contents = None
        if how == "restored" and self.backups:
            contents = self._rng.choice(self.backups)
        elif how == "failover":
            lost = [kept for when, kept in self._recent if when >= self.world.now - FAILOVER_LOSES]
            contents = self._rng.choice(lost) if lost else self.store.snapshot()
        self._recent.clear()
        return contents
