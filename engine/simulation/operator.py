"""People and machines: they start a command until it is done, go on too early, and break journals."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from engine.journal.memory import MemoryStore
from engine.model import Scope
from engine.session import Notice
from engine.simulation.chain import chain
from engine.simulation.copies import Copies
from engine.simulation.hands import by_hand
from engine.simulation.manifest import MOVES, Manifest
from engine.simulation.platform import Platform
from engine.simulation.process import SWITCHING, Process
from engine.simulation.things import SHARED, run_of
from engine.simulation.watch import Watch
from engine.simulation.weather import GATEWAY, READ_LAG
from engine.simulation.world import World

PATIENCE = 40
"""How often a command may fail in calm weather, one time after the other, before people give up."""
STALE = 5.0
"""Seconds after which a silent process is overtaken."""
SNAPSHOT_EVERY = 5.0
TAKING_DOWN = frozenset({"replace", "chain", "refresh", "destroy", *MOVES})
"""Commands that may take down what was made, and make it anew."""
SCOPE = Scope(gateway="https://simulated", org="org", sandbox="dev")


class Operator:
    """One person with one journal, some runs, and a script of commands.

    `outcome` is empty until the script came to its end, or people gave up. `reported`: what a person must look at, by
    (run, step). `left`: steps of which something that cannot be deleted was told to be left behind. `resent`: steps
    sent again without proof, as far as the journal remembers; `forgotten`: the same, of journals that were lost.
    `overtaken`: runs that another journal took over. `on`: whether what each run made is to be on; None: nobody can
    know, as the command that said so was given up, or the journal was lost while nothing else told of it.
    `forgot_at`: when the journal was lost last; `unheard`: runs of which a journal knew nothing then, or nothing but
    the tabular chain, and when that was.
    """

    scope = SCOPE

    def __init__(
        self, world: World, platform: Platform, store: MemoryStore, *, name: str, runs: list[str], script: list[str]
    ) -> None:
        self.world, self.platform, self.store, self.name, self.runs = world, platform, store, name, runs
        self.script, self.destroys = script, "destroy" in script
        self.manifest, self.watch = Manifest(world, runs), Watch(platform, store)
        self.process: Process | None = None
        self.outcome, self.stage, self.lost = "", 0, False
        self.forgot_at: float | None = None
        self.unheard: set[tuple[str, float]] = set()
        self.on: dict[str, bool | None] = dict.fromkeys(runs, True)
        self.reported: dict[tuple[str, str], str] = {}
        self.resent: set[tuple[str, str]] = set()
        self.left: set[tuple[str, str]] = set()
        self.forgotten: set[tuple[str, str]] = set()
        self.overtaken: set[str] = set()
        self.bugs: list[str] = []
        self.over: Callable[[], None] = lambda: None
        self._rng = world.stream(f"operator {name}")
        self._failed = 0
        self._copies = Copies(world, store, self._rng)
        self._names = itertools.count(1)
        world.after(0, self.launch)
        world.after(SNAPSHOT_EVERY, self._back_up)
        world.after(self._rng.choice([5, 30, 300]) * self._rng.random(), self._strike)

    # commands

    def launch(self) -> None:
        """Start the command, unless one is at work; sometimes the journal was broken before."""
        if self.outcome or (self.process and self.process.busy):
            return
        for run in self.runs:
            applied = self.process and self.script[0] not in SWITCHING
            if applied and self.world.strikes(f"mend {self.name}", self.world.mend_rate):
                self.manifest.mend(run)
                self.world.fault(self.name, f"mends {run}: content {self.manifest.content[run]}")
        if self.process and self.world.strikes(f"journal {self.name}", self.world.disaster):
            self._break()
        else:
            self._start()

    def _start(self) -> None:
        if self.outcome or (self.process and self.process.busy):
            return
        if self.process and self.process.takes(self.script[0]):
            self.process.give(self.script[0])
        else:
            if self.process:
                self.process.die("closed")
            name = f"p{next(self._names)}{self.name}"
            self.process = Process(self.world, self.platform, self, self.script[0], name)
        if len(self.script) > 1 and self.world.strikes(f"hurry {self.name}", self.world.hurry):
            self.world.after(self._rng.uniform(0.2, 90), self._hurry, self.process)

    def _goes_on(self) -> bool:
        """Whether people leave a command that crashed as it is, and go on with the next."""
        leaves = len(self.script) > 1 and not self.lost and self.script[0] != "refresh"
        return leaves and self.world.strikes(f"hurry {self.name}", self.world.hurry)

    def _hurry(self, process: Process) -> None:
        leaves = len(self.script) > 1 and not self.lost and self.script[0] != "refresh"
        if process is self.process and process.busy and leaves:
            self.world.fault(self.name, "kills and starts the next command")
            self.process = None
            process.die("killed")
            self._leave()

    def _leave(self) -> None:
        """Go on with the next command; one that only switches what is there does not finish what was left."""
        left = self.script[0]
        if left not in SWITCHING and self.script[1] in SWITCHING:
            self.script.insert(2, "run")
        self._advance()

    def _advance(self) -> None:
        self.script.pop(0)
        self.stage += 1
        self._change(self.script[0] if self.script else "")
        if self.script:
            late = READ_LAG if self.script[0] == "refresh" else 0.0  # else what was done just now need not be seen
            self.world.after(late + self._rng.uniform(0.1, 5), self.launch)
        else:
            self._end("done")

    def _change(self, command: str) -> None:
        """The manifest comes to say something else of runs that are finished, or somebody does something by hand."""
        if command == "refresh":
            by_hand(self.world, self.platform, {*self.runs, SHARED})
        if command in SWITCHING:
            self.on = dict.fromkeys(self.runs, None)
        for run in self.manifest.change(command):
            self.world.say(self.name, f"wants {self.manifest.called[run]} with {self.manifest.inputs(run)}")

    def _end(self, outcome: str) -> None:
        self.outcome = outcome
        self.over()

    def ended(self, process: Process, how: str) -> None:
        """A process ended its command: go on with the script, try again later, or ask for help."""
        if process is not self.process or self.outcome:
            return
        self._failed = 0 if how == "done" else self._failed + self.world.calm
        if how == "done":
            self.lost = self.lost and process.command == "recover"
            if process.command in SWITCHING:
                self.on = dict.fromkeys(self.runs, SWITCHING[process.command])
            self._advance()
        elif how == "unfinished":
            self._insert("run")
            self.world.after(self._rng.choice(self.world.weather.relaunch), self.launch)
        elif how == "failed" and ((self.world.calm and self.reported) or self.bugs):
            self._end("reported")
        elif how == "crashed" and self._goes_on():
            self._leave()
        elif self._failed > PATIENCE:
            self._end("given up")
        else:
            self.world.after(self._rng.choice(self.world.weather.relaunch), self.launch)

    def report(self, process: Process, notice: Notice) -> None:
        """Something that a person must look at."""
        source, why = SHARED if notice.run.shared else run_of(notice.run.source), str(notice.detail.get("message"))
        self.reported.setdefault((source, notice.step), why)
        self.world.say(process.name, f"REPORTED {source}/{notice.step}: {why}")

    # journals

    def _back_up(self) -> None:
        if not self.outcome and not self.world.calm:
            self._copies.back_up()
            self.world.after(self._rng.uniform(1, 60), self._back_up)

    def committed(self) -> None:
        """Something has become durable."""
        self.watch.committed()
        self._copies.committed()

    def _strike(self) -> None:
        """A disaster while a command is at work; its process learns of it at its next commit."""
        if not self.outcome and self.process and self.world.strikes(f"journal {self.name}", self.world.disaster / 2):
            self.swap(self._rng.choice(self._disasters()))

    def _break(self) -> None:
        how = self._rng.choice([*self._disasters(), *self._rewinding()])
        if how == "rewound":
            self.world.fault(self.name, how)
            for process in self.world.processes:
                if process.operator is self:
                    process.die("the journal went away")
            self.store.contents = self._copies.backups[-1].copy()
            self.unheard |= {(run, self.world.now) for run in self.runs}
            self._unlearn()
            self.world.after(GATEWAY, self._start)
        else:
            self.swap(how)
            self._start()

    def _disasters(self) -> list[str]:
        known = ("deleted", "restored", "failover") if self.world.server else ("deleted", "restored")
        return [how for how in known if how in self.world.weather.disasters] or ["deleted"]

    def _rewinding(self) -> list[str]:
        """Where a look can still find everything, and nothing is taken down that an unknown object may refer to, a
        journal may silently have lost its end."""
        world = self.world
        destroys = self.destroys or world.hands or self.manifest.moved
        possible = world.lists == "fresh" and not world.read_lag and not destroys and self._copies.backups
        return ["rewound"] if possible and "rewound" in world.weather.disasters else []

    def swap(self, how: str) -> None:
        """The journal is deleted, an earlier copy takes its place, or a database fails over and loses its end."""
        self.world.fault(self.name, f"{how} journal")
        contents = self._copies.instead(how)
        self.store.restore(contents)
        states = [state for state in contents.runs.values() if not state.shared] if contents else []
        known = {s.source for s in states if not all(chain.decode(text).tabular for text in (*s.was, s.inputs))}
        self.unheard |= {(run, self.world.now) for run in {*self.runs} - {*map(run_of, known)}}
        self.forgotten |= self.resent
        self.lost, self.forgot_at = True, self.world.now
        self._unlearn()
        if self.script[0] == "destroy":  # people run before they destroy with a journal that forgot, or keep it then
            keep = self.world.strikes(f"regret {self.name}", self.world.regret)
            self.script[:1] = ["run"] if keep else ["run", "destroy"]
            self.stage += 1
        elif self.script[0] in SWITCHING:
            self._insert("run")
        if self.script[0] not in ("destroy", "recover") and self._rng.random() < 0.3:
            self._insert("recover")

    def _insert(self, command: str) -> None:
        self.script.insert(0, command)
        self.stage += 1

    def _unlearn(self) -> None:
        """A journal that forgot learns from the platform that something is off, if that is still there, and stays."""
        off = {thing.owner[0] for thing in self.platform.live() if not thing.on}
        for run in self.runs:
            if self.on[run] is False and (run not in off or self.script[0] in TAKING_DOWN):
                self.on[run] = None

    # a silent process

    def froze(self, process: Process) -> None:
        """A server's store: another process takes over. A file: the lock holds, unless another file takes its place."""
        if process is not self.process:
            return
        if not self.store.exclusive:
            self.world.after(STALE, self._overtake, process, False)
        elif self.world.strikes(f"journal {self.name}", self.world.disaster):
            self.world.after(1, self._overtake, process, True)

    def _overtake(self, process: Process, swap: bool) -> None:
        if process is self.process and process.busy and process.frozen and not self.outcome:
            if swap:
                self.swap("deleted")
            self.process = None
            self._start()
