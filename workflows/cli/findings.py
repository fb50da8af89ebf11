"""What is wrong with sources, gathered before anything is sent, and told with its place in the manifest."""

from __future__ import annotations

from collections.abc import Mapping

from workflows.cli.failures import Refusal, mistakes
from workflows.onboarding.manifest import Flaw, Path, Spool

NAMED = 3
"""How many places are named for one mistake."""

Said = tuple[str, Path]
"""A thing that a source says: the source by name, and the path."""
Place = tuple[str, int, int]
"""File, line, column; a column of 0 is not known."""


class Findings:
    """Problems of sources; the same one of many sources is one mistake."""

    def __init__(self, manifest: str, spool: Spool) -> None:
        self._manifest, self._spool = manifest, spool
        self._found: dict[tuple[str, str | None], dict[Said, None]] = {}

    def note(self, source: str, flaw: Flaw) -> None:
        """Note what is wrong with the source of that name."""
        self._found.setdefault((flaw.message, flaw.suggestion), {})[source, flaw.path] = None

    def close(self) -> None:
        """Refuse with all that was noted, if anything was. Raises `Refusal`."""
        if not self._found:
            return
        places = self._places()
        told = sorted((*_where(places, said), *what) for what, said in self._found.items())
        lines = [f"{where}  {message}" + (f"; {more}" if more else "") for _, where, message, more in told]
        raise Refusal("\n".join([*lines, mistakes(len(lines))]))

    def _places(self) -> Mapping[Said, Place]:
        """Where the manifest says what is wrong, as far as it is told."""
        wanted: dict[str, set[Path]] = {}
        for said in self._found.values():
            for source, path in list(said)[: NAMED + 1]:
                wanted.setdefault(source, set()).add(path)
        found = {(source, path): (file, *place) for source, path, file, place in self._spool.places(wanted)}
        for source, paths in wanted.items():
            line = self._spool.line_of(source) or 1
            for path in paths:
                found.setdefault((source, path), (self._manifest, line, 0))
        return found


def _where(places: Mapping[Said, Place], said: Mapping[Said, None]) -> tuple[Place, str]:
    """The first place, to sort by; and the first ones as people read them, with how many more there are."""
    first = list(dict.fromkeys(places[it] for it in list(said)[: NAMED + 1]))
    shown = ", ".join(f"{file}:{line}" + (f":{column}" if column else "") for file, line, column in first[:NAMED])
    return first[0], shown + (f" and {len(said) - NAMED:,} more" if len(first) > NAMED else "")
