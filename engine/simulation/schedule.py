"""One seed, one schedule: draw a world, let it run to its end, judge it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

from engine.journal.memory import MemoryStore
from engine.simulation.chain import ADOPTABLE
from engine.simulation.judge import judge
from engine.simulation.kinds import KINDS
from engine.simulation.loop import OutOfTime, VirtualLoop
from engine.simulation.manifest import MOVES
from engine.simulation.operator import Operator
from engine.simulation.platform import Answer, Platform, Request
from engine.simulation.things import Thing
from engine.simulation.weather import ANY, Weather
from engine.simulation.world import World

LIMIT = 90_000.0
"""Virtual seconds after which a schedule that has not ended never will."""
AFTERMATH = 400.0
"""Seconds after the last command in which whatever is still in the gateway, or joins late, comes to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one schedule came to. `wrong`: everything that broke the promise; `reported`: what a person must look at;
    `strokes`: what went wrong, by name; `steps` and `commits`: how many the processes took together."""

    seed: int
    wrong: list[str]
    reported: dict[tuple[str, str], str]
    faults: Counter[str] = field(default_factory=Counter)
    strokes: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    seconds: float = 0.0


def schedule(
    seed: int, *, weather: Weather = ANY, only: frozenset[str] | None = None, trace: bool = False, limit: float = LIMIT
) -> Result:
    """Run the schedule of a seed, for at most `limit` virtual seconds. The same seed gives the same result, always.

    `only`: the strokes of fate that are let happen; None: all.
    """
    loop = VirtualLoop(limit)
    asyncio.set_event_loop(loop)
    world = World(loop, seed, weather, only=only, trace=trace)
    loop.set_exception_handler(world.broken)
    try:
        platform = Platform(world, frozenset(kind.kind for kind in KINDS if kind.unique), ADOPTABLE)
        people = _People(world, platform)
        wrong = []
        try:
            loop.run_until_complete(people.over())
        except OutOfTime as late:
            wrong.append(f"no end: {late}")
        wrong += [*world.bugs, *judge(world, platform, people.operators)]
        seconds = world.now
    finally:
        _bury(loop, world)
    reported = {key: why for operator in people.operators for key, why in operator.reported.items()}
    return Result(
        seed=seed, wrong=wrong, reported=reported, faults=world.faults, strokes=world.strokes, story=world.story,
        seconds=seconds,
    )  # fmt: skip


def _script(world: World) -> list[str]:
    """What the first person does: with a rival, at most the target moves, while no journal is lost besides; where
    others have their hands in it, what they did is put back."""
    if world.rival:
        moves = {*world.script} <= {"run", *MOVES} and not world.disaster
        return list(world.script) if moves else ["run"]
    place = 2 if "pause" in world.script[:2] else 1
    first, rest = world.script[:place], world.script[place:]
    return [*first, "refresh", *rest] if world.hands and "refresh" not in rest else [*first, *rest]


class _People:
    """One operator, and sometimes a second with a journal of his own, a copy of the first one, or other runs."""

    def __init__(self, world: World, platform: Platform) -> None:
        self.world, self.platform, self.operators = world, platform, list[Operator]()
        self._ended = asyncio.Event()
        self.exclusive = not world.server
        self._join("1", MemoryStore(exclusive=self.exclusive, rng=world.stream("store 1")), ["a", "b"][: world.runs],
                   _script(world))  # fmt: skip
        platform.processed = self._processed
        rng = world.stream("rival")
        if world.rival and world.strikes("rival", 1.0):
            world.after(rng.choice([0.1, rng.uniform(0, 3), rng.uniform(0, 300)]), self._rival, world.rival)

    def _rival(self, rival: str) -> None:
        self.world.fault("people", f"{rival} journal")
        first, store = self.operators[0], MemoryStore(exclusive=self.exclusive, rng=self.world.stream("store 2"))
        if rival == "copy":
            store.restore(first.store.snapshot())
        self._join("2", store, ["c"] if rival == "other" else list(first.runs), ["run"])

    def _join(self, name: str, store: MemoryStore, runs: list[str], script: list[str]) -> None:
        operator = Operator(self.world, self.platform, store, name=name, runs=runs, script=script)
        operator.over = self._ended.set
        self.operators.append(operator)

    def _processed(self, request: Request, answer: Answer) -> None:
        """Whether an object that came to be just now is a second one, and no journal is in doubt of it."""
        if request.verb != "POST" or answer[0] != "created" or not isinstance(answer[1], Thing):
            return
        where, watches = answer[1].owner, [o.watch for o in self.operators if answer[1].owner[0] not in o.overtaken]
        if where[1] == "flow":
            older = [t.id for t in self.platform.live() if t.owner == where and t.name != answer[1].name]
            if older:
                watches[0].wrong.append((where, f"a second one: {where} {' '.join(older)}, and now {answer[1].id}"))
        live = self.platform.rivals(where)
        if len(live) > 1 and watches and all(watch.sure(where) for watch in watches):
            watches[0].wrong.append((where, f"a second one while nobody is in doubt: {where} {' '.join(live)}"))

    async def over(self) -> None:
        """Return when everybody has come to an end, also whoever joins late."""
        for _ in range(2):
            while not all(operator.outcome for operator in self.operators):
                self._ended.clear()
                await self._ended.wait()
            await asyncio.sleep(AFTERMATH)


def _bury(loop: VirtualLoop, world: World) -> None:
    """End what is left of the schedule's processes without letting them act."""
    loop.lawless = True
    for process in world.processes:
        process.dead = process.clock.over = True
        process.release()
    with contextlib.suppress(OutOfTime):
        loop.run_until_complete(asyncio.sleep(0))  # a task that is cancelled before its first step complains
        while tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks, timeout=1))
    asyncio.set_event_loop(None)
    loop.close()
