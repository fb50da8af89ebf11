"""One process with one command: the real engine, over a simulated network, journal and clock.

Every way out of the process passes `pass_`: there it may crash or freeze. A crashed process never acts again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import anyio

from engine.api import Engine, Item
from engine.errors import HeadwayError, JournalLocked
from engine.identity import run_id
from engine.journal.memory import MemoryJournal, MemoryStore
from engine.model import RunState, RunStatus, Scope
from engine.session import Notice
from engine.simulation.chain import KINDS, Inputs, chain
from engine.simulation.platform import Answer, Platform, Request
from engine.simulation.world import SETTLE, TIMEOUT, World

if TYPE_CHECKING:
    from engine.simulation.operator import Operator

SCOPE = Scope(gateway="https://simulated", org="org", sandbox="dev")
EPOCH = 1_700_000_000.0


class Dead(BaseException):
    """The process was killed at this point."""


class Clock:
    """The process's clocks: a wall clock that is wrong by `skew`, and a boot clock that is right."""

    def __init__(self, world: World) -> None:
        self.world, self.slept = world, 0.0
        self.skew = world.rng.choice([0, 0, -90, 90])

    def wall(self) -> float:
        return EPOCH + self.world.now + self.skew

    def boot(self) -> float:
        return self.world.now


class Gate:
    """Permits that take a while."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def enter(self, family: str) -> None:
        del family
        if not self.world.calm:
            await anyio.sleep(self.world.rng.choice([0, 0, 0.5, 30]))

    def try_enter(self, family: str) -> bool:
        del family
        return self.world.calm or self.world.rng.random() < 0.5

    def leave(self, family: str) -> None:
        del family

    def paused(self, family: str) -> float:
        del family
        return 0.0

    def troubled(self, family: str) -> bool:
        del family
        return not self.world.calm


class Process:
    """`command`: `run` or `destroy`. Ends by telling the operator how."""

    def __init__(self, world: World, platform: Platform, store: MemoryStore, operator: Operator, command: str) -> None:
        self.world, self.platform, self.store, self.operator, self.command = world, platform, store, operator, command
        self.name, self.dead, self.frozen_until = f"p{operator.next_name()}", False, 0.0
        self.clock = Clock(world)
        self.journal: MemoryJournal | None = None
        self.stage, self.begun = operator.stage, False
        self.overtaken: set[str] = set()
        world.say(self.name, f"starts: {command}")
        self.main = asyncio.ensure_future(self._main())

    # a process: crash, freeze, end

    async def pass_(self) -> None:
        """Every interaction passes here, and any may be the last, or long."""
        world = self.world
        if not self.dead and world.chance(world.crash_rate):
            world.fault(self.name, "crash")
            self.die("crashed")
        if not self.dead and world.chance(world.freeze_rate):
            pause = world.rng.choice(world.weather.freezes)
            world.fault(self.name, f"freeze for {pause} s")
            self.frozen_until = world.now + pause
            self.clock.slept += pause
            self.operator.froze(self)
        while not self.dead and world.now < self.frozen_until:
            await asyncio.sleep(self.frozen_until - world.now)
        if not self.begun and self.operator.stage != self.stage:
            self.die("superseded")  # people do not leave an old command lying about that begins when they are past it
        if self.dead:
            raise Dead

    def die(self, how: str) -> None:
        """The end, by whatever cause; the kernel lets the lock go."""
        if not self.dead:
            self.dead = True
            if self.journal:
                self.journal.close()
            self.world.say(self.name, f"ends: {how}")
            self.operator.ended(self, how)

    async def _main(self) -> None:
        try:
            outcome = await self._command()
        except Dead:
            outcome = "crashed"
        except BaseExceptionGroup as group:
            if group.split((Dead, asyncio.CancelledError))[1] is not None:
                raise
            outcome = "crashed"
        except JournalLocked:
            outcome = "locked"
        except HeadwayError as error:
            self.world.say(self.name, f"{type(error).__name__}: {error}")
            outcome = "failed"
        except asyncio.CancelledError:
            outcome = "crashed"
        except Exception as bug:  # noqa: BLE001 - a bug of the engine is a finding, not the end of the simulation
            outcome = "failed"
            self.operator.bugs.append(f"bug: {type(bug).__name__}: {bug}")
        self.die(outcome)

    async def _command(self) -> str:
        resources = [kind(self.call) for kind in KINDS]
        engine = Engine(
            "simulated", workflows=[chain], resources=resources, settle=SETTLE, gate=Gate(self.world),
            clock=self.clock, rng=self.world.rng, observer=self.observe, opener=self.open,
        )  # fmt: skip
        async with engine:
            runs = self.operator.runs
            if self.command == "destroy":
                counts = await engine.destroy([run_id(chain.name, SCOPE, source) for source in runs])
                return "done" if counts[RunStatus.DESTROYED] == sum(counts.values()) else "failed"
            items = [Item(workflow=chain, source=source, inputs=Inputs()) for source in runs]
            registration = await engine.register(SCOPE, [items])
            counts = await engine.run(registration.batch)
            ended = counts[RunStatus.DONE] + len(self.overtaken)
            return "done" if ended == sum(counts.values()) else "failed"

    # its ways out

    @asynccontextmanager
    async def open(self, *_: object, **__: object) -> AsyncIterator[MemoryJournal]:
        """Open the store as `engine.journal.open_journal` would."""
        await self.pass_()
        self.journal = self.store.open(self.clock, hook=self.commit)
        self._claim, self.journal.claim = self.journal.claim, self.claim  # type: ignore[method-assign]
        self.world.say(self.name, f"holds {self.journal.name}" + (", replaced" if self.journal.replaced else ""))
        yield self.journal

    async def claim(self, *arguments: Any, **options: Any) -> Sequence[RunState]:
        """From its first claim on, an old command is a process like any other."""
        runs = await self._claim(*arguments, **options)
        self.begun = True
        return runs

    async def commit(self, when: Literal["before", "after"]) -> None:
        """A commit takes its time, and may be torn by a crash on either side."""
        rng = self.world.rng
        await asyncio.sleep(rng.uniform(0.001, 0.02 if when == "before" else 0.01))
        await self.pass_()

    async def call(self, request: Request) -> Answer:
        """One request, given up after `TIMEOUT`; what it does on the platform goes on."""
        if self.dead:
            raise Dead
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def first(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)

        self.world.say(self.name, f"{request.verb} {request.kind} {request.id or ' '.join(request.names)}")
        self.platform.receive(request, first)
        self.world.after(TIMEOUT, first, ("in_doubt",))
        answer = await future
        await self.pass_()
        self.world.say(self.name, f"{request.verb} {request.kind}: {str(answer)[:90]}")
        return answer

    def observe(self, notice: Notice) -> None:
        """Whatever the engine wants a person to see is a report."""
        if notice.name == "step_accused":
            self.operator.report(self, notice)
        elif notice.name == "step_unproven":
            self.operator.resent.add(("*" if notice.run.shared else notice.run.source, notice.step))
        elif notice.name == "step_failed" and notice.detail["kind"] == "overtaken":
            self.overtaken.add(notice.run.source)
            self.operator.overtaken.add(notice.run.source)
