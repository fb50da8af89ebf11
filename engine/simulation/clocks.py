"""What a process finds on its machine: clocks that are wrong, and permits that take a while."""

from __future__ import annotations

import asyncio

import anyio

from engine.simulation.world import World

EPOCH = 1_700_000_000.0
JUMPS = (-86_400, -3600, -90, 90, 3600, 86_400)


class Clock:
    """A wall clock that is wrong and may be set while the process works, and a boot clock that is right.

    `slept`: seconds in which the process did not run. `over`: it is being buried; whoever asks then is cancelled, as a
    command that loses its tasks one by one might go on for ever without waiting for anything.
    """

    def __init__(self, world: World, name: str) -> None:
        self.world, self.slept, self.over, rng = world, 0.0, False, world.stream(f"clock {name}")
        self.skew: float = rng.choice([0, 0, -90, 90])
        if world.strikes(f"clock {name}", world.jump_rate):
            world.after(rng.choice([1, 30, 300]) * rng.random(), self._jump, name, rng.choice(JUMPS))

    def _jump(self, name: str, seconds: float) -> None:
        self.skew += seconds
        self.world.fault(name, f"clock set by {seconds} s")

    def wall(self) -> float:
        """Epoch seconds, as far as the machine knows."""
        if self.over:
            raise asyncio.CancelledError
        return EPOCH + self.world.now + self.skew

    def boot(self) -> float:
        """Seconds since the machine was started."""
        if self.over:
            raise asyncio.CancelledError
        return self.world.now


class Gate:
    """Permits that take a while, and none while the other side asked for a pause."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.rng, self.until = world, world.stream(f"gate {name}"), 0.0

    def pause(self, seconds: float) -> None:
        """The other side asked for it."""
        self.until = max(self.until, self.world.now + seconds)

    async def enter(self, family: str, turn: int | None = None) -> None:  # noqa: ARG002 - nobody queues here
        """Wait for a permit."""
        await anyio.sleep(self.paused(family))
        if not self.world.calm:
            await anyio.sleep(self.rng.choice(self.world.weather.permits))

    def try_enter(self, family: str, turn: int) -> bool:  # noqa: ARG002 - nobody queues here
        """Take a permit if one is free at this moment."""
        return self.paused(family) == 0 and (self.world.calm or self.rng.random() < 0.5)

    def leave(self, family: str) -> None:
        """Give a permit back: there are enough."""
        del family

    def paused(self, family: str) -> float:
        """Seconds until which nothing must be sent."""
        del family
        return max(0.0, self.until - self.world.now)

    def troubled(self, family: str) -> bool:
        """Whether a failure now is nobody's own."""
        del family
        return not self.world.calm
