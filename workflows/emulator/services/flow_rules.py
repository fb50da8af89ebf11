"""What a flow must satisfy beyond being JSON (contract 9.6, 10.1, 11.1): references, transformations, schedule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workflows.emulator.errors import connector, flow
from workflows.emulator.http import Call
from workflows.emulator.services import mappings
from workflows.emulator.services.connection_specs import DATA_LAKE
from workflows.emulator.services.endpoints import unknown
from workflows.emulator.services.flow_specs import SOURCES, SPECS
from workflows.emulator.services.schemas import ad_hoc_columns
from workflows.emulator.table import Body, Entity
from workflows.emulator.world import World

_LEAST = {"minute": 15, "hour": 1, "day": 1, "week": 1}


def known_spec(call: Call, body: Body) -> dict[str, Any]:
    """The flow spec that a body names; raises Problem 1413."""
    named = body.get("flowSpec")
    spec = SPECS[call.platform.config.dialect].get(str(named.get("id"))) if isinstance(named, dict) else None
    if spec is None or named is None or str(named.get("version") or spec["version"]) != spec["version"]:
        raise flow(1413, 400, "The spec ID provided is invalid. Please provide a valid spec ID and try again.")
    return spec


def check(call: Call, body: Body) -> Body:
    """The body as it is kept, when a flow may be made of it; raises Problem with the code of the broken rule."""
    spec = known_spec(call, body)
    source = _end(call, body, "sourceConnectionIds", "sourceConnections")
    target = _end(call, body, "targetConnectionIds", "targetConnections")
    if source.body["connectionSpec"]["id"] not in SOURCES[spec["id"]]:
        raise flow(1413, 400, f"The flow spec {spec['name']} does not serve this source.")
    schedule = check_schedule(call, body.get("scheduleParams"))
    transformations = _transformations(spec, body)
    if "Copy" in {one["name"] for one in spec["transformationSpecs"]}:
        _check_copy(call.world, source, transformations.get("Copy"), schedule)
    _check_mapping(call.world, target, transformations)
    return {**body, "scheduleParams": schedule}


def _end(call: Call, body: Body, key: str, table: str) -> Entity:
    ids = body.get(key)
    if not isinstance(ids, list) or len(ids) != 1:
        raise connector(1321, f"The list {key} must have length one.")
    entity = call.world[table].get(str(ids[0]))
    if entity is None:
        raise unknown(call, table, ids[0])
    return entity


def check_schedule(call: Call, sent: Any) -> Body:
    """A schedule that the flow spec and the rules allow, digit strings converted where they are accepted."""
    config = call.platform.config
    if not isinstance(sent, dict):
        raise connector(1304, "Mandatory field scheduleParams is missing.")
    schedule: Body = sent
    if config.seed_compat:  # contract 13.15
        schedule = {key: int(v) if isinstance(v, str) and v.isdigit() else v for key, v in schedule.items()}
    frequency = schedule.get("frequency")
    frequencies = set(_LEAST) | ({"once"} if config.dialect == "today" else set())
    if not isinstance(frequency, str) or frequency not in frequencies:
        raise connector(1397, f"The frequency {frequency!r} is invalid: it is one of {', '.join(sorted(frequencies))}.")
    for key in ("startTime", "endTime", "interval"):
        if key in schedule and not _whole(schedule[key]):
            raise connector(1304, f"scheduleParams.{key} must be an integer, not {schedule[key]!r}.")
    if "startTime" not in schedule:
        raise connector(1304, "Mandatory field scheduleParams.startTime is missing.")
    if not isinstance(schedule.get("backfill", True), bool):
        raise connector(1304, "scheduleParams.backfill must be a boolean.")
    _check_interval(schedule, frequency)
    start = schedule["startTime"]
    if start <= call.arrived and not config.seed_compat:  # contract 13.16
        raise connector(1360, "The startTime is in the past.")
    return schedule


def _check_interval(schedule: Body, frequency: str) -> None:
    if frequency == "once":
        if "interval" in schedule:
            raise connector(1361, "The interval is not allowed with frequency once.")
        if "backfill" in schedule:
            raise connector(1364, "The backfill is not allowed with frequency once.")
    elif "interval" not in schedule:
        raise connector(1304, "Mandatory field scheduleParams.interval is missing.")
    elif schedule["interval"] < _LEAST[frequency]:
        raise connector(1362, f"The interval is below the minimum of {_LEAST[frequency]} for frequency {frequency}.")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _transformations(spec: dict[str, Any], body: Body) -> dict[str, dict[str, Any]]:
    """The parameters of each transformation by its name; raises Problem 1304, 1328, 1370."""
    allowed = {one["name"] for one in spec["transformationSpecs"]}
    found: dict[str, dict[str, Any]] = {}
    listed = body.get("transformations", [])
    for one in listed if isinstance(listed, list) else [None]:
        name = one.get("name") if isinstance(one, dict) else None
        params = one.get("params") if isinstance(one, dict) else None
        if not isinstance(name, str) or name not in allowed or name in found or not isinstance(params, dict):
            raise connector(1304, f"The transformation {name!r} is unknown, given twice, or has no params.")
        found[name] = params
    mapping = found.get("Mapping")
    if mapping is None:
        raise connector(1328, "The Mapping transformation is missing.")
    if not mapping.get("mappingId") or not isinstance(mapping["mappingId"], str):
        raise connector(1370, "The mappingId of the Mapping transformation is missing.")
    return found


def _check_copy(world: World, source: Entity, copy: dict[str, Any] | None, schedule: Body) -> None:
    delta = copy.get("deltaColumn") if copy is not None else None
    if schedule["frequency"] == "once":
        if delta is not None:
            raise connector(1369, "The deltaColumn is not allowed when the frequency is once.")
        if copy is not None:  # the spec asks for what 1369 forbids: the whole transformation must go (contract 9.6)
            raise connector(1304, "Mandatory parameter deltaColumn of Copy is missing.")
        return
    if delta is None:
        raise connector(1367, "The deltaColumn is required in Copy.")
    if not isinstance(delta, dict) or not isinstance(delta.get("name"), str):
        raise connector(1304, "deltaColumn must be an object with a name.")
    columns = set(_columns(world, source))
    if columns and delta["name"] not in columns:
        raise connector(1330, f"The deltaColumn {delta['name']} is no column of the source.")


def _columns(world: World, source: Entity) -> Iterator[str]:
    """The column names of a source connection, as far as it says them: listed, or described by an ad hoc class."""
    params, data = source.body.get("params", {}), source.body["data"]
    yield from (column["name"] for column in params.get("columns", []))
    schema = data.get("schema")
    if schema is not None:
        yield from ad_hoc_columns(world, schema["id"])


def _check_mapping(world: World, target: Entity, transformations: dict[str, dict[str, Any]]) -> None:
    id = transformations["Mapping"]["mappingId"]
    mapping = world["mappingSets"].get(id)
    version = str(transformations["Mapping"].get("mappingVersion", "0"))
    if mapping is None:
        raise flow(1419, 400, f"Error while validating mapping with id {id}, version {version}: it does not exist.")
    if version not in mapping.store["versions"]:
        raise flow(1412, 400, "Invalid Mapping Version in request. Please provide correct mapping version.")
    body = mapping.store["versions"][version]
    if any(errors for errors in mappings.validate(world, body)):
        raise flow(1419, 400, f"Error while validating mapping with id {id}, version {version}.")
    dataset = world["dataSets"].get(target.body["params"]["dataSetId"])
    if target.body["connectionSpec"]["id"] != DATA_LAKE and dataset is None:
        return
    schema = dataset.body["schemaRef"] if dataset is not None else {}
    theirs = (schema.get("id"), mappings.major(str(schema.get("contentType"))))
    if theirs != (body["xdmSchema"], mappings.major(body["outputSchema"]["schemaRef"]["contentType"])):
        detail = (
            f"Error while matching schema in target dataset {target.body['params']['dataSetId']} with schema in "
            f"mapping {id}. Schema with same id and version must be used in both mapping and target dataset."
        )
        raise flow(1425, 400, detail)


def check_change(call: Call, entity: Entity, body: Body) -> Body:
    """A flow's body after a PATCH, when the change is allowed (contract 9.6, 11.1); raises Problem."""
    before, after = entity.body, body
    if before["sourceConnectionIds"] != after.get("sourceConnectionIds") or before["targetConnectionIds"] != after.get(
        "targetConnectionIds"
    ):
        raise flow(1455, 400, "The connections of a flow cannot be changed: make a new flow.")
    old, new = before["scheduleParams"], after.get("scheduleParams")
    begun = old["startTime"] <= call.arrived
    if not isinstance(new, dict):
        raise connector(1304, "Mandatory field scheduleParams is missing.")
    if begun and new.get("startTime") != old["startTime"]:
        raise connector(1366, "The startTime has passed and cannot be changed any more.")
    if begun and new.get("frequency") == "once" != old["frequency"]:
        raise connector(1403, "The startTime has passed: the frequency cannot be changed to once any more.")
    if begun and new.get("backfill") != old.get("backfill"):
        raise connector(1404, "The startTime has passed: backfill cannot be changed any more.")
    if begun:  # an old start is no fault of the change
        future = {**new, "startTime": int(call.arrived) + 1}
        return {**check(call, {**after, "scheduleParams": future}), "scheduleParams": new}
    return check(call, after)
