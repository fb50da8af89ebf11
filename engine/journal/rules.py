"""What every journal agrees on, whatever it is stored in. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from enum import Enum

from engine.errors import StorageError, TakenOver, UnknownRun
from engine.model import Known, NewRun, RunState, RunStatus, replace
from engine.ports import Standing

RUN_CHANGES = (
    "status",
    "generation",
    "suspect",
    "doomed",
    "begun_by",
    "failure",
    "finished_at",
    "definition",
    "inputs_print",
    "inputs",
    "was",
)
"""The fields of a run that a record writes; all others say who it is or who owns it."""

UNFINISHED = (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.WAITING)
"""States of a shared step for whose receipt another process waits."""

POLL = 0.5
"""Seconds between two looks at a shared step that another process is making."""

PATIENCE = 600.0
"""Seconds after which a shared step is taken from a process that lives but does not get on (it may be frozen).
Longer than any settle: taking over is safe at any time (the fence), but restarts the other's proof."""

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def token(choice: Callable[[str], str] = secrets.choice) -> str:
    """Eight characters that no other opening of a journal has."""
    return "".join(choice(ALPHABET) for _ in range(8))


def judge(known: Known | None, suspect: bool, run: NewRun) -> Standing:
    """What registering `run` finds. A suspect run counts as unfinished, since its receipts are only claims until they
    are checked (rule 7)."""
    if known is None:
        return Standing.NEW
    same = (known.inputs_print, known.source) == (run.inputs_print, run.source)
    if known.status is not RunStatus.DONE or suspect:
        return Standing.CONTINUED
    return Standing.UNCHANGED if same else Standing.CHANGED


def inputs_before(was: tuple[str, ...], old: str, new: str, *, begun: bool) -> tuple[str, ...]:
    """The inputs that steps may still have once a run gets new ones. `begun`: whether the run may have begun with the
    old ones, also by another journal (rule 7)."""
    return tuple(text for text in dict.fromkeys((*was, old)) if text != new) if begun else ()


def names_before(formerly: tuple[str, ...], run: NewRun, source: str) -> tuple[str, ...]:
    """The names that a source had before, once it is called as `run` says."""
    if source == run.source:
        return formerly
    return tuple(name for name in dict.fromkeys((source, *formerly)) if name != run.source)


def takes(standing: Standing, run: NewRun, changing: Collection[str]) -> bool:
    """Whether registering a run that is there puts it to work, with its new inputs."""
    return standing is Standing.CONTINUED or (standing is not Standing.NEW and run.run_id in changing)


class Turn(Enum):
    """What `claim_shared` may do now."""

    OWN = "own"
    READ = "read"
    """Its owner has finished it: its receipt may be used, but who did not take it over may not write of it."""
    WAIT = "wait"


def turn(status: RunStatus, suspect: bool, *, theirs: bool) -> Turn:
    """Whose turn a shared step is; `theirs`: another live process owns it."""
    if not theirs:
        return Turn.OWN
    if status is RunStatus.DONE and not suspect:
        return Turn.READ
    return Turn.WAIT if status in UNFINISHED else Turn.OWN


def to_read(run: RunState) -> RunState:
    """A run that was not taken over: no record that names its epoch is ever kept."""
    return replace(run, epoch=-1)


def fenced(run: RunState) -> TakenOver:
    """The error for a record with a stale epoch."""
    return TakenOver(
        f"{run.source}: another process has taken this run over", "let it finish, or stop it and run the command again"
    )


def unknown(run_id: str) -> UnknownRun:
    """The error for a run that is not there."""
    return UnknownRun(f"the journal has no run {run_id}")


def reading_only() -> StorageError:
    """The error for a write to a journal that was opened for reading."""
    return StorageError("the journal is open for reading only")
