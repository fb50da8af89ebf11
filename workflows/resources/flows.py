"""Flows: the last step, and the one whose duplicate costs most, as both would ingest (contract 10.1)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from engine.errors import Rejected
from engine.model import Failure, Json, Receipt, value
from engine.model import replace as changed
from engine.resource import Change, Difference, Hit, Label, View
from workflows.aep import BadRequest
from workflows.resources._changes import changes, within
from workflows.resources._flow_service import FlowServiceObjects, member, named
from workflows.resources._json import compare, dig, rows, table, text
from workflows.resources._rules import ONCE, mistakes
from workflows.resources._translate import answers

DATE_FORMAT = "yyyy-MM-dd HH:mm:ss"
_STATES = {"enabled": True, "disabled": False}
MARGIN = 300
"""A start that nobody named lies this many seconds ahead: longer than a request can wait at the gateway, and than
clocks differ."""


@value
class DeltaColumn:
    """The column by which a flow knows what is new, the Java pattern of its dates, and their zone."""

    name: str
    format: str = DATE_FORMAT
    timezone: str = "UTC"


@value
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

    async def create(self, body: str, send_within: float) -> Receipt:
        """A new flow is enabled (contract 3.4)."""
        return changed(await super().create(body, send_within), data={"on": True})

    async def read(self, id: str) -> View | None:
        """The flow; its data tells whether it is enabled, unless it is between two states."""
        view = await super().read(id)
        on = _STATES.get(text(view.content, "state") or "") if view else None
        return view if view is None or on is None else changed(view, data={"on": on})

    async def rivals(self, spec: FlowSpec) -> Sequence[Hit]:
        """Flows over the same source connection, which is one flow's alone (contract 12.3)."""
        with answers(passing=(BadRequest,)):
            try:
                found = [flow async for flow in self._listed(self.path, "sourceConnectionIds[]", [spec.source_id])]
            except BadRequest:  # a service that filters otherwise
                return []
        return [Hit(id=text(flow, "id") or "", name=text(flow, "name") or "") for flow in found]

    async def switch(self, view: View, on: bool, send_within: float) -> Receipt:
        """Enable or disable it (contract 10.2)."""
        with answers():
            answer = await self._client.effect(
                "POST",
                self.family,
                f"{self._one(view.id)}/action",
                params={"op": "ENABLE" if on else "DISABLE"},
                headers={"If-Match": view.etag} if view.etag else None,
                send_within=send_within,
            )
        return Receipt(id=view.id, etag=text(answer.body, "etag"))

    def body(self, spec: FlowSpec, label: Label, now: float) -> Json:
        body = flow_body(spec, label, now)
        found = mistakes(body, spec.rules, spec.connection_spec_id)
        if found:
            hint = "Mend the source in the manifest and run again."
            raise Rejected(Failure(kind="invalid", message="; ".join(found), hint=hint))
        return body

    def refresh(self, body: Json, spec: FlowSpec, now: float) -> Json:
        """A body that was intended before, with a start that lies ahead, at its place in the spread."""
        schedule = table(body, "scheduleParams")
        start = schedule.get("startTime")
        if isinstance(start, int) and start > now:
            return body
        return {**table(body), "scheduleParams": {**schedule, "startTime": soon(now) + spec.offset}}

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        """The service may have kept numbers as text (contract 10.2). The start is late-bound and not compared."""
        sent, stored = _comparable(body), _comparable(view.content)
        return list(compare(sent, stored, ""))

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        """Schedule and transformations change in place (contract 11.1); once it has started, not to `once`, nor whether
        it takes what was there before (9.6). A start that has passed is history: another one changes nothing. The
        start that will be sent is computed then, so nobody can tell whether it is as it was (`hidden`)."""
        began = table(schedule_of(before)).get("startTime")
        begun = isinstance(began, int) and began <= now
        found = changes(_normal(before), _normal(after), within("name", "scheduleParams", "transformations"))
        return [
            changed(change, in_place=change.in_place and not (begun and _settled(change)), hidden=change.path == _START)
            for change in found
            if not (begun and change.path == _START)
        ]

    def restoring(self, content: Json, body: Json, now: float) -> Sequence[Change]:
        """The order of the transformations, too: headway always sends the same."""
        there, wanted = _names(content), _names(body)
        turned = [name for name in there if name in wanted] != [name for name in wanted if name in there]
        order = [Change(path=_ORDER, before=there, after=wanted, in_place=True)] if turned else []
        return [*super().restoring(content, body, now), *order]

    def settled(self, spec: FlowSpec, now: float) -> Collection[str]:
        """A start that was named and is still ahead is not computed."""
        return () if spec.start is None or spec.start + spec.offset <= now else (_START,)

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:
        """Transformations are patched whole, and found by name (contract 11.1), or all of them put in order."""
        schedule = [path.partition(".")[2] for path in paths if path.startswith("scheduleParams.")]
        return [
            *named(body, paths),
            *(operation for key in schedule for operation in member(view.content, body, "scheduleParams", key)),
            *_transformed(view.content, body, paths),
        ]


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


