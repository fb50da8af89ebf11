"""Lists that lag, also for deletions.

fresh    not at all
ordered  a replica shows the past, at most `LAG` old, and never goes back
each     every change is indexed by itself, at most `LAG` late
tail     as ordered, but now and then far older
"""

from __future__ import annotations

from collections.abc import Collection

from engine.simulation.things import History, Thing, see
from engine.simulation.world import World

SLOT = 100.0
"""Seconds for which a replica keeps its lag."""


class Lists:
    """What a list of the platform shows of its objects."""

    def __init__(self, world: World, history: History) -> None:
        self.world, self.history = world, history
        self._replicas: dict[tuple[int, int], float] = {}
        self._horizon: dict[int, float] = {}
        self._changes: dict[tuple[str, float], float] = {}

    def show(self, kind: str, names: Collection[str]) -> list[Thing]:
        """The objects of a kind that bear one of these names."""
        if self.world.lists == "each":
            seen = [self._indexed(id) for id in self.history]
        else:
            horizon = self.world.now if self.world.lists == "fresh" else self._replica()
            seen = [see(self.history, id, horizon) for id in self.history]
        return [thing for thing in seen if thing and thing.kind == kind and thing.name in names]

    def _replica(self) -> float:
        world, rng = self.world, self.world.stream("list")
        replica = rng.randrange(2)
        slot = replica, int(world.now // SLOT)
        if slot not in self._replicas:
            far = world.lists == "tail" and not world.calm and rng.random() < 0.5
            self._replicas[slot] = rng.uniform(100, 900) if far else self._lag()
        self._horizon[replica] = max(self._horizon.get(replica, 0.0), world.now - self._replicas[slot])
        return self._horizon[replica]

    def _indexed(self, id: str) -> Thing | None:
        shown = None
        for when, thing in self.history[id]:
            change = id, when
            if change not in self._changes:
                self._changes[change] = self._lag()
            if when + self._changes[change] <= self.world.now:
                shown = thing
        return shown

    def _lag(self) -> float:
        rng = self.world.stream("list")
        most = rng.choice(self.world.weather.lag)
        return rng.choice([most, rng.uniform(0, most)])
