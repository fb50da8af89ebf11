"""What a run is made from: one source of the manifest, its defaults filled in, checked and frozen.

The manifest makes these values, the journal keeps them, the steps read them; nothing else is
passed from the one to the other. Secrets are references in here (`${env:NAME}`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the source's table.

    `type` is string, integer, number, boolean, date or date-time; `format` the Java pattern of a
    date in text (`yyyy-MM-dd HH:mm:ss`) and `timezone` its zone, both for the flow's delta column.
    """

    name: str
    type: str
    format: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseConnection:
    """The source's base connection: an existing one by `id`, or one to create.

    One to create is shared by all sources that give it the same `name`; without a name it is the
    run's own. Each value of `auth` is a text, or a reference to be resolved when the request is built.
    """

    id: str | None = None
    name: str | None = None
    auth: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the data goes.

    `schema` and `dataset` are None (the run's own), the id of an existing one
    (`https://ns.adobe.com/…`; 24 hex digits), or the name of one that sources share.
    `klass` is empty, and `field_groups` may be, when an existing schema or dataset is named.
    """

    klass: str
    field_groups: tuple[str, ...]
    schema: str | None = None
    dataset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When the flow runs (contract 9.3, 9.6).

    `frequency` is once, minute, hour, day or week; `interval` counts those, None for once.
    `start` is in epoch seconds, None: soon after creation. `spread` is in seconds: the starts of
    many sources are scattered over that time.
    """

    frequency: str
    interval: int | None = None
    backfill: bool | None = None
    start: int | None = None
    spread: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """One source to onboard. `mappings` are pairs of (column, path in the target schema);
    `existing` has the ids of existing objects by step; `previously` is the name that this source had before."""

    source: str
    connector: str
    chain: str
    table: str
    columns: tuple[Column, ...]
    delta_column: str | None
    mappings: tuple[tuple[str, str], ...]
    base_connection: BaseConnection
    target: Target
    schedule: Schedule
    existing: Mapping[str, str] = field(default_factory=dict)
    previously: str | None = None


def to_json(inputs: Inputs) -> dict[str, Any]:
    """The inputs as plain JSON data; what is None is left out."""
    base, target, schedule = inputs.base_connection, inputs.target, inputs.schedule
    return _without_none(
        {
            "source": inputs.source,
            "connector": inputs.connector,
            "chain": inputs.chain,
            "table": inputs.table,
            "columns": [_column_to_json(column) for column in inputs.columns],
            "delta_column": inputs.delta_column,
            "mappings": [list(pair) for pair in inputs.mappings],
            "base_connection": _without_none({"id": base.id, "name": base.name, "auth": dict(base.auth)}),
            "target": _without_none(
                {
                    "class": target.klass,
                    "field_groups": list(target.field_groups),
                    "schema": target.schema,
                    "dataset": target.dataset,
                }
            ),
            "schedule": _without_none(
                {
                    "frequency": schedule.frequency,
                    "interval": schedule.interval,
                    "backfill": schedule.backfill,
                    "start": schedule.start,
                    "spread": schedule.spread,
                }
            ),
            "existing": dict(inputs.existing) or None,
            "previously": inputs.previously,
        }
    )


def from_json(data: Mapping[str, Any]) -> Inputs:
    """The inverse of `to_json`. Raises KeyError or TypeError for what `to_json` never makes."""
    target = dict(data["target"])
    return Inputs(
        source=data["source"],
        connector=data["connector"],
        chain=data["chain"],
        table=data["table"],
        columns=tuple([Column(**column) for column in data["columns"]]),
        delta_column=data.get("delta_column"),
        mappings=tuple([(column, path) for column, path in data["mappings"]]),
        base_connection=BaseConnection(**data["base_connection"]),
        target=Target(klass=target.pop("class"), field_groups=tuple(target.pop("field_groups")), **target),
        schedule=Schedule(**data["schedule"]),
        existing=data.get("existing", {}),
        previously=data.get("previously"),
    )


def fingerprint(inputs: Inputs) -> str:
    """A hash of all that the user wrote, 32 hex digits; the order of columns, mappings, field groups
    and auth values is no part of it. `previously` is none either: it says how a run is found, not
    what it should be."""
    data = to_json(inputs)
    data.pop("previously", None)
    data["columns"].sort(key=lambda column: column["name"])
    data["mappings"].sort()
    data["target"]["field_groups"].sort()
    return hashlib.blake2b(orjson.dumps(data, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _column_to_json(column: Column) -> dict[str, str]:
    if column.format is None and column.timezone is None:
        return {"name": column.name, "type": column.type}
    return _without_none(
        {"name": column.name, "type": column.type, "format": column.format, "timezone": column.timezone}
    )


def _without_none(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}
