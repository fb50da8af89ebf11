"""A source of the manifest from a chain that somebody built by hand: all of it adopted, and described as far as a
manifest can. Pure. An adopted object is not compared, so what cannot be said does no harm: it is told in a comment."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from engine.model import Json
from workflows.onboarding.manifest.merge import NOT_WITH_ONCE
from workflows.onboarding.manifest.schema import COLUMN_TYPES
from workflows.resources import BuiltChain, DeltaColumn, column
from workflows.sources import ADHOC, TABULAR

Source = dict[str, Any]
LONGEST = 90
"""Characters of a name; a number may follow."""
_DATED = ("string", "date", "date-time")


def adopting(chain: BuiltChain, name: str, defaults: Mapping[str, Any]) -> tuple[Source, dict[str, str]]:
    """A source of this name that adopts a chain, and comments on what it cannot say, by key. `defaults` are those of
    the manifest that it goes into: they do not apply to it where they say something else."""
    columns, delta = _columns(chain), chain.delta
    schedule = _schedule(chain.schedule)
    mappings = dict(_mappings(chain, columns))
    said: Source = {
        "connector": chain.source.key,
        "chain": ADHOC if chain.adhoc else TABULAR,
        "base_connection": chain.base_id,
        "table": chain.table,
        "columns": columns,
        "delta_column": delta.name if delta else None,
        "mappings": mappings,
        "schedule": schedule,
        "target": {"dataset": chain.dataset_id},
    }
    for key in ("schedule", "target"):
        inherited = defaults.get(key)
        if isinstance(inherited, Mapping):
            said[key] = {**said[key], **dict.fromkeys(_unwanted(key, inherited, said[key]))}
    kept = {key: value for key, value in said.items() if value or key in defaults}
    return {"name": name, **kept, "existing": _existing(chain)}, dict(_comments(chain, columns, mappings))


def free_name(said: str, taken: Collection[str]) -> str:
    """A name for a source from that of a flow, which no other source has."""
    safe = re.sub(r"[^\w.-]+", "-", said).strip("-.")[:LONGEST] or "flow"
    number = 1
    while (name := safe if number == 1 else f"{safe}-{number}") in taken:
        number += 1
    return name


def _existing(chain: BuiltChain) -> dict[str, str]:
    adhoc = chain.adhoc
    return {
        **({"adhoc_class": adhoc.class_id, "adhoc_schema": adhoc.schema_id} if adhoc else {}),
        "source_connection": chain.source_id,
        **({"dataset_base_connection": adhoc.lake_id} if adhoc else {}),
        "target_connection": chain.target_id,
        "mapping_set": chain.mapping_id,
        "flow": chain.flow_id,
    }


def _unwanted(key: str, inherited: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
    """What must not be inherited: any part of another schedule, and another schema."""
    for name, value in inherited.items():
        if value is not None and name not in own and (key == "schedule" or name == "schema"):
            yield name


def _columns(chain: BuiltChain) -> dict[str, Any]:
    """The columns that a manifest has words for. The delta column is one of them, whatever the table says: the flow
    reads it as a time."""
    columns: dict[str, Any] = {field.name: field.type for field in chain.columns if field.type in COLUMN_TYPES}
    delta = chain.delta
    if delta is not None and columns:
        kind = columns.setdefault(delta.name, "date-time")
        form = dict(_form(delta)) if kind in _DATED else {}
        columns[delta.name] = {"type": kind, **form} if form else kind
    return columns


def _form(delta: DeltaColumn) -> Iterator[tuple[str, str]]:
    """How a date is written, where it is not the usual way. Patterns with the year of a week cannot be meant."""
    usual = DeltaColumn(name=delta.name)
    if delta.format != usual.format and not _odd(delta.format):
        yield "format", delta.format
    if delta.timezone != usual.timezone:
        yield "timezone", delta.timezone


def _odd(form: str) -> bool:
    return bool(set(form) & set("YD"))


def _mappings(chain: BuiltChain, columns: Collection[str]) -> Iterator[tuple[str, str]]:
    """The rows that lead from a column to a place of its own."""
    sources, places = set[str](), set[str]()
    for row in chain.rows:
        name = column(row.source)
        if row.plain and (name in columns or not columns) and name not in sources and row.destination not in places:
            sources.add(name)
            places.add(row.destination)
            yield name, row.destination


def _schedule(said: Mapping[str, Json]) -> Source:
    start, once = _moment(said.get("startTime")), said.get("frequency") == "once"
    schedule = {
        key: said[key]
        for key in ("frequency", "interval", "backfill")
        if said.get(key) is not None and not (once and key in NOT_WITH_ONCE)
    }
    if start:
        schedule["start"] = start
    return schedule


def _moment(start: Json) -> str | None:
    """A start as a manifest writes it; None for none, and for one that is no time (contract 13.31 shows such)."""
    try:
        return f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(start, int) else None
    except (ValueError, OverflowError, OSError):
        return None


def _comments(chain: BuiltChain, columns: Collection[str], mappings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    unsaid = [field.name for field in chain.columns if field.name not in columns]
    if unsaid:
        yield "columns", f"not said: {', '.join(unsaid)}, of types that a manifest has no words for"
    if not columns:
        yield "table", "the platform does not show its columns"
    if len(mappings) < len(chain.rows):
        key = "mappings" if mappings else "table"
        yield key, f"{len(chain.rows) - len(mappings)} of {len(chain.rows)} rows cannot be said here"
    if chain.delta and _odd(chain.delta.format):
        yield "delta_column", f"the flow reads it as {chain.delta.format}"
    start = chain.schedule.get("startTime")
    if start is not None and _moment(start) is None:
        yield "schedule", f"the flow starts at {start}, which is no time in epoch seconds"
    if "endTime" in chain.schedule:
        yield "schedule", f"the flow ends at {chain.schedule['endTime']}"
