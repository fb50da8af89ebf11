"""A source with its defaults filled in, and the inputs that come of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from workflows.onboarding.inputs import BaseConnection, Column, Inputs, Schedule, Target
from workflows.onboarding.manifest.schema import DefaultsEntry, ScheduleEntry, SourceEntry, TargetEntry
from workflows.sources import SourceType, discover

SCHEMA_IDS = "https://ns.adobe.com/"
DATASET_ID = re.compile(r"[0-9a-f]{24}")
NOT_WITH_ONCE = ("interval", "backfill")
"""What a schedule that runs once must not have (contract 9.6: 1361, 1364)."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPREAD = re.compile(r"([0-9]{1,6})([smhd])")
_START = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?", re.ASCII)


def merged(own: SourceEntry, defaults: DefaultsEntry) -> SourceEntry:
    """The source with what the defaults say; `target` and `schedule` are merged key by key.

    An empty value takes a default away. A source that says that it runs once inherits neither an
    interval nor a backfill.
    """
    schedule = _both(own.get("schedule"), defaults.get("schedule"))
    said = own.get("schedule", {})
    if said.get("frequency") == "once":
        schedule = {key: value for key, value in schedule.items() if key in said or key not in NOT_WITH_ONCE}
    target = _both(own.get("target"), defaults.get("target"))
    return {
        **cast("SourceEntry", defaults),
        **own,
        "schedule": cast("ScheduleEntry", schedule),
        "target": cast("TargetEntry", target),
    }


def source_type(said: SourceEntry) -> SourceType | None:
    """The connector that the source names, None when there is no such connector."""
    return discover().get(said.get("connector", ""))


def chain(said: SourceEntry) -> str | None:
    """The chain that the source names, or the first of its connector's."""
    known = source_type(said)
    return said.get("chain") or (known.chains[0] if known else None)


def is_adopted(target: TargetEntry) -> bool:
    """Whether the target names an existing schema, or an existing dataset with the schema that it has."""
    schema = target.get("schema")
    return schema.startswith(SCHEMA_IDS) if schema else is_dataset_id(target.get("dataset"))


def is_dataset_id(dataset: str | None) -> bool:
    """Whether this is the id of a dataset rather than a name."""
    return dataset is not None and DATASET_ID.fullmatch(dataset) is not None


def epoch_seconds(start: str) -> int | None:
    """A time with its zone, or a date (midnight UTC), as epoch seconds; None for any other text."""
    if not _START.fullmatch(start):
        return None
    try:
        time = datetime.fromisoformat(start)
        return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def seconds(spread: str) -> int | None:
    """`90s`, `15m`, `2h` or `1d` in seconds; None for any other text."""
    match = _SPREAD.fullmatch(spread)
    return int(match[1]) * _SECONDS[match[2]] if match else None


def built(said: SourceEntry) -> Inputs:
    """The inputs of a source in which nothing is wrong."""
    schedule = said["schedule"]
    start, spread = schedule.get("start"), schedule.get("spread")
    return Inputs(
        source=said["name"],
        connector=said["connector"],
        chain=cast("str", chain(said)),
        table=said["table"],
        columns=tuple(
            [
                Column(name=name, type=shape)
                if isinstance(shape, str)
                else Column(name=name, type=shape["type"], format=shape.get("format"), timezone=shape.get("timezone"))
                for name, shape in said.get("columns", {}).items()
            ]
        ),
        delta_column=said.get("delta_column"),
        mappings=tuple(said.get("mappings", {}).items()),
        base_connection=_connection(said),
        target=_target(said["target"]),
        schedule=Schedule(
            frequency=schedule["frequency"],
            interval=schedule.get("interval"),
            backfill=schedule.get("backfill"),
            start=epoch_seconds(start) if start else None,
            spread=seconds(spread) if spread else None,
        ),
        existing=dict(said.get("existing", {})),
        previously=said.get("previously"),
    )


def _connection(said: SourceEntry) -> BaseConnection:
    base = said["base_connection"]
    if isinstance(base, str):
        return BaseConnection(id=base, auth={})
    return BaseConnection(name=base.get("name"), auth=base["auth"])


def _target(target: TargetEntry) -> Target:
    """The target; a dataset that is shared by name has a schema that is shared under the same name."""
    schema, dataset = target.get("schema"), target.get("dataset")
    return Target(
        klass=target.get("class") or "",
        field_groups=tuple(target.get("field_groups", ())),
        schema=schema if schema or is_dataset_id(dataset) else dataset,
        dataset=dataset,
    )


def _both(own: Mapping[str, Any] | None, default: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in {**(default or {}), **(own or {})}.items() if value is not None}
