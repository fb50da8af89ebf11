"""The first look at a source: pydantic's verdict on keys and types, in the words of the manifest.

What is wrong is cut out and the rest is looked at further, so that one run of the reader tells
all mistakes, and none that merely follows from another.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from workflows.onboarding.manifest.mistakes import Flaw, Path, did_you_mean, nearest, quoted, shown
from workflows.onboarding.manifest.schema import (
    COLUMN_TYPES,
    SOURCE,
    ColumnEntry,
    ConnectionEntry,
    DefaultsEntry,
    ScheduleEntry,
    SourceEntry,
    TargetEntry,
)

T = TypeVar("T", DefaultsEntry, SourceEntry)

_NESTED_KEYS = {
    "base_connection": tuple(ConnectionEntry.__annotations__),
    "columns": tuple(ColumnEntry.__annotations__),
    "schedule": tuple(ScheduleEntry.__annotations__),
    "target": tuple(TargetEntry.__annotations__),
}
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys to values",
    "list_type": "a list",
}


def shaped(kind: TypeAdapter[T], data: dict[str, Any], label: str) -> tuple[T, list[Flaw], set[Path]]:
    """The usable part of `data`, what is wrong with the rest, and the paths that were cut out for that, whose
    absence is no further flaw."""
    try:
        return kind.validate_python(data), [], set()
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
    flaws, excused, rest = [], set(), data
    for detail in details:
        path: Path = _untagged(detail["loc"])
        known = _known(kind, path)
        flaws.append(_problem(detail, path, _at(data, path), label, known))
        cut = path[:-1] if detail["type"] == "missing" else path
        excused |= {cut, (*path[:-1], nearest(str(path[-1]), known) or "")}
        rest = _without(rest, cut)
    usable, further, more = shaped(kind, rest, label)
    return usable, flaws + further, excused | more


def _known(kind: TypeAdapter[T], path: Path) -> tuple[str, ...]:
    """The keys that there are where the last one of `path` stands."""
    if len(path) == 1:
        return tuple((SourceEntry if kind is SOURCE else DefaultsEntry).__annotations__)
    return _NESTED_KEYS.get(str(path[0]), ())


def _problem(detail: ErrorDetails, path: Path, value: object, label: str, known: tuple[str, ...]) -> Flaw:
    kind = detail["type"]
    if kind == "extra_forbidden":
        where = label if len(path) == 1 else f"{_name(path[:-1])} of {label}"
        return Flaw(path, f"unknown key {quoted(str(path[-1]))} in {where}", did_you_mean(str(path[-1]), known))
    if kind == "missing":
        return Flaw(path, f"{_name(path[:-1])} of {label} has no {path[-1]}")
    if kind == "string_too_short":
        return Flaw(path, f"{_name(path)} is empty")
    if kind == "literal_error":
        types = f"{_name(path)} must have one of the types {', '.join(COLUMN_TYPES)}"
        return Flaw(path, types, did_you_mean(value, COLUMN_TYPES) if isinstance(value, str) else None)
    if path == ("base_connection",):
        return Flaw(path, "base_connection must be the id of an existing one, or a mapping with name and auth")
    bare = isinstance(value, bool | int) and kind == "string_type" and "auth" not in path
    quotes = f"write it in quotes: {quoted(str(value).lower())}" if bare else None
    return Flaw(path, f"{_name(path)} must be {_EXPECTED.get(kind, 'something else')}", quotes)


def _name(path: Path) -> str:
    match path:
        case ("columns", column):
            return f"column {quoted(str(column))}"
        case ("columns", column, key):
            return f"{key} of column {quoted(str(column))}"
        case ("mappings", column):
            return f"mapping of {quoted(str(column))}"
        case (*keys, int()):
            return f"an item of {'.'.join(map(str, keys))}"
        case _:
            return ".".join(shown(str(key)) for key in path)


def _untagged(loc: Path) -> Path:
    """The path without the names that pydantic gives to the branches of a union."""
    match loc:
        case ("base_connection", _, *rest):
            return ("base_connection", *rest)
        case ("columns", column, _, *rest):
            return ("columns", column, *rest)
        case _:
            return loc


def _at(data: Any, path: Path) -> object:
    for key in path:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _without(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """A copy that lacks what is at `path`; lists are cut out whole, for their positions must hold."""
    key, *rest = path
    if key not in data:
        return data
    if rest and isinstance(data[str(key)], dict):
        return {**data, str(key): _without(data[str(key)], tuple(rest))}
    return {name: value for name, value in data.items() if name != key}
