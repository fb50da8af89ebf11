"""What is on the platform: objects, and what each was at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

SHARED = "*"
"""The run to which shared steps belong."""
PEOPLE = "people"
"""The name of a schema that runs share."""


def run_of(source: str) -> str:
    """The run, whatever it is called by now: `a.1` is what `a` was renamed to."""
    return source.partition(".")[0]


def owner(kind: str, name: str) -> tuple[str, str]:
    """(run, step) of an object, by its name; shared steps belong to `*`."""
    source = run_of(name.split(" ", maxsplit=1)[0])
    return SHARED if kind == "base" or source == PEOPLE else source, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object at one time."""

    id: str
    kind: str
    name: str
    content: int
    table: int
    refs: tuple[str, ...]
    note: str
    etag: int
    created: float
    on: bool = True

    @property
    def owner(self) -> tuple[str, str]:
        """(run, step)."""
        return owner(self.kind, self.name)

    def __str__(self) -> str:
        off = "" if self.on else ", off"
        refs = " ".join(self.refs) or "-"
        return f"{self.id} (content {self.content}/{self.table}, refs {refs}, note {self.note!r}{off})"


History: TypeAlias = "dict[str, list[tuple[float, Thing | None]]]"
"""By id: (since, what it was then; None: deleted)."""


def see(history: History, id: str, when: float) -> Thing | None:
    """The object as it was then."""
    seen = None
    for since, thing in history.get(id, ()):
        if since <= when:
            seen = thing
    return seen
