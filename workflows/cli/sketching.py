"""A manifest that is to get more sources: what it says already, and what has to be said of new ones."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import yaml

from engine.resource import Adopt
from workflows.cli.failures import Refusal
from workflows.onboarding.chains import target_spec
from workflows.onboarding.inputs import Target
from workflows.onboarding.manifest.insert import NoPlace, Source, inserted, written
from workflows.onboarding.manifest.mistakes import ManifestErrors, Mistake, Notes
from workflows.onboarding.manifest.yaml_file import Defaults, yaml_entries
from workflows.resources import Field, SchemaSpec
from workflows.sources import SourceType

PROFILE = "https://ns.adobe.com/xdm/context/profile"
USUAL_TARGET = {"class": PROFILE, "field_groups": [f"{PROFILE}-person-details", f"{PROFILE}-personal-details"]}
USUAL_SCHEDULE = {"frequency": "hour", "interval": 1}
SUGGESTED, NOTHING = "suggested by name and type: look at them", "no field is alike: say where the columns go"
FORMS = (".yaml", ".yml", ".json")


class Seen(Protocol):
    """A table that was looked at, and what may be made of it."""

    @property
    def table(self) -> str: ...
    @property
    def columns(self) -> Sequence[Field]: ...
    @property
    def mappings(self) -> Mapping[str, str]: ...
    @property
    def delta(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """The manifest. `text` is None where there is none yet; `there` has each table and base connection in it."""

    file: Path | None
    text: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    there: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, file: Path | None) -> Self:
        """What a file says already. Raises `ManifestErrors` for one that is no manifest, `Refusal` for one of another
        form."""
        if file is None or not file.exists():
            _writable(file)
            return cls(file=file)
        _writable(file)
        try:
            with file.open(encoding="utf-8", newline="") as stream:
                text = stream.read()
        except UnicodeDecodeError as error:
            raise Refusal(f"{file}: not UTF-8 text at byte {error.start}", "save it as UTF-8") from error
        mistakes = set[Mistake]()
        defaults: Mapping[str, Any] = {}
        names, there = set[str](), set[tuple[str, str]]()
        for entry in _entries(text, Notes(str(file), mistakes)):
            if isinstance(entry, Defaults):
                defaults = entry.entry.data if isinstance(entry.entry.data, Mapping) else {}
            elif isinstance(entry, Mapping):
                base = entry.get("base_connection", defaults.get("base_connection"))
                names.add(str(entry.get("name")))
                there.add((str(entry.get("table")), base if isinstance(base, str) else ""))
        if mistakes:
            raise ManifestErrors(mistakes)
        return cls(file=file, text=text, defaults=defaults, names=frozenset(names), there=frozenset(there))

    @property
    def target(self) -> SchemaSpec | Adopt:
        """The schema that a new source's data goes to."""
        spec = self._spec(self._target())
        return spec if isinstance(spec, Adopt) or spec.all_of[0] else self._spec(USUAL_TARGET)

    @staticmethod
    def _spec(said: Mapping[str, Any]) -> SchemaSpec | Adopt:
        groups = tuple(str(group) for group in said.get("field_groups", ()))
        named = {key: said.get(key) for key in ("schema", "dataset")}
        return target_spec(Target(klass=said.get("class") or "", field_groups=groups, **named))

    def add(self, base_id: str, source: SourceType, seen: Sequence[Seen]) -> tuple[dict[str, Any], list[str]]:
        """Write new sources into the file; each by its name, and the tables that are in it already."""
        there = [one.table for one in seen if {(one.table, base_id), (one.table, "")} & self.there]
        new = [one for one in seen if one.table not in there]
        said = self._said(base_id, source)
        defaults, own = ({}, said) if self.text is not None else (said, {})
        added: dict[str, Any] = {}
        entries = []
        for one in new:
            name = _free(one.table, self.names | added.keys())
            added[name] = one
            entries.append(_entry(name, one, own))
        if entries:
            comment = SUGGESTED if any(one.mappings for one in new) else NOTHING
            self.save([(entry, {"mappings": comment}) for entry in entries], defaults)
        return added, there

    def _target(self) -> Mapping[str, Any]:
        said = self.defaults.get("target")
        usable = isinstance(said, Mapping) and any(said.get(key) for key in ("class", "schema", "dataset"))
        return said if usable and isinstance(said, Mapping) else USUAL_TARGET

    def _said(self, base_id: str, source: SourceType) -> dict[str, Any]:
        """What the defaults do not say, or say otherwise."""
        defaults, said = self.defaults, dict[str, Any]()
        if defaults.get("connector") != source.key:
            said["connector"] = source.key
        if defaults.get("chain", source.chains[0]) not in source.chains:
            said["chain"] = source.chains[0]
        if defaults.get("base_connection") != base_id:
            said["base_connection"] = base_id
        if not isinstance(defaults.get("schedule"), Mapping):
            said["schedule"] = USUAL_SCHEDULE
        if self._target() is USUAL_TARGET:
            said["target"] = USUAL_TARGET
        return said

    def save(self, sources: Sequence[Source], defaults: Mapping[str, Any] | None = None) -> None:
        """Write more sources into the file; `defaults` for a new one. Raises `Refusal`."""
        if self.file is None:
            raise ValueError("nowhere to write to")
        try:
            text = written(sources, defaults or {}) if self.text is None else inserted(self.text, sources)
        except (NoPlace, yaml.YAMLError) as error:
            raise Refusal(f"{self.file}: nothing can be added: {error}", "add the sources by hand") from error
        before = [entry for entry in _entries(self.text or "") if isinstance(entry, Mapping)]
        after = [entry for entry in _entries(text) if isinstance(entry, Mapping)]
        if after != [*before, *(source for source, _ in sources)]:
            raise Refusal(f"{self.file}: its sources would not be the same afterwards", "add them by hand")
        _replace(self.file, text)


def _entry(name: str, seen: Seen, said: Mapping[str, Any]) -> dict[str, Any]:
    delta = {"delta_column": seen.delta} if seen.delta else {}
    columns = {column.name: column.type for column in seen.columns}
    return {"name": name, **said, "table": seen.table, "columns": columns, **delta, "mappings": dict(seen.mappings)}


def _free(table: str, names: frozenset[str] | set[str]) -> str:
    """A name for the source of a table that no other source has."""
    number = 1
    while (name := table if number == 1 else f"{table}-{number}") in names:
        number += 1
    return name


def _entries(text: str, notes: Notes | None = None) -> Iterator[Any]:
    """The defaults, marked, and the sources as plain data, one at a time."""
    import io

    for entry in yaml_entries(io.BytesIO(text.encode()), notes or Notes("", set())):
        yield entry if isinstance(entry, Defaults) else entry.data


def _writable(file: Path | None) -> None:
    if file is not None and file.suffix.lower() not in FORMS:
        raise Refusal(f"{file}: sources are added to YAML and JSON files ({', '.join(FORMS)}) only")


def _replace(file: Path, text: str) -> None:
    """The new text in place of the old, at once: a crash leaves the one or the other."""
    file = file.resolve()
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o666 & ~_umask()
    with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", newline="", delete=False) as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
        os.fchmod(new.fileno(), mode)
    Path(new.name).replace(file)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
