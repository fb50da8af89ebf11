"""People and machines: they start a command until it is done, go on too early, and break journals."""

from __future__ import annotations

import itertools

from engine.journal.memory import Contents, MemoryStore
from engine.session import Notice
from engine.simulation.platform import Platform
from engine.simulation.process import Process
from engine.simulation.world import GATEWAY, World

STALE = 5.0
"""Seconds after which a silent process is overtaken."""
SNAPSHOT_EVERY = 5.0


class Operator:
    """One person with one journal and some runs. `outcome` is empty until the script came to its end."""

    def __init__(self, world: World, platform: Platform, store: MemoryStore, *, runs: list[str], script: list[str]):
        self.world, self.platform, self.store, self.runs, self.script = world, platform, store, runs, script
        self.process: Process | None = None
        self.outcome, self.lost, self.destroys = "", False, "destroy" in script
        self.reported: dict[tuple[str, str], str] = {}
        self.disaster = world.rng.choice(world.weather.disaster)
        self.overtaken: set[str] = set()
        self.resent: set[tuple[str, str]] = set()
        self.stage = 0
        self.bugs: list[str] = []
        self.backups: list[Contents] = []
        self._names = itertools.count(1)
        world.after(0, self.launch)
        world.after(SNAPSHOT_EVERY, self._back_up)

    def next_name(self) -> str:
        return f"{next(self._names)}{''.join(self.runs)}"

    def launch(self) -> None:
        """Start the command, unless one is at work; sometimes the journal was broken before."""
        if self.outcome or (self.process and not self.process.dead):
            return
        if self.process and self.world.chance(self.disaster):
            self._break()
        else:
            self._start()

    def _start(self) -> None:
        if self.outcome or (self.process and not self.process.dead):
            return
        self.process = Process(self.world, self.platform, self.store, self, self.script[0])
        if len(self.script) > 1 and self.world.chance(self.world.weather.hurry):
            self.world.after(self.world.rng.uniform(0.2, 90), self._hurry, self.process)

    def _break(self) -> None:
        """The journal is deleted or restored; or, where a look can still find everything, it silently lost its end."""
        if self.world.lists == "fresh" and not self.world.read_lag and not self.destroys and self.backups:
            self.world.fault("journal", "rewound")
            self.store.contents = self.backups[-1].copy()
            self.world.after(GATEWAY, self._start)
        else:
            self.swap(self.world.rng.choice(["deleted", "restored"]))
            self._start()

    def swap(self, how: str) -> None:
        """The journal is deleted, or an earlier copy takes its place."""
        self.world.fault("journal", how)
        self.store.restore(self.world.rng.choice(self.backups) if how == "restored" and self.backups else None)
        self.lost = True
        if self.script[0] == "destroy":  # people run before they destroy with a journal that forgot
            self.script.insert(0, "run")
            self.stage += 1

    def _back_up(self) -> None:
        if not self.outcome and not self.world.calm:
            self.backups.append(self.store.snapshot())
            self.world.after(self.world.rng.uniform(1, 60), self._back_up)

    def _hurry(self, process: Process) -> None:
        if process is self.process and not process.dead and len(self.script) > 1 and not self.lost:
            self.world.fault("operator", "kills and starts the next command")
            process.dead = True
            if process.journal:
                process.journal.close()
            self._advance()

    def _advance(self) -> None:
        self.script.pop(0)
        self.stage += 1
        if not self.script:
            self.outcome = "done"
            return
        self.world.after(self.world.rng.uniform(0.1, 5), self.launch)

    def ended(self, process: Process, how: str) -> None:
        """A process ended: go on with the script, try again later, or ask for help."""
        if process is not self.process or self.outcome:
            return
        if how == "done":
            self.lost = False
            self._advance()
        elif how == "failed" and ((self.world.calm and self.reported) or self.bugs):
            self.outcome = "reported"
        else:
            self.world.after(self.world.rng.choice([0.2, 3, 30, 150]), self.launch)

    def froze(self, process: Process) -> None:
        """A server's store: another process takes over. A file: the lock holds, unless another file takes its place."""
        if process is not self.process:
            return
        if not self.store.exclusive:
            self.world.after(STALE, self._overtake, process, False)
        elif self.world.chance(self.disaster):
            self.world.after(1, self._overtake, process, True)

    def _overtake(self, process: Process, swap: bool) -> None:
        frozen = process is self.process and not process.dead and process.frozen_until > self.world.now
        if frozen and not self.outcome:
            if swap:
                self.swap("deleted")
            self.process = None
            self._start()

    def report(self, process: Process, notice: Notice) -> None:
        """Something that a person must look at."""
        source = "*" if notice.run.shared else notice.run.source
        self.reported.setdefault((source, notice.step), str(notice.detail.get("message")))
        self.world.say(process.name, f"REPORTED {source}/{notice.step}: {notice.detail.get('message')}")
