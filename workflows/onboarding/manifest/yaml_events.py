"""YAML one value at a time: never the whole document, so that memory does not grow with the file.

The values are those of YAML 1.2: `yes`, `on` and dates are text, and keys always are. The parser's
events already carry every place, so a source keeps its events and looks a place up when it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import IO, Any, cast

from yaml import CSafeLoader
from yaml.error import Mark
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from workflows.onboarding.manifest.mistakes import Notes, Path, quoted

Place = tuple[int, int]

DEEPEST = 20
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = ("!", _TAG + "str")
_STANDARD_TAGS = {None, "!", *(_TAG + name for name in ("str", "int", "bool", "null", "map", "seq"))}
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")  # more digits are an id
_NUMERIC = frozenset("+-0123456789")
_STARTS = (MappingStartEvent, SequenceStartEvent)
_ENDS = (MappingEndEvent, SequenceEndEvent)


def place_of(event: Event) -> Place:
    """Line and column of an event, from 1."""
    mark = cast("Mark", event.start_mark)
    return mark.line + 1, mark.column + 1


class _Resolved(Event):
    """An alias that knows the events that it stands for."""

    def __init__(self, alias: Event, events: list[Event]) -> None:
        super().__init__(alias.start_mark, alias.end_mark)
        self.events = events


class YamlEntry:
    """A value with the events that it was made from."""

    __slots__ = ("_base", "_events", "data")

    def __init__(self, data: Any, events: list[Event], base: Path = ()) -> None:
        self.data = data
        self._events = events
        self._base = base

    def part(self, key: str) -> YamlEntry:
        """The entry of one of its keys."""
        return YamlEntry(self.data[key], self._events, (*self._base, key))

    def locate(self, path: Path) -> Place | None:
        """Where the key or item at `path` stands, or None when there is none."""
        return _find(self._events, 0, self._base + path)


class YamlEvents:
    """The events of a stream, and the values that they make. Raises yaml.YAMLError where it is no YAML."""

    def __init__(self, stream: IO[bytes], notes: Notes) -> None:
        self._next = cast("Callable[[], Event]", CSafeLoader(stream).get_event)
        self._notes = notes
        self._anchors: dict[str, tuple[Any, list[Event]]] = {}
        self._events: list[Event] = []
        self._until: str | None = None
        self.stopped = False

    def next(self) -> Event:
        """The next event; nothing is kept of those before it."""
        event = self._next()
        self._events = [event]
        return event

    def entry(self, event: Event, until: str | None = None) -> YamlEntry:
        """The value that begins with `event`, the latest one; of a mapping only what stands before
        its key `until`, and then no more can be read."""
        self._until = until
        return YamlEntry(self._value(event, 0), self._events)

    def _value(self, event: Event, depth: int) -> Any:
        start = len(self._events) - 1
        if depth > DEEPEST:
            self._notes.add(place_of(event), "nested too deeply")
            self._skip(event)
            return None
        kind = type(event)
        if kind is ScalarEvent:
            value: Any = self._scalar(cast("ScalarEvent", event))
        elif kind is MappingStartEvent:
            value = self._mapping(depth + 1)
        elif kind is SequenceStartEvent:
            value = self._sequence(depth + 1)
        else:
            return self._alias(cast("AliasEvent", event))
        if (anchor := cast("NodeEvent", event).anchor) is not None:
            self._anchors[anchor] = (value, self._events[start:])
        return value

    def _step(self) -> Event:
        event = self._next()
        self._events.append(event)
        return event

    def _mapping(self, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        step, keep = self._next, self._events.append
        while True:
            keep(key := step())
            if type(key) is MappingEndEvent:
                break
            if type(key) is not ScalarEvent:
                self._notes.add(place_of(key), "a key must be text")
                self._skip(key)
                self._skip(self._step())
                continue
            name = key.value
            if name == self._until and depth == 1:
                self.stopped = True
                self._events[-1] = MappingEndEvent()
                break
            keep(event := step())
            if type(event) is ScalarEvent and event.anchor is None:  # as most are
                value = self._scalar(event)
            else:
                value = self._value(event, depth)
            if name == "<<" and key.implicit[0]:
                merged.extend(self._merged(key, value))
            elif name in result:
                self._notes.add(place_of(key), f"duplicate key {quoted(name)}")
            else:
                result[name] = value
        for mapping in merged:
            result = {**mapping, **result}
        return result

    def _merged(self, key: Event, value: Any) -> list[dict[str, Any]]:
        mappings = value if isinstance(value, list) else [value]
        if all(isinstance(mapping, dict) for mapping in mappings):
            return mappings
        self._notes.add(place_of(key), "<< takes a mapping, or a list of mappings")
        return []

    def _sequence(self, depth: int) -> list[Any]:
        result = []
        while type(item := self._step()) is not SequenceEndEvent:
            result.append(self._value(item, depth))
        return result

    def _scalar(self, event: ScalarEvent) -> str | int | bool | None:
        value: str = event.value
        tag = event.tag
        if tag not in _STANDARD_TAGS:
            self._notes.add(place_of(event), "tags are not used in a manifest")
        if tag in _TEXT_TAGS or (tag is None and not event.implicit[0]):
            return value
        if value in _WORDS:
            return _WORDS[value]
        return int(value) if value[0] in _NUMERIC and _INTEGER.fullmatch(value) else value

    def _alias(self, event: AliasEvent) -> Any:
        known = self._anchors.get(cast("str", event.anchor))
        if known is None:
            self._notes.add(place_of(event), "an alias (*) without its anchor (&) before it")
            return None
        self._events[-1] = _Resolved(event, known[1])
        return known[0]

    def _skip(self, event: Event) -> None:
        depth = 0
        while True:
            depth += isinstance(event, _STARTS) - isinstance(event, _ENDS)
            if depth == 0:
                return
            event = self._step()


def _find(events: list[Event], at: int, path: Path) -> Place | None:
    event = events[at]
    if not path:
        return place_of(event)
    if isinstance(event, _Resolved):
        return _find(event.events, 0, path)
    if isinstance(event, SequenceStartEvent):
        return _find_item(events, at, path)
    if not isinstance(event, MappingStartEvent):
        return None
    key, *rest = path
    merged: list[int] = []
    at += 1
    while not isinstance(events[at], MappingEndEvent):
        end = _after(events, at)
        name = events[at]
        if isinstance(name, ScalarEvent) and name.value == key:
            return _find(events, end, tuple(rest)) if rest else place_of(name)
        if isinstance(name, ScalarEvent) and name.value == "<<":
            merged.append(end)
        at = _after(events, end)
    return next((place for value in merged if (place := _find(events, value, path))), None)


def _find_item(events: list[Event], at: int, path: Path) -> Place | None:
    """An item of a list by its position; of a list of mappings that is merged, the key of any of them."""
    position = 0
    at += 1
    while not isinstance(events[at], SequenceEndEvent):
        if isinstance(path[0], str):
            if place := _find(events, at, path):
                return place
        elif path[0] == position:
            return _find(events, at, path[1:])
        position += 1
        at = _after(events, at)
    return None


def _after(events: list[Event], at: int) -> int:
    """The position after the value that begins at `at`."""
    depth = 0
    while True:
        depth += isinstance(events[at], _STARTS) - isinstance(events[at], _ENDS)
        at += 1
        if depth == 0:
            return at
