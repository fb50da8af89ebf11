"""The forms of a manifest with one source a line: CSV for spreadsheets, and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from yaml import YAMLError

from workflows.onboarding.chains import nameable
from workflows.onboarding.manifest.mistakes import Notes, Path, did_you_mean, nearest, quoted, shown
from workflows.onboarding.manifest.yaml_events import Place, YamlEntry, YamlEvents
from workflows.sources import CHAINS

CSV_HEADINGS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "connector": ("connector",),
    "chain": ("chain",),
    "base_connection": ("base_connection",),
    "table": ("table",),
    "columns": ("columns",),
    "delta_column": ("delta_column",),
    "mappings": ("mappings",),
    "target_class": ("target", "class"),
    "target_field_groups": ("target", "field_groups"),
    "target_schema": ("target", "schema"),
    "target_dataset": ("target", "dataset"),
    "frequency": ("schedule", "frequency"),
    "interval": ("schedule", "interval"),
    "backfill": ("schedule", "backfill"),
    "start": ("schedule", "start"),
    "spread": ("schedule", "spread"),
    "previously": ("previously",),
    **{f"existing_{step}": ("existing", step) for chain in CHAINS for step in nameable(chain)},
}
_PAIRS = {"columns": ":", "mappings": "="}
_BOM = b"\xef\xbb\xbf"


class JsonEntry:
    """A source on a line of its own."""

    __slots__ = ("_line", "_text", "data")

    def __init__(self, data: Any, line: int, text: bytes) -> None:
        self.data = data
        self._line = line
        self._text = text

    def locate(self, path: Path) -> Place | None:
        """Where the key or item at `path` stands, or None when there is none."""
        if not path:
            return self._line, len(self._text) - len(self._text.lstrip()) + 1
        entry = self._by_events(Notes("", set()))
        place = entry.locate(path) if entry else None
        return None if place is None else (self._line, place[1])

    def note_repeats(self, notes: Notes) -> None:
        """Keys that are there twice are mistakes: of them JSON keeps the last."""
        if _repeats(self._text):
            found = Notes("", set())
            if self._by_events(found) is None:
                notes.add((self._line, 1), "a key is there twice")
            for mistake in found.mistakes:
                notes.add((self._line, mistake.column), mistake.message)

    def _by_events(self, notes: Notes) -> YamlEntry | None:
        """The line as YAML, which knows the place of each key; None for JSON that libyaml does not take, as
        "\ud83d\ude00"."""
        events = YamlEvents(io.BytesIO(self._text), notes)
        try:
            events.next()
            events.next()
            return events.entry(events.next())
        except YAMLError:
            return None


def json_entries(stream: Iterable[bytes], notes: Notes) -> Iterator[JsonEntry]:
    """One source a line; empty lines mean nothing."""
    line = 0
    for line, raw in enumerate(stream, 1):
        text = raw.removeprefix(_BOM) if line == 1 else raw
        if not text.strip():
            continue
        try:
            entry = JsonEntry(orjson.loads(text), line, text)
        except orjson.JSONDecodeError as error:
            notes.add((line, error.colno), f"not valid JSON: {error.msg}")
        else:
            entry.note_repeats(notes)
            yield entry
    if line == 0:
        notes.add((1, 1), "the file is empty")


def _repeats(text: bytes) -> bool:
    """Whether an object of this JSON, which is valid, has a key twice."""
    repeats = False

    def count(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeats
        repeats = repeats or len(dict(pairs)) < len(pairs)

    json.loads(text, object_pairs_hook=count)
    return repeats


class RowEntry:
    """A source in a row of a table."""

    __slots__ = ("_cells", "_delimiter", "_line", "_text", "data")

    def __init__(self, line: int, text: str, delimiter: str, cells: Mapping[Path, int]) -> None:
        self.data: dict[str, Any] = {}
        self._line = line
        self._text = text
        self._delimiter = delimiter
        self._cells = cells

    def locate(self, path: Path) -> Place | None:
        """Where the cell of `path` begins, or None when there is no column for it."""
        if not path:
            return self._line, 1
        return self.cell(self._cells[path]) if path in self._cells else None

    def cell(self, index: int) -> Place:
        """Where the cell with that number begins."""
        line, start, inside, may_quote = self._line, 0, False, True
        for at, char in enumerate(self._text):
            if index == 0:
                return line, at - start + 1
            if char == '"' and may_quote:
                inside = not inside  # and a second one right behind it is a quote within the cell
                continue
            if char == self._delimiter and not inside:
                index -= 1
            elif char == "\n":
                line, start = line + 1, at + 1
            may_quote = inside or char == self._delimiter
        return line, len(self._text) - start + 1


def csv_entries(stream: Iterable[bytes], notes: Notes) -> Iterator[RowEntry]:
    """One source a row, under a row of headings; commas, semicolons or tabs between the cells."""
    table = _Table(stream, notes)
    try:
        yield from table.entries()
    except UnicodeDecodeError as error:
        notes.add((table.line, error.start + 1), "not UTF-8 text", 'save it as "CSV UTF-8"')
    except csv.Error as error:
        notes.add((table.line, 1), f"not valid CSV: {shown(str(error))}")


class _Table:
    def __init__(self, stream: Iterable[bytes], notes: Notes) -> None:
        self._stream = stream
        self._notes = notes
        self._read: list[str] = []
        self.line = 0

    def entries(self) -> Iterator[RowEntry]:
        lines = self._lines()
        first = next((line for line in lines if line.strip()), None)
        if first is None:
            self._notes.add((1, 1), "the file is empty")
            return
        delimiter = max(",;\t", key=first.count)
        headings = [heading.strip() for heading in next(csv.reader([first], delimiter=delimiter, strict=True))]
        paths = self._paths(headings, RowEntry(self.line, first, delimiter, {}))
        cells_of: dict[Path, int] = {path: index for index, path in enumerate(paths) if path}
        self._read.clear()
        start = self.line + 1
        for cells in csv.reader(lines, delimiter=delimiter, strict=True):
            entry = RowEntry(start, "".join(self._read), delimiter, cells_of)
            if any(cells):
                self._fill(entry, cells, paths)
                yield entry
            self._read.clear()
            start = self.line + 1

    def _lines(self) -> Iterator[str]:
        for raw in self._stream:
            self.line += 1
            text = (raw.removeprefix(_BOM) if self.line == 1 else raw).decode()
            self._read.append(text)
            yield text

    def _paths(self, headings: list[str], row: RowEntry) -> list[tuple[str, ...]]:
        """Where the cells of each column belong; an unknown heading is taken for the one that was probably meant."""
        paths = []
        for index, heading in enumerate(headings):
            meant = heading
            if heading and heading not in CSV_HEADINGS:
                near = did_you_mean(heading, CSV_HEADINGS)
                self._notes.add(row.cell(index), f"unknown column heading {quoted(heading)}", near)
                meant = nearest(heading, CSV_HEADINGS.keys() - set(headings)) or ""
            elif heading and heading in headings[:index]:
                self._notes.add(row.cell(index), f"duplicate column heading {quoted(heading)}")
            paths.append(CSV_HEADINGS.get(meant, ()))
        return paths

    def _fill(self, entry: RowEntry, cells: list[str], paths: list[tuple[str, ...]]) -> None:
        for index, cell in enumerate(cells):
            if not (text := cell.strip()):
                continue
            if index >= len(paths):
                self._notes.add(entry.cell(index), "a cell without a heading")
                break
            if path := paths[index]:
                *outer, key = path
                place = entry.data.setdefault(outer[0], {}) if outer else entry.data
                place[key] = self._value(key, text, entry, index)

    def _value(self, key: str, text: str, entry: RowEntry, index: int) -> object:
        if key in _PAIRS:
            return self._pairs(text, _PAIRS[key], entry, index)
        if key == "field_groups":
            return [item.strip() for item in text.split(";")]
        if key == "interval" and text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
        if key == "backfill" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        return text

    def _pairs(self, text: str, between: str, entry: RowEntry, index: int) -> dict[str, str]:
        """`a:b;c:d` as a mapping. What lacks its second half gets an empty one, which is a mistake later."""
        pairs: dict[str, str] = {}
        for item in text.split(";"):
            if not item.strip():
                continue
            left, found, right = item.rpartition(between)
            name, value = (left.strip(), right.strip()) if found else (right.strip(), "")
            if name in pairs:
                self._notes.add(entry.cell(index), f"{quoted(name)} is there twice")
            pairs[name] = value
        return pairs
