"""One source of a manifest while it is checked, and what a check is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from workflows.onboarding.manifest.mistakes import Flaw, Path
from workflows.onboarding.manifest.schema import SourceEntry

Check: TypeAlias = "Callable[[Inspected], Iterator[Flaw]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A source under inspection: `merged` with its defaults, `own` without. `label` is what messages call it.

    `columns` are the names of all its columns, also of those that were written wrongly. `excused` are paths at which
    nothing may be called missing, because something is wrong with them already.
    """

    merged: SourceEntry
    own: SourceEntry
    label: str
    columns: Collection[str]
    excused: Collection[Path] = ()

    def misses(self, *path: str) -> bool:
        """Whether what is not at `path` may be called missing."""
        return not any(path[:length] in self.excused for length in range(1, len(path) + 1))
