"""Base connections (contract 4.3, 4.4, 6.2) and what can be asked of the system behind them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote

import orjson

from workflows.emulator.config import DEFAULT_BASE_CONNECTION
from workflows.emulator.errors import Problem, connector, flow
from workflows.emulator.http import Call, Reply, Router, answer
from workflows.emulator.services import explore, items
from workflows.emulator.services.connection_specs import DATA_LAKE, SERVICENOW, SPECS, known
from workflows.emulator.table import Entity
from workflows.emulator.world import World

TABLE = "connections"
REFUSED_PASSWORD = "wrong"  # noqa: S105 - the password that the emulated systems refuse
_SETTLED = {"enabled", "disabled"}


def _check_auth(body: dict[str, Any], spec: dict[str, Any]) -> None:
    """The credentials must be what the spec asks for; raises Problem 1302, 1304, 1415."""
    auth, offered = body.get("auth"), spec.get("authSpec", [])
    if auth is None:
        if offered:
            raise connector(1304, "Mandatory field auth is missing.")
        return
    if not offered:
        raise connector(1302, "Authentication is not supported by this connector.")
    name = auth.get("specName") if isinstance(auth, dict) else None
    chosen = next((one for one in offered if one["name"] == name), None)
    if chosen is None:
        detail = f"The auth spec '{name}' could not be found for the connection spec ID {spec['id']}."
        raise flow(1415, 400, detail)
    params = auth.get("params")
    missing = [key for key in chosen["spec"]["required"] if not isinstance(params, dict) or not params.get(key)]
    if missing:
        raise connector(1304, f"Mandatory field auth.params.{missing[0]} is missing.")


def _create(call: Call) -> Reply:
    items.no_query(call)
    body = call.object()
    spec = known(body)
    _check_auth(body, spec)
    kept: dict[str, Any] = {key: body[key] for key in ("name", "description", "auth", "connectionSpec") if key in body}
    kept["connectionSpec"] = {"id": spec["id"], "version": spec["version"]}
    kind = "dataset_base_connection" if spec["id"] == DATA_LAKE else "base_connection"
    return items.create(call, TABLE, kind, kept, transient="initializing")


def _patch(call: Call) -> Reply:
    entity = items.find(call, TABLE, call.params[0])
    _settled(entity)
    body = items.patched(call, entity)
    _check_auth(body, SPECS[body["connectionSpec"]["id"]])
    return items.update(call, TABLE, entity, body, transient="initializing")


def _settled(entity: Entity) -> None:
    state = entity.body["state"]
    if state == "initializing":
        detail = "Delete or Update on Connections in `initializing` state are not allowed with UserToken."
        raise flow(1417, 400, detail, blame="state")
    if state not in _SETTLED:
        detail = "Delete or Update can only be applied on connection with enabled, disabled or initializing state."
        raise flow(1416, 400, detail, blame="state")


def _delete(call: Call) -> Reply:
    entity = items.find(call, TABLE, call.params[0])
    _settled(entity)
    if flow_over(call.world, entity.id) is not None:
        detail = (
            f"The base connection with the ID {entity.id} cannot be deleted because the base connection is being used "
            "in one or more flows."
        )
        raise flow(1418, 400, detail, blame="conflict")
    call.world.remove(TABLE, entity)
    return Reply(status=204)


def flow_over(world: World, base_id: str) -> Entity | None:
    """A live flow whose source or target connection stands on this base connection."""
    for table, path in (("sourceConnections", "sourceConnectionIds[]"), ("targetConnections", "targetConnectionIds[]")):
        for end, _ in world[table].select(items.conditions([f"baseConnectionId=={base_id}"])):
            for using, _ in world["flows"].select(items.conditions([f"{path}=={end.id}"])):
                return using
    return None


def _refused(entity: Entity) -> bool:
    params = entity.body.get("auth", {}).get("params", {})
    return REFUSED_PASSWORD in {params.get("password"), params.get("accessToken")}


def _test(call: Call) -> Reply:
    return answer({"result": not _refused(items.find(call, TABLE, call.params[0]))})


def _explore(call: Call) -> Reply:
    entity = items.find(call, TABLE, call.params[0])
    if _refused(entity):
        raise connector(1308, "The call to the vendor failed: 401 Unauthorized: user is not authenticated.")
    return answer(explore.explore(call, SPECS[entity.body["connectionSpec"]["id"]]))


def echo(call: Call, status: int) -> Problem:
    """A vendor's answer that quotes what it was sent, in each way in which that is written."""
    params = items.find(call, TABLE, call.segments[1]).body["auth"]["params"]
    user, *secrets = (str(value) for name, value in params.items() if name != "endpoint")
    basic = b64encode(":".join((user, *secrets)).encode()).decode()
    said = [f"{orjson.dumps(secret).decode()} {secret} {quote(secret, safe='')}" for secret in secrets]
    return connector(
        1308,
        f"The call to the vendor failed: 401 {' '.join(said)}, Authorization: Basic {basic}",
        status=status,
        blame="platform",
    )


def _act(call: Call) -> Reply:
    entity = items.find(call, TABLE, call.params[0])
    op = (call.one("op") or "").upper()
    if op in {"FINALIZE", "FINALIZE_UPDATE"}:
        raise flow(1402, 400, f"The action '{op.lower()}' is supported for provider requests only.")
    raise flow(1422, 400, f"The action {op.lower()} cannot be applied on the current state {entity.body['state']}.")


def plant(world: World) -> None:
    """Put the tutorial's ServiceNow connection in place, so that its id can be used as printed."""
    body = {
        "name": "ServiceNow (comes with the emulator)",
        "description": "The base connection of the tutorial",
        "auth": {
            "specName": "Basic Authentication",
            "params": {"endpoint": "https://example.service-now.com", "username": "emulator", "password": "-"},
        },
        "connectionSpec": {"id": SERVICENOW, "version": "1.0"},
    }
    items.plant(world, TABLE, "base_connection", DEFAULT_BASE_CONNECTION, body)


def register(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/connections", "list", lambda call: items.listing(call, TABLE))
    router.add("POST", "/connections", "create", _create)
    router.add("POST", "/connections/search", "list", lambda call: items.search(call, TABLE))
    router.add("GET", "/connections/*", "read", lambda call: items.read(call, TABLE))
    router.add("PATCH", "/connections/*", "update", _patch)
    router.add("DELETE", "/connections/*", "delete", _delete)
    router.add("GET", "/connections/*/test", "read", _test)
    router.add("GET", "/connections/*/explore", "read", _explore)
    router.add("POST", "/connections/*/action", "action", _act)
