"""What one person's manifest says of some runs, and how it comes to say something else."""

from __future__ import annotations

from engine.simulation.chain import ADOPTED, OWN, Inputs, chain
from engine.simulation.chain import SHARED as SHARED_TARGET
from engine.simulation.world import World
from engine.wanted import Item

MOVES = {"own": OWN, "share": SHARED_TARGET, "adopt": ADOPTED}
"""Commands that run with another target: whose the schema is to be."""


class Manifest:
    """`called`: what each run is called, `before`: what it was called before. `targets`: whose the schema of each run
    was to be, the last one now; `chains`: the same, whether its chain was the tabular one. `mended`: runs of which it
    came to say something else."""

    def __init__(self, world: World, runs: list[str]) -> None:
        self.world, self.runs = world, runs
        self.called, self.before = dict(zip(runs, runs, strict=True)), dict[str, str]()
        self.content, self.table = dict.fromkeys(runs, 0), dict.fromkeys(runs, 0)
        self.targets = {run: [ADOPTED if world.adopted == (run, "schema") else OWN] for run in runs}
        self.chains = {run: [world.tabular] for run in runs}
        self.mended: set[str] = set()

    @property
    def moved(self) -> bool:
        """Whether a run was to have another target, or chain, before."""
        return any(len(self.targets[run]) > 1 or len(self.chains[run]) > 1 for run in self.runs)

    @property
    def replaces(self) -> bool:
        """Whether people have allowed that something is taken down: as they must where a copied journal knows runs
        under other inputs than they have."""
        return any(self.table.values()) or self.moved or "copy" in self.world.faults

    def inputs(self, run: str) -> Inputs:
        """What it says of a run."""
        return Inputs(
            content=self.content[run],
            table=self.table[run],
            adopts="source" if self.world.adopted == (run, "source") else "",
            target=self.targets[run][-1],
            tabular=self.chains[run][-1],
        )

    def items(self) -> list[Item]:
        """All that it says."""
        return [
            Item(workflow=chain, source=self.called[run], previously=self.before.get(run), inputs=self.inputs(run))
            for run in self.runs
        ]

    def mend(self, run: str) -> None:
        """Say something else of a run, while it is at work."""
        self.content[run] += 1
        self.mended.add(run)

    def change(self, command: str) -> list[str]:
        """Say of runs that are finished what the command is to apply, and return of which."""
        if command not in ("change", "replace", "chain", "rename", *MOVES):
            return []
        # what is called otherwise already was renamed before a journal broke, and it is done again
        runs = [run for run in self.runs if command != "rename" or run not in self.before]
        for run in runs:
            self.mended.add(run)
            if command in MOVES:
                self.targets[run].append(MOVES[command])
            elif command == "chain":
                self.chains[run].append(not self.chains[run][-1])
            elif command == "replace":
                self.table[run] += 1
            elif command == "change":
                self.content[run] = int(not self.content[run])  # the second time, back to what it was
            else:
                self.before[run], self.called[run] = self.called[run], f"{self.called[run]}.1"
        return runs
