"""What is wrong with a source though its keys and types are right: one function for each subject, all pure.

The platform would refuse these later, one by one and halfway; here they are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from workflows.onboarding.manifest.existing import existing_flaws
from workflows.onboarding.manifest.inspected import Check, Inspected
from workflows.onboarding.manifest.merge import SCHEMA_IDS, chain, is_adopted, source_type
from workflows.onboarding.manifest.mistakes import (
    Flaw,
    Path,
    did_you_mean,
    is_safe,
    listed,
    nearest,
    quoted,
    shown,
    unknown_word,
)
from workflows.onboarding.manifest.schedule import schedule_flaws, time_flaws
from workflows.onboarding.manifest.schema import ConnectionEntry, SourceEntry
from workflows.sources import ADHOC, CHAINS, Secret, SourceType, discover, is_reference

LONGEST_NAME = 100
"""Characters of a name: contract 14 assumes that all services take so many."""

_REQUIRED = ("name", "connector", "base_connection", "table", "columns", "mappings")
_NEEDLESS = {"columns": "source_connection", "mappings": "mapping_set"}
"""What need not be said once the object that it describes is adopted."""
BASE_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ADHOC_NAME = re.compile(r"[A-Za-z0-9-][A-Za-z0-9_-]*")  # contract 5.1, 5.3
_XDM_PATH = re.compile(r"[^\s.]+(\.[^\s.]+)*")
_SUSPECT = (b"${", b"\\", b"\x7f")


def flaws(source: Inspected, settled: set[Check]) -> list[Flaw]:
    """All that is wrong with a source, apart from other sources. `settled`: checks that the defaults alone have passed;
    it is kept from source to source, as long as the defaults are the same."""
    found: list[Flaw] = []
    for check, keys in _CHECKS.items():
        inherited = keys.isdisjoint(source.own)
        if inherited and check in settled:
            continue
        wrong = list(check(source))
        found += wrong
        if inherited and not wrong and not source.excused:
            settled.add(check)
    found.extend(texts(source.own))
    return found


def texts(said: Any) -> Iterator[Flaw]:
    """Characters and references that no text of a source may hold; references are for auth alone."""
    raw = orjson.dumps(said)
    if not raw.isascii() or any(sign in raw for sign in _SUSPECT):
        yield from _walk(said, ())


def _walk(value: Any, path: Path) -> Iterator[Flaw]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not is_safe(key):
                yield Flaw((*path, key), f"control characters in {quoted(key)}")
            yield from _walk(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _walk(inner, (*path, position))
    elif isinstance(value, str):
        where = ".".join(shown(str(key)) for key in path)
        if not is_safe(value):
            yield Flaw(path, f"{where} has control characters")
        if "${" in value and path[:2] != ("base_connection", "auth"):
            yield Flaw(path, f"{where} holds a reference; ${{env:…}} and ${{file:…}} are for auth values only")


def _exists(source: Inspected, step: str) -> bool:
    return step in source.merged.get("existing", {})


def _missing(source: Inspected) -> Iterator[Flaw]:
    for key in _REQUIRED:
        if source.merged.get(key) is None and source.misses(key) and not _exists(source, _NEEDLESS.get(key, "")):
            yield Flaw((), f"{source.label} has no {key}")


def _names(source: Inspected) -> Iterator[Flaw]:
    for key in ("name", "previously"):
        name = source.merged.get(key)
        if isinstance(name, str):
            yield from _name((key,), name)


def _name(path: Path, name: str) -> Iterator[Flaw]:
    if name != name.strip():
        yield Flaw(path, f"{quoted(name)} begins or ends with a blank")
    if len(name) > LONGEST_NAME:
        yield Flaw(path, f"{quoted(name)} has {len(name)} characters, {LONGEST_NAME} are the most")


def _connector(source: Inspected) -> Iterator[Flaw]:
    key, wanted, known = source.merged.get("connector"), source.merged.get("chain"), source_type(source.merged)
    if key is not None and known is None:
        yield unknown_word(("connector",), "connector", key, tuple(discover()))
    if wanted is not None and wanted not in CHAINS:
        yield unknown_word(("chain",), "chain", wanted, CHAINS)
    elif wanted is not None and known is not None and wanted not in known.chains:
        path = ("chain",) if "chain" in source.own else ("connector",)
        yield Flaw(path, f"{known.title} has no chain {quoted(wanted)}", f"use {' or '.join(known.chains)}")


def _columns(source: Inspected) -> Iterator[Flaw]:
    columns = source.merged.get("columns")
    if columns is not None and not columns and not source.columns and not _exists(source, "source_connection"):
        yield Flaw(("columns",), "columns is empty")
    adhoc = chain(source.merged) == ADHOC
    for name, shape in (columns or {}).items():
        if not name.strip():
            yield Flaw(("columns", name), "a column without a name")
        elif adhoc and not _ADHOC_NAME.fullmatch(name):
            rule = "letters, digits, - and _ only, and no _ in front"
            yield Flaw(
                ("columns", name),
                f"column {quoted(name)} cannot be in an ad hoc class: {rule}",
                "chain tabular takes it",
            )
        if not isinstance(shape, str):
            yield from _text_form(name, shape["type"], shape.get("format"), shape.get("timezone"))


def _text_form(name: str, type_: str, pattern: str | None, timezone: str | None) -> Iterator[Flaw]:
    for key, value in (("format", pattern), ("timezone", timezone)):
        if value is not None and type_ in ("integer", "number", "boolean"):
            yield Flaw(("columns", name, key), f"column {quoted(name)} of type {type_} has no {key}")
    if pattern is not None and set(pattern) & set("YD"):
        better = pattern.replace("Y", "y").replace("D", "d")
        message = f"format {quoted(pattern)}: Y is the year of a week, D the day of a year"
        yield Flaw(("columns", name, "format"), message, f"did you mean {quoted(better)}?")


def _delta_column(source: Inspected) -> Iterator[Flaw]:
    name, known = source.merged.get("delta_column"), source_type(source.merged)
    if name is not None:
        if source.columns and name not in source.columns:
            message = f"delta_column {quoted(name)} is not a column; the table has {listed(tuple(source.columns))}"
            yield Flaw(("delta_column",), message, did_you_mean(name, source.columns))
        return
    copies = (known is None or known.copies) and not _exists(source, "flow")
    if copies and source.merged["schedule"].get("frequency") != "once" and source.misses("delta_column"):
        yield Flaw((), f"{source.label} has no delta_column", "only frequency: once can do without it")


def _mappings(source: Inspected) -> Iterator[Flaw]:
    mappings = source.merged.get("mappings")
    excused = any(path[:1] == ("mappings",) for path in source.excused) or _exists(source, "mapping_set")
    if mappings is not None and not mappings and not excused:
        yield Flaw(("mappings",), "mappings is empty")
    taken: dict[str, str] = {}
    for name, destination in (mappings or {}).items():
        path = ("mappings", name)
        if source.columns and name not in source.columns:
            message = f"column {quoted(name)} is mapped, but the table has {listed(tuple(source.columns))}"
            yield Flaw(path, message, did_you_mean(name, source.columns))
        if not _XDM_PATH.fullmatch(destination):
            yield Flaw(path, f"{quoted(destination)} is not a path in a schema", "write it as person.name.fullName")
        if destination in taken:
            both = f"{quoted(taken[destination])} and {quoted(name)}"
            yield Flaw(path, f"{both} are both mapped to {quoted(destination)}")
        taken.setdefault(destination, name)


def _connection(source: Inspected) -> Iterator[Flaw]:
    base, known = source.merged.get("base_connection"), source_type(source.merged)
    if isinstance(base, str):
        if not BASE_ID.fullmatch(base):
            message = f"base_connection {quoted(base)} is not an id (8-4-4-4-12 hex digits)"
            yield Flaw(("base_connection",), message, "to create one, give it auth")
    elif base is not None and known is not None:
        yield from _name(("base_connection", "name"), base.get("name") or "")
        yield from _auth(base, known, source)


def _auth(base: ConnectionEntry, known: SourceType, source: Inspected) -> Iterator[Flaw]:
    path, auth = ("base_connection", "auth"), base["auth"]
    for name, value in auth.items():
        param = known.param(name)
        if param is None:
            names = [param.name for param in known.auth_params]
            message = f"auth of {known.title} has no {quoted(name)}; it takes {', '.join(names)}"
            yield Flaw((*path, name), message, did_you_mean(name, names))
        elif isinstance(param, Secret) and not is_reference(value):
            yield Flaw(
                (*path, name), f"auth.{name} is a secret and must not stand here", "write ${env:NAME} or ${file:PATH}"
            )
        elif "${" in value and not is_reference(value):
            yield Flaw(
                (*path, name), f"auth.{name}: a reference is the whole value", "write ${env:NAME} or ${file:PATH}"
            )
    for param in known.auth_params:
        meant = param.name in auth or any(nearest(name, [param.name]) for name in auth)
        if param.required and not meant and source.misses(*path, param.name):
            yield Flaw(path, f"auth of {known.title} lacks {param.name}")


def _target(source: Inspected) -> Iterator[Flaw]:
    target = source.merged["target"]
    if not target.get("class") and not is_adopted(target) and source.misses("target", "class"):
        yield Flaw((), f"{source.label} has no target class", f"for example class: {SCHEMA_IDS}xdm/context/profile")
    ids: list[tuple[Path, str]] = [
        (("target", "class"), target.get("class") or ""),
        *((("target", "field_groups", at), group) for at, group in enumerate(target.get("field_groups", ()))),
    ]
    seen: set[str] = set()
    for path, text in ids:
        if text and not (text.startswith(SCHEMA_IDS) and text.isprintable() and " " not in text):
            yield Flaw(path, f"{path[1]} {quoted(text)} is not an id ({SCHEMA_IDS}…)")
        elif text in seen:
            yield Flaw(path, f"{quoted(text)} is there twice")
        seen.add(text)
    yield from _shared_names(target.get("schema"), target.get("dataset"))


def _shared_names(schema: str | None, dataset: str | None) -> Iterator[Flaw]:
    """A name is a name: what looks like another kind of id is a slip."""
    if schema and not schema.startswith(SCHEMA_IDS):
        yield from _name(("target", "schema"), schema)
        if "://" in schema or re.match(r"_[^.]+\.schemas\.", schema):
            yield Flaw(("target", "schema"), f"schema {quoted(schema)} is not an $id ({SCHEMA_IDS}…)")
    elif schema and "/schemas/" not in schema:
        yield Flaw(("target", "schema"), f"{quoted(schema)} is not the $id of a schema")
    if dataset:
        yield from _name(("target", "dataset"), dataset)
        if "/" in dataset:
            yield Flaw(
                ("target", "dataset"), f"dataset {quoted(dataset)} is not an id (24 hex digits)", "write the id alone"
            )


def _existing(source: Inspected) -> Iterator[Flaw]:
    known = chain(source.merged)
    if known in CHAINS:
        yield from existing_flaws(known, source.merged)


_CHECKS: Mapping[Check, frozenset[str]] = {
    check: frozenset(keys.split())
    for check, keys in (
        (_missing, " ".join(SourceEntry.__annotations__)),
        (_names, "name previously"),
        (_connector, "connector chain"),
        (_columns, "columns chain connector existing"),
        (_delta_column, "delta_column columns connector schedule existing"),
        (_mappings, "mappings columns existing"),
        (_connection, "base_connection connector"),
        (_target, "target"),
        (schedule_flaws, "schedule"),
        (time_flaws, "schedule"),
        (_existing, "existing chain connector base_connection target"),
    )
}
"""Each with the keys that it looks at."""