_START, _ORDER = "scheduleParams.startTime", "transformations"


def _comparable(flow: Json) -> Json:
    transformations = {str(dig(item, "name")): dict(table(item, "params")) for item in rows(flow, "transformations")}
    mapping = transformations.get("Mapping", {})
    if "mappingVersion" in mapping:
        mapping["mappingVersion"] = str(mapping["mappingVersion"])
    return {
        "flowSpec": {"id": dig(flow, "flowSpec", "id")},
        "sourceConnectionIds": dig(flow, "sourceConnectionIds"),
        "targetConnectionIds": dig(flow, "targetConnectionIds"),
        "transformations": transformations,
        "scheduleParams": {key: value for key, value in _meant(flow).items() if key != "startTime"},
    }


def _normal(flow: Json) -> Json:
    return {**table(_comparable(flow)), "name": dig(flow, "name"), "scheduleParams": _meant(flow)}


def schedule_of(flow: Json) -> Mapping[str, Json]:
    """A flow's schedule; the platform keeps texts where somebody sent them, which are numbers all the same
    (contract 10.2)."""
    return {key: _plain(value) for key, value in table(flow, "scheduleParams").items()}


def _meant(flow: Json) -> Mapping[str, Json]:
    """A flow's schedule with its default, which the platform may write out: what is there already is taken, unless it
    runs but once (contract 9.3)."""
    schedule = schedule_of(flow)
    return schedule if schedule.get("frequency") == ONCE else {"backfill": True, **schedule}


def _settled(change: Change) -> bool:
    """What cannot be changed any more once the flow has started."""
    once = change.path == "scheduleParams.frequency" and change.after == ONCE
    return once or change.path == "scheduleParams.backfill"


def _names(flow: Json) -> list[Json]:
    """The transformations in their order."""
    return [dig(item, "name") for item in rows(flow, "transformations")]


def _transformed(content: Json, body: Json, paths: Collection[str]) -> list[Json]:
    """All transformations at once where their order changes, else each one that changes."""
    if _ORDER in paths:
        return [{"op": "replace", "path": f"/{_ORDER}", "value": dig(body, _ORDER)}]
    names = dict.fromkeys(path.split(".")[1] for path in paths if path.startswith(f"{_ORDER}."))
    return sorted((_transformation(content, body, name) for name in names), key=_replacing_first)


def _transformation(content: Json, body: Json, name: str) -> Json:
    """Copy stands before Mapping, as it does at creation."""
    there = _names(content)
    wanted = next((item for item in rows(body, "transformations") if dig(item, "name") == name), None)
    if wanted is None:
        return {"op": "remove", "path": f"/transformations/{there.index(name)}"}
    if name not in there:
        return {"op": "add", "path": "/transformations/0", "value": wanted}
    return {"op": "replace", "path": f"/transformations/{there.index(name)}", "value": wanted}


def _replacing_first(operation: Json) -> bool:
    """Whatever is put in or taken out moves what stands behind it."""
    return dig(operation, "op") != "replace"


def _plain(value: Json) -> Json:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
