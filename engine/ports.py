"""What the engine needs of its surroundings: a clock, pacing, a journal. For resources see `resource.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from engine.model import Event, Known, NewRun, Record, RunState, RunStatus, Scope


class Clock(Protocol):
    """Time. The one place where the engine meets it."""

    def wall(self) -> float:
        """Epoch seconds; may jump. For people and for what the other side must read."""
        ...

    def boot(self) -> float:
        """Seconds on a clock that never steps and that also runs while the machine sleeps (rule 1)."""
        ...


class Gate(Protocol):
    """Permits to send, per service family."""

    async def enter(self, family: str, turn: int | None = None) -> None:
        """Wait for a permit. The lowest `turn` of those who wait gets it first; None is for what only reads, and goes
        early."""
        ...

    def try_enter(self, family: str, turn: int) -> bool:
        """Take a permit if one is free at this moment, and nobody waits for it whose turn comes before; whether it
        was."""
        ...

    def leave(self, family: str) -> None:
        """Give a permit back."""
        ...

    def paused(self, family: str) -> float:
        """Seconds for which the family must not be sent to (a pause of its own, or the moment for which all families
        wait after a refusal), else 0."""
        ...

    def troubled(self, family: str) -> bool:
        """Whether an outage or a pause is in force, so that a failure now is nobody's own."""
        ...


class Standing(StrEnum):
    """What registering a run found (`plan`, `run`)."""

    NEW = "new"
    """The journal did not have it."""
    CONTINUED = "continued"
    """It is not finished, or was destroyed: it goes on."""
    UNCHANGED = "unchanged"
    """It is finished, and its inputs and name are the same."""
    CHANGED = "changed"
    """It is finished, and its inputs or its name are others now."""


class Journal(Protocol):
    """The durable store of runs. One process owns what it writes; every write names the run's epoch.

    `name` identifies the journal's contents and is planted in sentinels; a replaced journal gets a new one.
    `process` identifies this opening. `replaced`: the store is not the one it recorded itself to be (rule 7).
    Every method raises `StorageError` when the store fails, and every writing one `Fenced`.
    """

    name: str
    process: str
    replaced: bool

    async def register(
        self, batch: int, runs: Sequence[NewRun], changing: Collection[str] = ()
    ) -> Sequence[tuple[Standing, Known]]:
        """Enter runs into the journal and enroll them in `batch`, in one transaction; what was found of each, in the
        order of `runs`, `Known` being as it was before.

        New runs are inserted. Unfinished and destroyed runs, and those whose id is in `changing`, get the new inputs
        (rule 9), which raises their epoch: whoever works on the old ones is fenced. Only destroyed ones get the new
        definition, too; for the others the runner checks it first. All other finished runs are left alone, and not
        enrolled; a suspect run is not finished (rule 7). A run that is there only under the name that it had before
        gets the new name. The journal remembers earlier inputs (`RunState.was`) and names (`formerly`).
        """
        ...

    async def compare(self, runs: Sequence[NewRun]) -> Sequence[tuple[Standing, Known | None]]:
        """What `register` would find, without writing."""
        ...

    async def new_batch(self) -> int:
        """A number for `register`, `enroll` and `claim`."""
        ...

    async def enroll(self, batch: int, statuses: Collection[RunStatus], run_ids: Collection[str] | None = None) -> int:
        """Put the runs that are in these states (of these ids; None: of any) into `batch`; returns how many."""
        ...

    async def claim(self, batch: int, *, begun: bool, after: int, limit: int) -> Sequence[RunState]:
        """Own the next runs of a batch with key > `after`, begun ones or not yet begun ones, in order of key, with
        their steps. Owning raises the epoch."""
        ...

    async def claim_one(self, run_id: str) -> RunState:
        """Own one run, whatever its state. Raises `UnknownRun`."""
        ...

    async def claim_shared(self, run: NewRun) -> RunState:
        """Own the pseudo-run of a shared step, creating it if need be. While another live process owns an unfinished
        one, waits for its receipt; a finished one of a live process is returned to be read: no record of it is kept
        until `claim_one` has taken it over."""
        ...

    async def write(self, record: Record) -> None:
        """Durable on return. Raises `Fenced` when the run's epoch is stale; then nothing of the record is kept."""
        ...

    async def load(self, run_id: str) -> RunState:
        """One run with its steps, without owning it. Raises `UnknownRun`."""
        ...

    def stream(
        self,
        *,
        statuses: Collection[RunStatus] | None = None,
        run_ids: Collection[str] | None = None,
        shared: bool = False,
    ) -> AsyncIterator[RunState]:
        """Runs with their steps, by source name (code points); never all in memory. `shared`: pseudo-runs instead."""
        ...

    async def counts(self) -> Mapping[RunStatus, int]:
        """How many runs (without pseudo-runs) are in each state."""
        ...

    def history(self, key: int, step: str | None = None) -> AsyncIterator[Event]:
        """What was recorded of a run's steps, oldest first."""
        ...

    async def scopes(self) -> Sequence[Scope]:
        """The scopes of all runs (rule 8)."""
        ...

    async def define(self, fingerprint: str, text: str) -> None:
        """Keep the text of a workflow's definition under its fingerprint."""
        ...

    async def definition(self, fingerprint: str) -> str | None:
        """The text kept by `define`."""
        ...

    async def pause(self, family: str, seconds: float) -> None:
        """Remember that a family must not be sent to for so long from now."""
        ...

    async def pauses(self) -> Mapping[str, float]:
        """For how many seconds families must still not be sent to, as far as `pause` remembered: never longer than was
        asked for, and never shorter on one machine that stays up, however the wall clock was set meanwhile."""
        ...
