"""The fields of a resolved schema: their paths and types, and the one that somebody may have meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property

from engine.model import Json
from workflows.resources._json import table, text

_KEY = re.compile(r"(?:\\.|[^.\\])+")
_DEEPEST = 20
_KEPT = 4096
"""Paths whose types are kept: many sources ask for the same ones."""


class Fields:
    """The fields of a schema whose references are resolved, by dotted paths. A type is one of a column (`string`,
    `date-time`, …), or `object`, `array` or `map` for what holds values only inside."""

    def __init__(self, properties: Mapping[str, Json]) -> None:
        self._properties = properties
        self._types: dict[str, str | None] = {}

    def leaves(self) -> Iterator[tuple[str, str]]:
        """Every field that holds a value itself, with its type."""
        return _leaves(self._properties, "", _DEEPEST)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The paths of `leaves`."""
        return tuple(path for path, _ in self.leaves())

    def type_at(self, path: str) -> str | None:
        """The type of the field at `path`, None when there is none. `[0]` and `[*]` step into an array, any key into a
        map; a dot inside a name is escaped."""
        if path not in self._types:
            if len(self._types) == _KEPT:
                self._types.clear()
            self._types[path] = self._type_at(path)
        return self._types[path]

    def _type_at(self, path: str) -> str | None:
        field: Json = {"properties": self._properties}
        for key in _KEY.findall(path):
            name, _, index = key.replace("\\.", ".").partition("[")
            field = table(field, "properties").get(name) or table(field).get("additionalProperties")
            if index:
                field = table(field).get("items")
            if not isinstance(field, Mapping):
                return None
        return type_of(field)

    def nearest(self, path: str) -> str | None:
        """The path that is most like this one; None when none is much like it."""
        found = get_close_matches(path, self.paths, n=1, cutoff=0.7)
        return found[0] if found else None


def type_of(field: Json, otherwise: str | None = None) -> str:
    """The type of a field or column in the words of the manifest; `otherwise` says its format where it has none."""
    kind, form = text(field, "type") or "", text(field, "format") or otherwise
    if kind in ("", "object"):
        map_ = isinstance(table(field).get("additionalProperties"), Mapping) and not table(field, "properties")
        return "map" if map_ else "object"
    return form if kind == "string" and form in ("date", "date-time") else kind


def _leaves(properties: Mapping[str, Json], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for name, field in properties.items():
        inner, path = table(field, "properties"), f"{prefix}{name}"
        if inner and depth:
            yield from _leaves(inner, f"{path}.", depth - 1)
        elif (kind := type_of(field)) not in ("object", "array", "map"):
            yield path, kind
