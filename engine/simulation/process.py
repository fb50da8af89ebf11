"""One process, mostly with one command: the real engine, over a simulated network, journal and clock.

The loop asks before each step of each of its tasks, so that it may be killed or frozen at any of them. A dead process
never acts again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Literal

from engine.api import Engine
from engine.errors import HeadwayError, JournalLocked, StorageError
from engine.journal.memory import MemoryJournal
from engine.model import RunState, RunStatus
from engine.ports import Standing
from engine.session import Notice
from engine.simulation.chain import chain
from engine.simulation.clocks import Clock, Gate
from engine.simulation.kinds import KINDS
from engine.simulation.loop import OWNER
from engine.simulation.platform import Platform
from engine.simulation.things import SHARED, run_of
from engine.simulation.weather import SETTLE
from engine.simulation.wire import Wire
from engine.simulation.world import World
from engine.wanted import new_run

if TYPE_CHECKING:
    from engine.simulation.operator import Operator

SWITCHING = {"pause": False, "unpause": True}
"""Commands that switch what was made off or on."""
OTHERS = frozenset({"recover", "destroy", *SWITCHING})
"""Commands that do not run what the manifest says."""
DISK = ("disk full", "I/O error", "database is locked", "connection lost")


class Process:
    """`command`: `run`; `change`, `replace`, `chain`, `rename`, `own`, `share`, `adopt` (to run what the manifest has
    come to say); `refresh` (after others did something by hand); `pause`, `unpause`, `recover`, `destroy`. Ends by
    telling the operator how. Or it keeps the journal open when its command has ended, tells how, and is `idle` until it
    is given another command: a program that uses the engine may do so."""

    def __init__(self, world: World, platform: Platform, operator: Operator, command: str, name: str) -> None:
        self.world, self.platform, self.operator, self.command, self.name = world, platform, operator, command, name
        self.dead = self.frozen = self.begun = self.idle = False
        self.clock, self.gate = Clock(world, name), Gate(world, name)
        self.journal: MemoryJournal | None = None
        self.stage, self.steps, self.commits = operator.stage, 0, 0
        self.overtaken: set[str] = set()
        self._backlog: list[Callable[[], object]] = []
        self._rng = world.stream(f"process {name}")
        self._crash_at, self._freeze_at = self._moment(world.crash_rate), self._moment(world.freeze_rate)
        self._expires_at = float("inf")
        if world.strikes(f"expiry {name}", world.expiry_rate):
            self._expires_at = world.now + self._rng.choice([1, 10, 100]) * self._rng.random()
        if world.strikes(f"stop {name}", world.stop_rate):
            world.after(self._rng.choice([1, 10, 100]) * self._rng.random(), self._interrupt)
        world.processes.append(self)
        number = len(world.processes)
        self._kills = {(kill.moment, kill.number) for kill in world.weather.kills if kill.process == number}
        world.say(name, f"starts: {command}")
        self.engine: Engine | None = None
        self.stopped = False
        self._allowing, self._given = self._allowed(command), asyncio.Event()
        self._context = copy_context()
        self._context.run(OWNER.set, self)
        self.main = world.loop.create_task(self._main(), context=self._context)

    # a process: it steps, crashes, freezes, ends

    def _moment(self, rate: float) -> int:
        """After how many steps something that happens at this rate per step happens next; 0: never."""
        return self.steps + 1 + int(self._rng.expovariate(rate)) if rate else 0

    def step(self, again: Callable[[], object]) -> bool:
        """Whether a task may take its next step."""
        if self._stopped():
            self._backlog.append(again)
            return False
        self.steps += 1
        named = ("step", self.steps) in self._kills
        if named or (self.steps == self._crash_at and self.world.strikes(f"crash {self.name}", 1.0)):
            self.crash()
        elif not self.begun and self.operator.stage != self.stage:
            self.die("superseded")  # people do not leave an old command lying about that begins when they are past it
        elif self.steps == self._freeze_at:
            self._freeze_at = self._moment(self.world.freeze_rate)
            if self.world.strikes(f"freeze {self.name}", 1.0):
                self.freeze()
        if self._stopped():
            self._backlog.append(again)
            return False
        return True

    def _stopped(self) -> bool:
        return self.dead or self.frozen

    def crash(self) -> None:
        """The end, in the middle of something."""
        self.world.fault(self.name, "crash")
        self.die("crashed")

    def freeze(self) -> None:
        """It does nothing for a while; others may take it for dead."""
        pause = self._rng.choice(self.world.weather.freezes)
        self.world.fault(self.name, f"freeze for {pause} s")
        self.frozen = True
        self.clock.slept += pause
        self.world.after(pause, self._thaw)
        self.operator.froze(self)

    def _interrupt(self) -> None:
        """Somebody stops it; what is frozen hears of it when it goes on."""
        if not self.dead:
            self.world.fault(self.name, "stop")
            self.world.loop.call_soon(self._stop, context=self._context)

    def _stop(self) -> None:
        if self.engine and self.engine.runner:
            self.stopped = True
            self.engine.stop()

    def _thaw(self) -> None:
        if not self.dead:
            self.world.say(self.name, "goes on")
            self.frozen = False
            self.release()

    def release(self) -> None:
        """Let run what had to wait: after a freeze, or to be buried."""
        waiting, self._backlog = self._backlog, []
        for again in waiting:
            again()

    def die(self, how: str) -> None:
        """The end, by whatever cause; the kernel lets the lock go."""
        if not self.dead:
            self.dead = True
            if self.journal:
                self.journal.close()
            self.world.say(self.name, f"ends: {how}")
            if not self.idle:
                self.operator.ended(self, how)

    # its commands

    @property
    def busy(self) -> bool:
        """Whether it is at work on a command."""
        return not self.dead and not self.idle

    def takes(self, command: str) -> bool:
        """Whether it waits for another command, and its engine may do what that one allows."""
        return self.idle and not self._stopped() and self._allowed(command) == self._allowing

    def give(self, command: str) -> None:
        """Let it do this, too, with the same engine, and new credentials."""
        self.world.say(self.name, f"goes on: {command}")
        self.command, self.stage, self._expires_at = command, self.operator.stage, float("inf")
        self.idle = self.begun = self.stopped = False
        self._given.set()

    def _allowed(self, command: str) -> tuple[bool, bool]:
        """Whether a command may take down what it then makes anew, and whether it puts back what others did by hand."""
        return self.operator.manifest.replaces or command == "refresh", command == "refresh"

    async def _main(self) -> None:
        try:
            outcome = await self._work()
        except JournalLocked:
            outcome = "locked"
        except asyncio.CancelledError:
            outcome = "buried"
        except Exception as bug:  # noqa: BLE001 - a bug of the engine is a finding, not the end of the simulation
            outcome = "failed"
            self.operator.bugs.append(f"bug: {type(bug).__name__}: {bug}")
        self.die(outcome)

    async def _work(self) -> str:
        """One command, or several in one opening of the journal; how the last one ended."""
        resources = [kind(Wire(self).send) for kind in KINDS]
        replace, refresh = self._allowing
        engine = Engine(
            "simulated", workflows=[chain], resources=resources, settle=SETTLE, gate=self.gate,
            clock=self.clock, rng=self.world.stream(f"engine {self.name}"), observer=self._observe, opener=self._open,
            replace=replace, refresh=refresh,
        )  # fmt: skip
        async with engine as self.engine:
            outcome = await self._command(engine)
            while self._stays():
                self.world.say(self.name, f"stays: {outcome}")
                self.idle = True
                self._given.clear()
                self.operator.ended(self, outcome)
                await self._given.wait()
                ended_early = outcome in ("failed", "stopped") and self.command not in OTHERS
                outcome = await self._command(engine, resumes=ended_early and self._rng.random() < 0.5)
            return outcome

    async def _command(self, engine: Engine, *, resumes: bool = False) -> str:
        """How it ended. `resumes`: what is unfinished is continued from the journal alone before."""
        try:
            if resumes:
                await engine.run(await engine.enroll(await self._ids(engine)))
            self.overtaken.clear()
            outcome = await self._act(engine)
        except HeadwayError as error:
            self.world.say(self.name, f"{type(error).__name__}: {error}")
            return "failed"
        return "stopped" if self.stopped else outcome

    def _stays(self) -> bool:
        """Whether it waits for another command: not if another process has taken its place."""
        return self.operator.process is self and self.world.strikes(f"stay {self.name}", self.world.stay_rate)

    async def _ids(self, engine: Engine) -> list[str]:
        """The runs that the manifest means, by the name that it gives them or, as long as the journal knows no other,
        by their earlier one."""
        runs = [new_run(self.operator.scope, item) for item in self.operator.manifest.items()]
        found = await engine.journal.compare(runs)
        return [known.run_id if known else run.run_id for run, (_, known) in zip(runs, found, strict=True)]

    async def _act(self, engine: Engine) -> str:
        scope, manifest, ids = self.operator.scope, self.operator.manifest, await self._ids(engine)
        if self.command == "destroy":
            counts = await engine.destroy(ids)
            return "done" if counts[RunStatus.DESTROYED] == sum(counts.values()) else "failed"
        if self.command in SWITCHING:
            counts = await engine.switch(ids, on=SWITCHING[self.command])
            whole = "unfinished" if counts.total() < len(ids) else "failed"
            return "done" if counts[RunStatus.DONE] == len(ids) else whole
        if self.command == "recover":
            await engine.recover(scope, [manifest.items()])
            return "done"
        registration = await engine.register(scope, [manifest.items()])
        counts = await engine.run(registration.batch)
        ended = counts[RunStatus.DONE] + len(self.overtaken)
        idle = 0 if self.command == "refresh" else registration.standings[Standing.UNCHANGED]
        wanted = len(self.operator.runs) - idle - len(registration.left)
        return "done" if ended == counts.total() == wanted else "failed"  # fewer: another process works on them

    # its ways out

    @asynccontextmanager
    async def _open(self, *_: object, **__: object) -> AsyncIterator[MemoryJournal]:
        """Open the store as `engine.journal.open_journal` would."""
        await asyncio.sleep(self._rng.uniform(0.01, 0.1))
        self.journal = self.operator.store.open(self.clock, hook=self._commit)
        self._claim, self.journal.claim = self.journal.claim, self.claim  # type: ignore[method-assign]
        self.operator.watch.opened()
        self.world.say(self.name, f"holds {self.journal.name}" + (", replaced" if self.journal.replaced else ""))
        yield self.journal

    async def claim(self, *arguments: Any, **options: Any) -> Sequence[RunState]:
        """From its first claim on, an old command is a process like any other."""
        runs = await self._claim(*arguments, **options)
        self.begun = True
        return runs

    async def _commit(self, when: Literal["before", "after"]) -> None:
        """A commit takes its time, and may fail or be torn by a crash on either side of the moment it is durable."""
        world = self.world
        if self.dead:
            raise asyncio.CancelledError
        if when == "before":
            self.commits += 1
        else:
            self.operator.committed()
        if (when, self.commits) in self._kills:
            self.crash()
        await asyncio.sleep(self._rng.uniform(0.001, 0.02 if when == "before" else 0.01))
        if world.strikes(f"commit {self.name}", world.storage_rate / 2):
            trouble = self._rng.choice(DISK)
            world.fault(self.name, f"disk: {trouble}, {when} the commit is durable")
            raise StorageError(trouble)

    @property
    def expired(self) -> bool:
        """Whether its credentials have ended."""
        return self.world.now >= self._expires_at and not self.world.calm

    def _observe(self, notice: Notice) -> None:
        """Whatever the engine wants a person to see is a report."""
        run = run_of(notice.run.source)
        self.world.say(self.name, f"{notice.run.source}/{notice.step}: {notice.name} " + " ".join(
            f"{key}={value}" for key, value in notice.detail.items()
        ))  # fmt: skip
        by_hand = notice.name == "step_failed" and notice.detail["kind"] == "changed_by_hand"
        if notice.name == "step_accused" or by_hand:
            self.operator.report(self, notice)
        elif notice.name == "step_left":
            self.operator.left.add((run, notice.step))
        elif notice.name == "step_unproven":
            self.operator.resent.add((SHARED if notice.run.shared else run, notice.step))
        elif notice.name == "step_failed" and notice.detail["kind"] == "overtaken":
            self.overtaken.add(run)
            self.operator.overtaken.add(run)
