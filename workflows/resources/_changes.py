"""In which fields two bodies differ, and which of these an object can change in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine import labels
from engine.model import Json
from engine.resource import Change
from workflows.resources._json import text


def changes(before: Json, after: Json, in_place: Callable[[str], bool]) -> list[Change]:
    """The fields in which two objects differ, by dotted path; lists are one field each. Both are normal forms: what a
    kind compares of a request body and of a stored object, spelled in the same way."""
    found = _differing(before, after)
    return [Change(path=path, before=old, after=new, in_place=in_place(path)) for path, old, new in found]


def within(*roots: str) -> Callable[[str], bool]:
    """Whether a path is one of these, or below one."""
    return lambda path: any(path == root or path.startswith(f"{root}.") for root in roots)


def described(others: Sequence[Change], content: Json, body: Json) -> list[Change]:
    """These changes, and the description, where somebody wrote another one for people to read; the attempt that it
    names does not count. A change of the name brings a description of its own."""
    found, wanted = (labels.plain(text(one, "description") or "") for one in (content, body))
    if found in ("", wanted) or "name" in (change.path for change in others):  # none may be one that is not shown
        return [*others]
    return [*others, Change(path="description", before=found, after=wanted, in_place=True)]


def grows(before: Json, after: Json) -> bool:
    """Whether `after` has everything that `before` has, with the same values: an object may grow, but lose nothing."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return all(key in after and after[key] == value for key, value in before.items())
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return all(item in after for item in before)
    return before is None


def _differing(before: Json, after: Json, path: str = "") -> Iterator[tuple[str, Json, Json]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from _differing(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif _plain(before) != _plain(after):
        yield path, before, after


def _plain(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
