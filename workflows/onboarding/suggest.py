"""What a table's columns may mean: the field of the target that each is like, and the one that tells what is new. Pure.

Suggestions are for a person to look at: by name and type, and rather none than a wild one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from workflows.resources import Field, Fields

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_WHOSE = frozenset({"account", "caller", "contact", "customer", "display", "full", "requester", "sys", "u", "user"})
"""Words that say whose a value is, or nothing at all."""
_GENERAL = {"address": "email", "number": "phone", "fullName": "name"}
"""Last parts of a path that say nothing by themselves, and what must stand before them."""
_VAGUE = frozenset(
    "address code extension id label number primary state status statusReason type validity".split()  # noqa: SIM905
)
"""Last parts of a path that mean something else in a table."""
_PREFERRED = ("person", "personal", "mobile", "home")
_CHANGED = frozenset({"changed", "modified", "modstamp", "updated"})
_MADE = frozenset({"closed", "created", "opened", "resolved"})


class _Candidate(NamedTuple):
    strange: int
    """Words of the path that the column has not."""
    idle: int
    """Words of the column that say whose the value is, or nothing."""
    rank: int
    path: str
    column: str


def suggest_mappings(columns: Sequence[Field], target: Fields) -> dict[str, str]:
    """For each column that a field of the target is like in name and type, the path of that field; no path twice."""
    leaves = [(path, kind) for path, kind in target.leaves() if path == "_id" or not path.startswith("_")]
    candidates = [
        candidate
        for column in columns
        for path, kind in leaves
        if kind == column.type and (candidate := _alike(column.name, path))
    ]
    found: dict[str, str] = {}
    for candidate in sorted(candidates):
        if candidate.column not in found and candidate.path not in found.values():
            found[candidate.column] = candidate.path
    return {column.name: found[column.name] for column in columns if column.name in found}


def suggest_delta_column(columns: Sequence[Field]) -> str | None:
    """The column of times that tells which rows are new: rather one of changes than one of beginnings."""
    times = [column.name for column in columns if column.type == "date-time"]
    times = times or [column.name for column in columns if column.type == "date"]
    return min(times, key=_age, default=None)


def _age(name: str) -> int:
    words = _words(name)
    return 0 if words & _CHANGED else 2 if words & _MADE else 1


def _alike(column: str, path: str) -> _Candidate | None:
    """The path as a candidate for the column, or None."""
    words = _words(column.rpartition(".")[2])
    bare = words - _WHOSE or words
    idle = len(words - bare)
    *parents, last = path.split(".")
    rank = min((_PREFERRED.index(word) for word in _words(path) if word in _PREFERRED), default=len(_PREFERRED))
    if path == "_id":
        return _Candidate(0, 0, 0, path, column) if bare == {"id"} else None
    if parents and _GENERAL.get(last) in (core := _words(parents[-1])):
        wanted = _GENERAL[last]
        if wanted in bare and bare <= core:
            return _Candidate(len(core - bare), idle, rank, path, column)
        return None
    if last in _VAGUE or _words(last) != bare:
        return None
    return _Candidate(0, idle, rank, path, column)


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(name))
