"""One seed, one schedule: draw a world, let it run to its end, judge it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.journal.memory import MemoryStore
from engine.simulation.chain import KINDS
from engine.simulation.judge import judge
from engine.simulation.loop import OutOfTime, VirtualLoop
from engine.simulation.operator import Operator
from engine.simulation.platform import Platform
from engine.simulation.world import ANY_WEATHER, Weather, World

LIMIT = 90_000.0
"""Virtual seconds after which a schedule that has not ended never will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one schedule came to. `wrong`: everything that broke the promise; `reported`: what a person must look at."""

    seed: int
    wrong: list[str]
    reported: dict[tuple[str, str], str]
    faults: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)


def schedule(seed: int, *, weather: Weather = ANY_WEATHER, trace: bool = False) -> Result:
    """Run the schedule of a seed. The same seed gives the same result, always."""
    loop = VirtualLoop(LIMIT)
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        world = World(loop, seed, weather, trace=trace)
        platform = Platform(world, frozenset(kind.kind for kind in KINDS if kind.unique))
        operators = _people(world, platform)
        wrong = []
        try:
            loop.run_until_complete(_until_over(operators))
        except OutOfTime as late:
            wrong.append(f"no end: {late}")
        wrong += judge(world, platform, operators)
    finally:
        _bury(loop)
    reported = {key: why for operator in operators for key, why in operator.reported.items()}
    return Result(seed=seed, wrong=wrong, reported=reported, faults=world.faults, story=world.story)


def explore(count: int, seed: int, weather: Weather = ANY_WEATHER) -> Iterator[Result]:
    """The schedules of `count` seeds from `seed` on."""
    for number in range(seed, seed + count):
        yield schedule(number, weather=weather)


def _people(world: World, platform: Platform) -> list[Operator]:
    """One operator, and sometimes a second with a journal of his own, a copy of the first one, or other runs."""
    rng = world.rng
    rival = rng.choice(world.weather.rivals)
    runs = ["a", "b"] if rng.random() < 0.6 else ["a"]
    store = MemoryStore(exclusive=not world.server, rng=rng)
    script = ["run"] if rival else list(rng.choice(world.weather.scripts))
    operators = [Operator(world, platform, store, runs=runs, script=script)]

    def join() -> None:
        world.fault("operator", f"{rival} journal")
        other = MemoryStore(exclusive=not world.server, rng=rng)
        if rival == "copy":
            other.restore(store.snapshot())
        theirs = ["c"] if rival == "other" else list(runs)
        operators.append(Operator(world, platform, other, runs=theirs, script=["run"]))

    if rival:
        world.after(rng.choice([0.1, rng.uniform(0, 3), rng.uniform(0, 300)]), join)
        world.calm_at = max(world.calm_at, 1)
    return operators


async def _until_over(operators: list[Operator]) -> None:
    while not all(operator.outcome for operator in operators):
        await asyncio.sleep(7)
    await asyncio.sleep(400)  # whatever is still in the gateway, or joins late, comes to its end
    while not all(operator.outcome for operator in operators):
        await asyncio.sleep(7)


def _bury(loop: asyncio.AbstractEventLoop) -> None:
    """End what is left of the schedule's processes without letting them act."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        with contextlib.suppress(BaseException):
            loop.run_until_complete(asyncio.wait(tasks, timeout=1))
    asyncio.set_event_loop(None)
    loop.close()
