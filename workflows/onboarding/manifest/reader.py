"""Reads a manifest of any form, source by source, and tells all its mistakes at the end."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path as FilePath
from typing import IO, Any, Protocol, cast

from workflows.onboarding.inputs import Inputs
from workflows.onboarding.manifest.across import Across
from workflows.onboarding.manifest.check import flaws, texts
from workflows.onboarding.manifest.inspected import Check, Inspected
from workflows.onboarding.manifest.line_files import csv_entries, json_entries
from workflows.onboarding.manifest.merge import built, merged
from workflows.onboarding.manifest.mistakes import Flaw, ManifestErrors, Mistake, Notes, Path, quoted
from workflows.onboarding.manifest.schema import DEFAULTS, SOURCE, DefaultsEntry, SourceEntry
from workflows.onboarding.manifest.shape import shaped
from workflows.onboarding.manifest.sniff import EXTENSIONS, sniffed
from workflows.onboarding.manifest.yaml_events import Place
from workflows.onboarding.manifest.yaml_file import Defaults, yaml_defaults, yaml_entries

STDIN = "-"
_ANY_DEFAULT: frozenset[Path] = frozenset((key,) for key in DefaultsEntry.__annotations__)
"""What no source should be said to lack when its defaults could not be read."""


def read_manifest(path: str, defaults: FilePath | None = None) -> Iterator[Inputs]:
    """The sources of a manifest, `-` being stdin, one at a time and in its order.

    `defaults` is a YAML file that says what the sources and the manifest's own defaults do not.
    Nothing may be done with a source before the last one came: ManifestErrors, with all mistakes,
    is raised at the end, and sources with mistakes are left out until then.
    """
    reader = Reader(path, defaults)
    yield from reader.sources()
    if reader.mistakes:
        raise ManifestErrors(reader.mistakes)


def find_places(
    path: str, defaults: FilePath | None, wanted: Mapping[str, Collection[Path]]
) -> Iterator[tuple[str, Path, str, Place]]:
    """Where these sources, by name, say these things, by path: in which file, and where in it.

    The manifest is read again for it, so nothing is found in what came from stdin or is not there any more.
    """
    if path != STDIN:
        yield from Reader(path, defaults).places(wanted)


def examined(
    data: dict[str, Any],
    defaults: DefaultsEntry,
    label: str,
    excused: Collection[Path] = (),
    settled: set[Check] | None = None,
) -> tuple[SourceEntry, list[Flaw]]:
    """A source with its defaults merged in, and all that is wrong with it, apart from other sources. `label`: what
    messages call it; `excused`: paths whose absence is no flaw; `settled`: as for `flaws`."""
    own, found, wrong = shaped(SOURCE, data, label)
    said = merged(own, defaults)
    names = data["columns"] if isinstance(data.get("columns"), dict) else said.get("columns", {})
    source = Inspected(merged=said, own=own, label=label, columns=names, excused={*wrong, *excused})
    return said, found + flaws(source, set() if settled is None else settled)


class Entry(Protocol):
    """A source as it was read, whatever the form of the file."""

    @property
    def data(self) -> Any: ...

    def locate(self, path: Path) -> Place | None: ...


class Reader:
    """One manifest on its way from a file to inputs; `lines` has the line of each source by its name's hash."""

    def __init__(self, path: str, defaults: FilePath | None) -> None:
        self.mistakes: set[Mistake] = set()
        self._path = path
        self._notes = Notes("stdin" if path == STDIN else path, self.mistakes)
        self._across = Across(self._notes)
        self.lines = self._across.lines
        self._defaults: SourceEntry = {}
        self._layers: list[tuple[Notes, Entry]] = []
        self._excused: set[Path] = set()
        self._settled: set[Check] = set()
        if defaults is not None:
            self._read_defaults(defaults)

    def sources(self) -> Iterator[Inputs]:
        """The sources in which nothing is wrong; `mistakes` is complete after the last one."""
        try:
            with nullcontext(sys.stdin.buffer) if self._path == STDIN else FilePath(self._path).open("rb") as stream:
                for entry in self._entries(stream):
                    if isinstance(entry, Defaults):
                        self._layer(self._notes, entry.entry)
                    elif inputs := self._source(entry):
                        yield inputs
        except OSError as error:
            hint = "headway init writes one" if isinstance(error, FileNotFoundError) else None
            self._notes.add((0, 0), f"cannot be read: {error.strerror}", hint)
        self._across.finish()

    def note_nothing(self) -> None:
        """There are no sources."""
        hint = "`headway destroy --removed` takes down what it named before"
        self._notes.add((0, 0), "names no sources, so there is nothing to do", hint)

    def places(self, wanted: Mapping[str, Collection[Path]]) -> Iterator[tuple[str, Path, str, Place]]:
        """Where the sources say what is wanted, or the defaults for them."""
        with suppress(OSError), FilePath(self._path).open("rb") as stream:
            for entry in self._entries(stream):
                if isinstance(entry, Defaults):
                    self._layer(self._notes, entry.entry)
                elif isinstance(entry.data, dict) and isinstance(name := entry.data.get("name"), str):
                    for path in wanted.get(name, ()):
                        notes, origin = self._origin(entry, path)
                        yield name, path, notes.file, _place(origin, path)

    def _entries(self, stream: IO[bytes]) -> Iterator[Entry | Defaults]:
        extension = FilePath(self._path).suffix.lower()
        form = EXTENSIONS.get(extension)
        if form is None and extension not in ("", *EXTENSIONS):
            known = ", ".join(EXTENSIONS)
            self._notes.add((0, 0), f"unknown kind of file {quoted(extension)}; there are {known}")
            return
        if form is None:
            form, stream = sniffed(stream)
        if form == "csv":
            yield from csv_entries(stream, self._notes)
        elif form == "lines":
            yield from json_entries(stream, self._notes)
        else:
            yield from yaml_entries(stream, self._notes)

    def _read_defaults(self, path: FilePath) -> None:
        notes = Notes(str(path), self.mistakes)
        entry = None
        try:
            with path.open("rb") as stream:
                entry = yaml_defaults(stream, notes)
        except OSError as error:
            notes.add((0, 0), f"cannot be read: {error.strerror}")
        if entry is None:
            self._excused |= _ANY_DEFAULT
        else:
            self._layer(notes, entry)

    def _layer(self, notes: Notes, entry: Entry) -> None:
        """Puts defaults over those that were read before."""
        if not isinstance(entry.data, dict):
            notes.add(_place(entry, ()), "defaults must be a mapping of keys to values")
            self._excused |= _ANY_DEFAULT
            return
        usable, found, excused = shaped(DEFAULTS, entry.data, "the defaults")
        for flaw in (*found, *texts(usable)):
            notes.add(_place(entry, flaw.path), flaw.message, flaw.suggestion)
        self._defaults = merged(cast("SourceEntry", usable), self._defaults)
        self._layers.insert(0, (notes, entry))
        self._excused |= excused
        self._settled.clear()

    def _source(self, entry: Entry) -> Inputs | None:
        if not isinstance(entry.data, dict):
            self._notes.add(_place(entry, ()), "a source must be a mapping of keys to values")
            return None
        name = entry.data.get("name")
        label = f"source {quoted(name)}" if name and isinstance(name, str) else "this source"
        said, found = examined(entry.data, self._defaults, label, self._excused, self._settled)
        locate = partial(_place, entry)
        if isinstance(name, str):
            self._across.name(name, locate)
        if not found:
            if self._excused:  # the defaults are wrong, which is told already: there is nothing to build on
                return None
            inputs = built(said)
            self._across.source(inputs, locate)
            return inputs
        for flaw in found:
            notes, origin = self._origin(entry, flaw.path)
            notes.add(_place(origin, flaw.path), flaw.message, flaw.suggestion)
        return None

    def _origin(self, entry: Entry, path: Path) -> tuple[Notes, Entry]:
        """Who says what is at `path`: the source itself, or the defaults."""
        said = path[: 2 if path[:1] in (("target",), ("schedule",)) else 1]
        layers = [(self._notes, entry), *self._layers]
        return next((layer for layer in layers if _has(layer[1].data, said)), layers[0])


def _has(data: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


def _place(entry: Entry, path: Path) -> Place:
    """Where the value at `path` stands, or else what it would stand in."""
    while (place := entry.locate(path)) is None and path:
        path = path[:-1]
    return place or (1, 1)
