"""Markers: derived names by which an object can be found again, and notes that say which attempt made it. Pure.

A name is readable by people and ends with the marker (rule 2). Its alphabet, `A-Z a-z 0-9 - _ .` and single inner
spaces, has no character that means something in a filter, so that every name can be searched for by construction.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from engine.model import RunState, replace, value
from engine.resource import Label

MAX_NAME = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_OURS = re.compile(r"\. headway attempt=[A-Za-z0-9-]*| (?:journal|generation)=[A-Za-z0-9-]+")
_NOTE = re.compile(r"\b(attempt|journal|generation)=([A-Za-z0-9-]+)")


@value
class Note:
    """What a note says: the attempt that made the object; in a sentinel, its journal and the run's generation."""

    attempt: str = ""
    journal: str = ""
    generation: int = 0


def marker(run: RunState, step: str, generation: int) -> str:
    """`hw` and 14 hex digits derived from (workflow, org, sandbox, source or share key, step, generation)."""
    of = f"{run.source}\0shared" if run.shared else run.source
    scope = run.scope
    parts = f"{run.workflow}\0{scope.org}\0{scope.sandbox}\0{of}\0{step}\0{generation}"
    return "hw" + hashlib.blake2b(parts.encode(), digest_size=7).hexdigest()


def name(run: RunState, step: str, generation: int) -> str:
    """The name to plant: source, step, marker."""
    tail = f"{step.replace('_', ' ')} {marker(run, step, generation)}"
    head = run.source.rpartition(":")[2] if run.shared else run.source
    safe = _safe(head)[: MAX_NAME - len(tail) - 1].strip("-. ")
    return f"{safe} {tail}" if safe else tail


@lru_cache(maxsize=4096)  # a run asks once for each of its steps
def _safe(text: str) -> str:
    return _UNSAFE.sub("-", text)


def names(run: RunState, step: str, *, unique: bool, since: int = 0) -> tuple[str, ...]:
    """Every name the object may bear: one per generation up to the run's (from `since` on); a title is the same in all
    (rule 2). A source that was renamed has those of its earlier names, too."""
    generations = (0,) if unique else range(since, run.generation + 1)
    return tuple(name(called, step, g) for called in _called(run) for g in generations)


def source_of(run: RunState, step: str, named: str, *, unique: bool) -> str | None:
    """Under which name of the source an object got its name; None: under none."""
    alone = (replace(called, formerly=()) for called in _called(run))
    return next((called.source for called in alone if named in names(called, step, unique=unique)), None)


def generation_of(run: RunState, step: str, named: str) -> int:
    """Of which generation a name is; -1: of none."""
    found = [g for called in _called(run) for g in range(run.generation + 1) if name(called, step, g) == named]
    return max(found, default=-1)


def _called(run: RunState) -> list[RunState]:
    """The run under each of its names."""
    return [run, *(replace(run, source=source) for source in run.formerly)]


def label(run: RunState, step: str, tag: str, *, unique: bool, sentinel_of: str | None) -> Label:
    """The label of a new attempt. `sentinel_of`: the journal's name, when the step is the run's sentinel."""
    full = name(run, step, 0 if unique else run.generation)
    note = f"{full.rpartition(' ')[0]}. headway attempt={tag}"
    if sentinel_of:
        note += f" journal={sentinel_of} generation={run.generation}"
    return Label(name=full, note=note, attempt=tag)


def parse(note: str) -> Note:
    """Read a note; total: a note that is not ours gives an empty one."""
    found = dict(_NOTE.findall(note))
    generation = found.get("generation", "0")
    return Note(
        attempt=found.get("attempt", ""),
        journal=found.get("journal", ""),
        generation=int(generation) if generation.isdecimal() else 0,
    )


def plain(note: str) -> str:
    """What a note says to people: without the attempt, the journal and the generation."""
    return _OURS.sub("", note)


def signed(note: str, journal: str, generation: int) -> str:
    """A sentinel's note with another journal and generation in it."""
    bare = re.sub(r" (journal|generation)=[A-Za-z0-9-]+", "", note)
    return f"{bare} journal={journal} generation={generation}"
