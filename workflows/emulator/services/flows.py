"""Flows (contract 10.1, 10.2): two-phase creation, states, what they inherit, what their runs say."""

from __future__ import annotations

from typing import Any

from workflows.emulator.errors import connector, flow
from workflows.emulator.http import Call, Reply, Router
from workflows.emulator.services import flow_rules, items, runs
from workflows.emulator.table import Body, Entity

TABLE = "flows"
_KEPT = (
    "name", "description", "flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations",
    "scheduleParams", "options",
)  # fmt: skip
_ACTIONS = {
    "ENABLE": ("disabled", "enabling", "enabled"),
    "DISABLE": ("enabled", "disabling", "disabled"),
    "PUBLISH": ("draft", "enabling", "enabled"),
}


def _create(call: Call) -> Reply:
    body = call.object()
    items.no_query(call, "mode")
    if "state" in body:
        raise flow(1410, 400, "`State` is not allowed in the create flow request.")
    if "mode" in body:
        raise connector(1368, "`mode` is not allowed in the flow request.")
    draft = (call.one("mode") or "").lower() == "draft"
    kept = {key: body[key] for key in _KEPT if key in body}
    kept["flowSpec"] = {"id": flow_rules.known_spec(call, body)["id"], "version": "1.0"}
    if draft:
        return items.create(call, TABLE, "flow", kept, state="draft")
    kept = _complete(call, flow_rules.check(call, kept))
    return items.create(
        call, TABLE, "flow", kept, transient="enabling", tells_etag=call.platform.config.dialect != "2020"
    )


def _complete(call: Call, body: Body) -> Body:
    """The body with what a flow inherits from its connections."""
    ends = {}
    for table, key in (("sourceConnections", "sourceConnectionIds"), ("targetConnections", "targetConnectionIds")):
        entity = call.world[table].rows[body[key][0]]
        base = entity.body["inheritedAttributes"].get("baseConnection")
        end = {"id": entity.id, "connectionSpec": entity.body["connectionSpec"]}
        ends[table] = [end | ({"baseConnection": base} if base else {})]
    return {**body, "inheritedAttributes": {**ends, "properties": {"isSourceFlow": True}}}


def show(call: Call, entity: Entity, body: Body) -> Body:
    """A flow as it is answered: with its link to the runs, its last operation and its last run."""
    shown = {
        **body,
        "runs": f"/runs?property=flowId=={entity.id}",
        "lastOperation": {
            "started": body["createdAt"],
            "updated": body["updatedAt"],
            "percentCompleted": 100.0,
            "status": {"value": "completed", "errors": []},
            "operation": "create",
        },
    }
    last = runs.last(call.world, entity)
    if last is not None:
        shown["lastRunDetails"] = last
    return shown


def _list(call: Call) -> Reply:
    """Flows; a filter on their last runs sees what `show` would say now."""
    if any(filter.startswith("lastRunDetails") for filter in call.all("property")):
        for entity in call.world[TABLE].order:
            last = runs.last(call.world, entity)
            if entity.live and last != entity.body.get("lastRunDetails"):
                call.world.change(TABLE, entity, {**entity.body, "lastRunDetails": last})
    return items.listing(call, TABLE, show)


def _patch(call: Call) -> Reply:
    entity = items.find(call, TABLE, call.params[0])
    items.steady(entity, "update", {"enabled", "disabled", "draft"})
    body = items.patched(call, entity)
    if entity.body["state"] != "draft":
        body = flow_rules.check_change(call, entity, body)
    runs.catch_up(call.world, entity)
    return items.update(call, TABLE, entity, body, transient="updating")


def _act(call: Call) -> Reply:
    """ENABLE, DISABLE and PUBLISH in any case; `subOp` is optional (contract 13.29)."""
    entity = items.find(call, TABLE, call.params[0])
    items.check_match(call, entity, required=False)
    op, state = (call.one("op") or "").upper(), entity.body["state"]
    action: Any = _ACTIONS.get(op)
    if action is None or action[0] != state:
        passing = state not in {"enabled", "disabled", "draft"}
        detail = f"The action {op.lower()} cannot be applied on the current state {state}."
        raise flow(1422, 400, detail, blame="state" if passing else "conflict" if action else "client")
    body = entity.body
    if op == "PUBLISH":
        body = {**body, **_complete(call, flow_rules.check(call, body))}
    runs.catch_up(call.world, entity)
    return items.update(call, TABLE, entity, body, transient=action[1], state=action[2])


def _delete(call: Call) -> Reply:
    entity = items.find(call, TABLE, call.params[0])
    items.steady(entity, "delete", {"enabled", "disabled", "draft", "initializing"})
    call.world.remove(TABLE, entity)
    return Reply(status=204)


def register(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/flows", "list", _list)
    router.add("POST", "/flows", "create", _create)
    router.add("POST", "/flows/search", "list", lambda call: items.search(call, TABLE, show))
    router.add("GET", "/flows/*", "read", lambda call: items.read(call, TABLE, show))
    router.add("PATCH", "/flows/*", "update", _patch)
    router.add("DELETE", "/flows/*", "delete", _delete)
    router.add("POST", "/flows/*/action", "action", _act)
