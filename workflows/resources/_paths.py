"""The fields of a resolved schema, and the one that somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from engine.model import Json
from workflows.resources._json import table


def schema_paths(schema: Json) -> list[str]:
    """The dotted paths of all fields of a resolved schema that hold a value themselves."""
    return list(_leaves(schema, ""))


def nearest(path: str, paths: list[str]) -> str | None:
    """The path that is most like this one; None when none is much like it."""
    found = get_close_matches(path, paths, n=1, cutoff=0.7)
    return found[0] if found else None


def _leaves(schema: Json, prefix: str) -> Iterator[str]:
    for name, field in table(schema, "properties").items():
        path = f"{prefix}{name}"
        if table(field, "properties"):
            yield from _leaves(field, f"{path}.")
        else:
            yield path
