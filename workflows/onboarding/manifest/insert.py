"""Adding sources to a manifest that people wrote: at the end of its list, everything else as it is, byte for byte.

The places come from the parser's own events, so that comments, order and quotes need no model of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import yaml
from yaml.error import Mark
from yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

_PLAIN = (
    re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*"),
    re.compile(r"https://[A-Za-z0-9_./-]+"),
    re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
)
"""Names, addresses, ids: what YAML cannot take for anything else."""
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
LONGEST = 60
"""Characters of a mapping or list that stands on one line."""
_EMPTY = ("", "null", "Null", "NULL", "~")


class NoPlace(ValueError):
    """Nothing can be added to this manifest. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where to put the sources: the characters to replace, and how deep the list's dashes stand; None: in brackets."""

    start: int
    end: int
    indent: int | None
    after: str = ""
    """What goes before the new sources."""


Source = tuple[Mapping[str, Any], Mapping[str, str]]
"""A source, and those of its keys that get a comment."""


def inserted(text: str, sources: Sequence[Source]) -> str:
    """The manifest with more sources. Raises `NoPlace`, and yaml.YAMLError where the text is no YAML."""
    spot = _spot(text)
    if spot.indent is None:
        new = ", ".join(json.dumps(source, ensure_ascii=False) for source, _ in sources)
    else:
        new = "\n".join(_block(source, spot.indent, comments) for source, comments in sources) + "\n"
    new = spot.after + new
    return text[: spot.start] + (new.replace("\n", "\r\n") if "\r\n" in text else new) + text[spot.end :]


def written(sources: Sequence[Source], defaults: Mapping[str, Any]) -> str:
    """A new manifest."""
    head = "\n".join(["defaults:", *_lines(defaults, 2, {})]) + "\n\n" if defaults else ""
    body = "\n".join(_block(source, 2, comments) for source, comments in sources)
    return f"version: 1\n\n{head}sources:\n{body}\n"


# --- where ------------------------------------------------------------------------------------------------------------


def _spot(text: str) -> _Spot:
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    next(events)
    next(events, None)
    root = next(events, None)
    if not isinstance(root, MappingStartEvent):
        raise NoPlace("it is not a mapping with the keys version, defaults, sources")
    for key in events:
        if isinstance(key, MappingEndEvent):
            break
        value = next(events)
        if isinstance(key, ScalarEvent) and key.value == "sources":
            return _in_list(text, key, value, events, in_brackets=bool(root.flow_style))
        for _ in _rest(value, events):
            pass
    if root.flow_style:
        raise NoPlace("it has no sources")
    return _Spot(start=len(text), end=len(text), indent=2, after=("" if text.endswith("\n") else "\n") + "sources:\n")


def _in_list(text: str, key: Event, value: Event, events: Iterator[Event], *, in_brackets: bool) -> _Spot:
    if isinstance(value, ScalarEvent) and value.value in _EMPTY and not value.style and not in_brackets:
        return _instead(text, key, _end(value))
    if not isinstance(value, SequenceStartEvent) or value.anchor is not None:
        raise NoPlace("its sources are not a plain list")
    inside = list(_rest(value, events))
    closing = inside[-1]
    if not value.flow_style:
        return _below(text, _mark(value).column, inside)
    if len(inside) == 1 and not in_brackets:
        return _instead(text, key, _end(closing))
    start = _mark(closing).index
    before = text[:start].rstrip()
    return _Spot(start=start, end=start, indent=None, after="" if before.endswith(("[", ",")) else ", ")


def _instead(text: str, key: Event, end: Mark) -> _Spot:
    """Below the key, in place of nothing; a comment behind it stays where it is."""
    start = _end(key).index + 1
    after = max(start, end.index)
    line_end = text.find("\n", after)
    rest = text[after : len(text) if line_end < 0 else line_end].rstrip()
    place = len(text) if line_end < 0 else line_end + 1
    return _Spot(start=start, end=place, indent=_mark(key).column + 2, after=f"{rest}\n")


def _below(text: str, indent: int, inside: list[Event]) -> _Spot:
    """After the last line of a block list, and the comments that belong to its last item."""
    last = 0
    for event in inside:
        if isinstance(event, NodeEvent | MappingEndEvent | SequenceEndEvent) and _ends_itself(event):
            mark = _end(event)
            last = max(last, mark.line if mark.column else mark.line - 1)
    lines = text.splitlines(keepends=True)
    at = last + 1
    for number in range(at, len(lines)):
        line = lines[number].strip()
        if line and not line.startswith("#"):
            break
        if line and len(lines[number]) - len(lines[number].lstrip(" ")) > indent:
            at = number + 1
    place = len("".join(lines[:at]))
    return _Spot(start=place, end=place, indent=indent, after="" if text[:place].endswith("\n") else "\n")


def _ends_itself(event: Event) -> bool:
    """Whether the event's end is that of its text: block lists and mappings end where the next thing begins."""
    if isinstance(event, ScalarEvent):
        return True
    return isinstance(event, MappingEndEvent | SequenceEndEvent) and _end(event).index > _mark(event).index


def _rest(value: Event, events: Iterator[Event]) -> Iterator[Event]:
    """The events of a value after its first."""
    depth = int(isinstance(value, MappingStartEvent | SequenceStartEvent))
    while depth:
        event = next(events)
        depth += isinstance(event, MappingStartEvent | SequenceStartEvent)
        depth -= isinstance(event, MappingEndEvent | SequenceEndEvent)
        yield event


def _mark(event: Event) -> Mark:
    return cast("Mark", event.start_mark)


def _end(event: Event) -> Mark:
    return cast("Mark", event.end_mark)


# --- what -------------------------------------------------------------------------------------------------------------


def _block(source: Mapping[str, Any], indent: int, comments: Mapping[str, str]) -> str:
    first, *others = _lines(source, indent + 2, comments)
    return "\n".join([f"{' ' * indent}- {first.lstrip(' ')}", *others])


def _lines(value: Mapping[str, Any], indent: int, comments: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    for key, item in value.items():
        start, note = f"{' ' * indent}{_scalar(key)}:", f"   # {comments[key]}" if key in comments else ""
        if isinstance(item, Mapping) and item and not _fits_a_line(item):
            found += [start + note, *_lines(item, indent + 2, {})]
        elif isinstance(item, list) and len(_inline(item)) > LONGEST:
            found += [start + note, *(f"{' ' * (indent + 2)}- {_inline(one)}" for one in item)]
        else:
            found.append(f"{start} {_inline(item)}{note}")
    return found


def _fits_a_line(value: Mapping[str, Any]) -> bool:
    return len(_inline(value)) <= LONGEST and not any(isinstance(item, list | Mapping) for item in value.values())


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    """Text as a plain scalar where nobody can misread it, else in double quotes."""
    plain = any(form.fullmatch(text) for form in _PLAIN) and text.lower() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)
