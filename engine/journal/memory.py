"""A journal in memory, for simulations: the same behaviour on virtual time, with faults at will.

`MemoryStore` is the place with its durable contents, `MemoryJournal` one opening of it by one process. A simulation
crashes a process by `close()`, swaps the store by `restore()`, and bends commits by a hook.
"""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, field

from engine.errors import JournalLocked
from engine.journal import rules
from engine.journal.memory_journal import Hook, MemoryJournal, undisturbed
from engine.journal.pause import Pause
from engine.model import Event, RunState, replace
from engine.ports import Clock

__all__ = ["Contents", "Hook", "MemoryJournal", "MemoryStore"]


@dataclass(slots=True, kw_only=True)
class Contents:
    """Everything durable. `identity` is the store that these contents believe to be in."""

    name: str = ""
    identity: object = None
    runs: dict[int, RunState] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    batches: dict[int, int] = field(default_factory=dict)
    history: dict[int, tuple[Event, ...]] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    last_batch: int = 0

    def copy(self) -> Contents:
        """A copy that later changes do not reach."""
        return Contents(
            name=self.name,
            identity=self.identity,
            runs=dict(self.runs),
            keys=dict(self.keys),
            batches=dict(self.batches),
            history=dict(self.history),
            definitions=dict(self.definitions),
            pauses=dict(self.pauses),
            last_batch=self.last_batch,
        )


class MemoryStore:
    """A place for a journal. `exclusive`: one opening at a time, as with SQLite; otherwise many, as with PostgreSQL.

    `rng` draws the names of journals and processes; give a seeded one to replay a schedule.
    """

    def __init__(self, *, exclusive: bool = True, rng: random.Random | None = None) -> None:
        self.exclusive = exclusive
        self.contents = Contents()
        self.identity = object()
        self.living: set[str] = set()
        self._choice = rng.choice if rng else secrets.choice

    def snapshot(self) -> Contents:
        """What a backup of this moment holds."""
        return self.contents.copy()

    def restore(self, contents: Contents | None = None) -> None:
        """Put another store in this one's place, with the contents of a backup; None: it was deleted.

        Journals that are open keep the old one and are fenced at their next commit.
        """
        self.contents = contents.copy() if contents else Contents()
        self.identity = object()
        self.living = set()

    def open(self, clock: Clock, *, hook: Hook = undisturbed, read_only: bool = False) -> MemoryJournal:
        """Open it as a new process. Raises `JournalLocked` while another one has an exclusive store."""
        if self.exclusive and self.living and not read_only:
            raise JournalLocked("the journal is in use by another process", "wait for it, or stop it")
        contents = self.contents
        replaced = contents.identity not in (None, self.identity)
        if not read_only:
            if contents.identity is not self.identity:
                contents.name, contents.identity = "j" + rules.token(self._choice), self.identity
            if replaced:
                contents.runs = {key: replace(run, suspect=True) for key, run in contents.runs.items()}
        process = rules.token(self._choice)
        if not read_only:
            self.living.add(process)
        return MemoryJournal(self, clock, hook, process=process, replaced=replaced, read_only=read_only)
