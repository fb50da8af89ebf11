"""Flows: the last step, and the one whose duplicate costs most, as both would ingest (contract 10.1)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.errors import Rejected
from engine.model import Failure, Json
from engine.ports import Difference, Label, View
from workflows.resources._flow_service import FlowServiceObjects
from workflows.resources._json import compare, dig, rows, table
from workflows.resources._rules import ONCE, mistakes

DATE_FORMAT = "yyyy-MM-dd HH:mm:ss"
MARGIN = 300
"""A start that nobody named lies this many seconds ahead: longer than a request can wait at the gateway, and than
clocks differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaColumn:
    """The column by which a flow knows what is new, the Java pattern of its dates, and their zone."""

    name: str
    format: str = DATE_FORMAT
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """A flow. `start` in epoch seconds, None for soon after creation; `offset` seconds are added to either. `rules` is
    the `data` of the flow spec's receipt."""

    flow_spec_id: str
    flow_spec_version: str | None
    connection_spec_id: str
    source_id: str
    target_id: str
    mapping_id: str
    mapping_version: str | None
    delta: DeltaColumn | None
    frequency: str
    interval: int | None = None
    backfill: bool | None = None
    start: int | None = None
    offset: int = 0
    rules: Mapping[str, Json]


class Flows(FlowServiceObjects):
    """Flows."""

    kind = "flow"
    path = "/flows"

    def body(self, spec: FlowSpec, label: Label, now: float) -> Json:
        body = flow_body(spec, label, now)
        found = mistakes(body, spec.rules, spec.connection_spec_id)
        if found:
            hint = "Mend the source in the manifest and run again."
            raise Rejected(Failure(kind="invalid", message="; ".join(found), hint=hint))
        return body

    def refresh(self, body: Json, now: float) -> Json:
        """A body that was intended before, with a start that lies ahead."""
        schedule = table(body, "scheduleParams")
        start = schedule.get("startTime")
        if isinstance(start, int) and start > now:
            return body
        return {**table(body), "scheduleParams": {**schedule, "startTime": soon(now)}}

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        """The service may have kept numbers as text (contract 10.2). The start is late-bound and not compared."""
        sent, stored = _comparable(body), _comparable(view.content)
        return list(compare(sent, stored, ""))


def flow_body(spec: FlowSpec, label: Label, now: float) -> Mapping[str, Json]:
    """The request body, whether or not the platform would take it."""
    mapping: dict[str, Json] = {"mappingId": spec.mapping_id}
    if spec.mapping_version is not None:
        mapping["mappingVersion"] = spec.mapping_version
    version: dict[str, Json] = {} if spec.flow_spec_version is None else {"version": spec.flow_spec_version}
    schedule: dict[str, Json] = {"startTime": start_time(spec, now), "frequency": spec.frequency}
    if spec.interval is not None:
        schedule["interval"] = spec.interval
    if spec.backfill is not None:
        schedule["backfill"] = spec.backfill
    return {
        "name": label.name,
        "description": label.note,
        "flowSpec": {"id": spec.flow_spec_id, **version},
        "sourceConnectionIds": [spec.source_id],
        "targetConnectionIds": [spec.target_id],
        "transformations": [*_copy(spec), {"name": "Mapping", "params": mapping}],
        "scheduleParams": schedule,
    }


def start_time(spec: FlowSpec, now: float) -> int:
    """When the flow starts, in epoch seconds: as asked for while that is still ahead, else at a full minute soon."""
    if spec.start is not None and spec.start + spec.offset > now:
        return spec.start + spec.offset
    return soon(now) + spec.offset


def soon(now: float) -> int:
    """The first full minute that lies far enough ahead."""
    return math.ceil((now + MARGIN) / 60) * 60


def _copy(spec: FlowSpec) -> list[Json]:
    """Copy and its delta column go together; `once` takes neither (contract 9.6)."""
    if spec.delta is None or spec.frequency == ONCE:
        return []
    delta = {"name": spec.delta.name, "dateFormat": spec.delta.format, "timezone": spec.delta.timezone}
    return [{"name": "Copy", "params": {"deltaColumn": delta}}]


def _comparable(flow: Json) -> Json:
    schedule = {key: _plain(value) for key, value in table(flow, "scheduleParams").items() if key != "startTime"}
    transformations = {str(dig(item, "name")): dict(table(item, "params")) for item in rows(flow, "transformations")}
    mapping = transformations.get("Mapping", {})
    if "mappingVersion" in mapping:
        mapping["mappingVersion"] = str(mapping["mappingVersion"])
    return {
        "flowSpec": {"id": dig(flow, "flowSpec", "id")},
        "sourceConnectionIds": dig(flow, "sourceConnectionIds"),
        "targetConnectionIds": dig(flow, "targetConnectionIds"),
        "transformations": transformations,
        "scheduleParams": schedule,
    }


def _plain(value: Json) -> Json:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
