"""The YAML form of a manifest (and its JSON form, which is YAML too): version, defaults, sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from yaml.error import MarkedYAMLError
from yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from workflows.onboarding.manifest.mistakes import Notes, did_you_mean, nearest, quoted
from workflows.onboarding.manifest.yaml_events import Place, YamlEntry, YamlEvents, place_of

KEYS = ("version", "defaults", "sources")


class Defaults:
    """Marks the entry of a manifest's defaults; every other entry is a source."""

    def __init__(self, entry: YamlEntry) -> None:
        self.entry = entry


def yaml_entries(stream: IO[bytes], notes: Notes) -> Iterator[YamlEntry | Defaults]:
    """The defaults, if there are any, then the sources, one at a time."""
    try:
        yield from _Document(stream, notes).entries()
    except (MarkedYAMLError, ReaderError) as error:
        note_broken(error, notes)


def yaml_defaults(stream: IO[bytes], notes: Notes) -> YamlEntry | None:
    """What a file of defaults says: its `defaults`, or else all of it. Another manifest will do, too."""
    try:
        return _Document(stream, notes).only_defaults()
    except (MarkedYAMLError, ReaderError) as error:
        note_broken(error, notes)
        return None


def note_broken(error: MarkedYAMLError | ReaderError, notes: Notes) -> None:
    """Note that the file is no YAML, and where."""
    if isinstance(error, ReaderError):
        notes.add((0, 0), f"not readable as text at byte {error.position + 1}: {error.reason}")
    else:
        mark = error.problem_mark
        place = (0, 0) if mark is None else (mark.line + 1, mark.column + 1)
        notes.add(place, f"not valid YAML: {error.problem}")


class _Document:
    """The top level of a manifest, read key by key."""

    def __init__(self, stream: IO[bytes], notes: Notes) -> None:
        self._events = YamlEvents(stream, notes)
        self._notes = notes
        self._seen: set[str] = set()
        self._meant: set[str | None] = set()

    def entries(self) -> Iterator[YamlEntry | Defaults]:
        root = self._root()
        if root is None:
            return
        while not isinstance(key := self._events.next(), MappingEndEvent):
            if isinstance(key, ScalarEvent):
                yield from self._key(key.value, place_of(key), self._events.next())
            else:
                self._notes.add(place_of(key), "a key must be text")
                self._events.entry(key)
                self._events.entry(self._events.next())
        for missing, how in (("version", 'begin with "version: 1"'), ("sources", None)):
            if missing not in self._seen | self._meant:
                self._notes.add(place_of(root), f"{missing} is missing", how)
        self._events.next()
        if not isinstance(more := self._events.next(), StreamEndEvent):
            self._notes.add(place_of(more), "a second document (---) in the file; a manifest is one")

    def only_defaults(self) -> YamlEntry | None:
        root = self._root()
        if root is None:
            return None
        whole = self._events.entry(root, until="sources")
        said = [key for key in KEYS if key in whole.data]
        if not said and not self._events.stopped:
            return whole
        for key in whole.data:
            if key == "version":
                self._version(whole.data[key], whole.locate((key,)) or (1, 1))
            elif key != "defaults":
                self._unknown(key, whole.locate((key,)) or (1, 1))
        if "defaults" in whole.data:
            return whole.part("defaults")
        self._notes.add((1, 1), "there are no defaults in it, or they stand after sources")
        return None

    def _root(self) -> MappingStartEvent | None:
        self._events.next()
        if isinstance(self._events.next(), StreamEndEvent):
            self._notes.add((1, 1), "the file is empty")
            return None
        root = self._events.next()
        if isinstance(root, MappingStartEvent):
            return root
        self._notes.add(place_of(root), "must be a mapping with the keys version, defaults, sources")
        return None

    def _key(self, key: str, place: Place, value: Event) -> Iterator[YamlEntry | Defaults]:
        if key in self._seen:
            self._notes.add(place, f"duplicate key {quoted(key)}")
        elif key == "sources" and isinstance(value, SequenceStartEvent):
            self._seen.add(key)
            while not isinstance(item := self._events.next(), SequenceEndEvent):
                yield self._events.entry(item)
            return
        entry = self._events.entry(value)
        if key in self._seen:
            return
        self._seen.add(key)
        if key not in KEYS:
            self._unknown(key, place)
        if key == "version":
            self._version(entry.data, place)
        elif key == "sources":
            self._notes.add(place, "sources must be a list")
        elif "defaults" in (key, nearest(key, KEYS)):
            if "sources" in self._seen:
                self._notes.add(place, "defaults must stand before sources")
            yield Defaults(entry)

    def _version(self, version: object, place: Place) -> None:
        if version is True or version != 1:
            self._notes.add(place, "version must be 1, the only one that this headway reads")

    def _unknown(self, key: str, place: Place) -> None:
        self._notes.add(place, f"unknown key {quoted(key)}", did_you_mean(key, KEYS))
        self._meant.add(nearest(key, KEYS))
