"""Source and target connections (contract 6.1, 6.3), in every dialect that the documentation shows."""

from __future__ import annotations

from functools import partial
from typing import Any

from workflows.emulator.errors import Problem, connector, flow
from workflows.emulator.http import Call, Reply, Router
from workflows.emulator.services import items
from workflows.emulator.services.connection_specs import DATA_LAKE, known
from workflows.emulator.services.schemas import known_schema
from workflows.emulator.table import Body

SOURCES, TARGETS = "sourceConnections", "targetConnections"
_FORMATS = {"tabular", "parquet_xdm", "json"}
_KEPT = ("name", "description", "baseConnectionId", "connectionSpec", "data", "params")
_PATHS = {SOURCES: "sourceConnectionIds[]", TARGETS: "targetConnectionIds[]"}


def _data(call: Call, body: Body) -> dict[str, Any]:
    """The `data` part, with a schema that exists if it names one; raises Problem 1327, 1329."""
    data = body.get("data")
    if not isinstance(data, dict) or data.get("format") not in _FORMATS:
        raise connector(1327, "The data.format is not allowed for this connection.")
    schema = data.get("schema")
    if schema is not None:
        id = schema.get("id") if isinstance(schema, dict) else None
        if not isinstance(id, str) or known_schema(call.world, id) is None:
            raise connector(1329, f"The schema {id} in data.schema.id does not exist.")
        if "/classes/" in id:  # the slip of contract 13.1
            call.platform.books.warn(call.method, call.path, f"data.schema.id is a class, not a schema: {id}")
    return data


def _base(call: Call, body: Body) -> str | None:
    """The connection spec id of the base connection that a body names; raises Problem 1101 when it is unknown."""
    id = body.get("baseConnectionId")
    if id is None:
        return None
    base = call.world["connections"].get(str(id))
    if base is None:
        raise unknown(call, "connections", id)
    return str(base.body["connectionSpec"]["id"])


def unknown(call: Call, table: str, id: Any) -> Problem:
    """The 404 for a reference that leads nowhere."""
    detail = f"The requested resource is not found. {table} with given id {id} does not exist."
    return flow(1101, 404, detail, blame="conflict" if id in call.world[table].rows else "client")


def _check_source(call: Call, body: Body) -> Body:
    spec = known(body)
    if "sourceSpec" not in spec:
        raise flow(1413, 400, "The spec ID provided is invalid: it is not the spec of a source.")
    if not isinstance(body.get("name"), str) or not body["name"]:
        raise connector(1304, "Mandatory field name is missing.")
    data, base = _data(call, body), _base(call, body)
    if base is None:
        raise connector(1304, "Mandatory field baseConnectionId is missing.")
    if base != spec["id"]:
        raise connector(1332, "The baseConnectionId is not allowed: it belongs to another connection spec.")
    params = body.get("params", {})
    if not isinstance(params, dict):
        raise connector(1304, "params must be an object.")
    columns = params.get("columns", [])
    if not isinstance(columns, list) or not all(isinstance(one, dict) and one.get("name") for one in columns):
        raise connector(1304, "params.columns must be a list of columns with a name.")
    if data["format"] != "json" and not (params.get("path") or params.get("tableName")):
        raise connector(1304, "Mandatory parameter params.path or params.tableName is missing.")
    return _shape(call, body, spec)


def _check_target(call: Call, body: Body) -> Body:
    spec = known(body)
    base = _base(call, body)
    slip = call.platform.config.seed_compat and base == DATA_LAKE  # contract 13.12
    if spec["id"] != DATA_LAKE and not slip:
        raise connector(1307, f"The target connection spec is wrong: only {DATA_LAKE} is allowed.")
    if spec["id"] != DATA_LAKE:
        call.platform.books.warn(call.method, call.path, "connectionSpec.id is not the data lake's")
    if base is not None and base != DATA_LAKE:
        raise connector(1332, "The baseConnectionId is not allowed: it is no connection to the data lake.")
    data = _data(call, body)
    if data["format"] == "tabular" or (data["format"] != "json" and "schema" not in data):
        raise connector(1327, "The data.format of a target is parquet_xdm, with a schema, or json.")
    params = body.get("params")
    dataset = params.get("dataSetId") if isinstance(params, dict) else None
    if not dataset or call.world["dataSets"].get(str(dataset)) is None:
        blame: Any = "conflict" if dataset in call.world["dataSets"].rows else "client"
        raise connector(1325, f"The dataSetId {dataset!r} is empty or no dataset's.", blame=blame)
    return _shape(call, body, spec)


def _shape(call: Call, body: Body, spec: dict[str, Any]) -> Body:
    kept = {key: body[key] for key in _KEPT if key in body}
    kept["connectionSpec"] = {"id": spec["id"], "version": spec["version"]}
    base = call.world["connections"].get(str(body.get("baseConnectionId")))
    inherited = {"id": base.id, "connectionSpec": base.body["connectionSpec"]} if base is not None else None
    return kept | {"inheritedAttributes": {"baseConnection": inherited} if inherited else {}}


_CHECKS = {SOURCES: _check_source, TARGETS: _check_target}


def _create(call: Call, table: str, kind: str) -> Reply:
    items.no_query(call)
    body = _CHECKS[table](call, call.object())
    return items.create(call, table, kind, body, transient="enabling")


def _patch(call: Call, table: str) -> Reply:
    entity = items.find(call, table, call.params[0])
    items.steady(entity, "update", {"enabled", "disabled"})
    body = items.patched(call, entity)
    return items.update(call, table, entity, body | _CHECKS[table](call, body), transient="updating")


def _delete(call: Call, table: str) -> Reply:
    entity = items.find(call, table, call.params[0])
    items.steady(entity, "delete", {"enabled", "disabled"})
    using = next(call.world["flows"].select(items.conditions([f"{_PATHS[table]}=={entity.id}"])), None)
    if using is not None:
        raise flow(1447, 400, f"Found active flows containing id {entity.id}.", blame="conflict")
    call.world.remove(table, entity)
    return Reply(status=204)


def _act(call: Call, table: str) -> Reply:
    """Enable or disable, in any case (contract 13.29)."""
    entity = items.find(call, table, call.params[0])
    items.check_match(call, entity, required=False)
    op, state = (call.one("op") or "").upper(), entity.body["state"]
    wanted = {"ENABLE": ("disabled", "enabled"), "DISABLE": ("enabled", "disabled")}
    if op not in wanted or wanted[op][0] != state:
        raise flow(1422, 400, f"The action {op.lower()} cannot be applied on the current state {state}.")
    return items.update(call, table, entity, entity.body, state=wanted[op][1], transient="updating")


def register(router: Router) -> None:
    """Add the routes of both."""
    for table, kind in ((SOURCES, "source_connection"), (TARGETS, "target_connection")):
        router.add("GET", f"/{table}", "list", partial(items.listing, table=table))
        router.add("POST", f"/{table}", "create", partial(_create, table=table, kind=kind))
        router.add("GET", f"/{table}/*", "read", partial(items.read, table=table))
        router.add("PATCH", f"/{table}/*", "update", partial(_patch, table=table))
        router.add("DELETE", f"/{table}/*", "delete", partial(_delete, table=table))
        router.add("POST", f"/{table}/*/action", "action", partial(_act, table=table))
