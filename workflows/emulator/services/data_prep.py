"""Data Prep (contract 8): mapping sets. There is no documented way to delete one."""

from __future__ import annotations

from itertools import islice
from typing import Any

from workflows.emulator.errors import Problem, platform
from workflows.emulator.http import Call, Reply, Router, answer
from workflows.emulator.paths import Condition
from workflows.emulator.services import mappings
from workflows.emulator.table import Body, Entity
from workflows.emulator.world import now_ms

TABLE = "mappingSets"
_SORT_KEYS = {"createdDate": "createdDate", "updatedDate": "modifiedDate", "lastUpdateDate": "modifiedDate"}
_SHORT = ("id", "version", "createdDate", "modifiedDate", "createdBy", "modifiedBy")


def _create(call: Call) -> Reply:
    body = mappings.normal(call.world, call.object())
    now = now_ms()
    stamps = {"createdDate": now, "modifiedDate": now, "createdBy": call.client, "modifiedBy": call.client}
    body = {"id": call.platform.hex(32), "version": 0, **stamps, **body}
    entity = call.world.add(
        TABLE, id=body["id"], kind="mapping_set", name=str(body.get("name") or ""), body=body, created=now
    )
    entity.store["versions"] = {"0": body}
    return answer({key: body[key] for key in _SHORT})


def _list(call: Call) -> Reply:
    limit, start = call.number("limit"), call.number("start")
    if start is None and limit is not None:  # both are documented as required, and AEPP lives without the second
        call.platform.books.warn(call.method, call.path, "start is missing")
        start = 0
    if limit is None or start is None or limit < 1 or start < 0:
        raise platform(400, "limit and start are required")
    tests = [
        Condition(path=(path,), operands=(value,))
        for path, value in [("name", call.one("name")), *_property(call)]
        if value is not None
    ]
    orderby = call.one("orderBy") or "lastUpdateDate"
    sign, name = (orderby[0], orderby[1:]) if orderby[0] in "+- " else ("+", orderby)
    if name not in _SORT_KEYS:
        raise platform(400, f"orderBy is one of {', '.join(_SORT_KEYS)}, with + or -")
    key, descending, there = _SORT_KEYS[name], sign == "-", call.world[TABLE]
    if key == "createdDate":  # they stand in the order of creation already
        rows = there.select(tests, horizon=call.horizon, newest_first=descending)
    else:
        arranged = there.ordered((key,), tests, horizon=call.horizon)
        rows = reversed(arranged) if descending else iter(arranged)
    shown = [body for _, body in islice(rows, start, start + limit)]
    links: Body = {}
    if next(rows, None) is not None:
        links["next"] = {
            "href": f"/mappingSets?limit={limit}&start={start + limit}&orderBy={orderby}",
            "templated": False,
        }
    return answer({"data": shown, "_page": {"count": len(shown), "limit": limit}, "_links": links})


def _property(call: Call) -> list[tuple[str, str | None]]:
    """Undocumented equality filters that practice uses (contract 8.2)."""
    pairs = [filter.partition("==") for filter in call.all("property")]
    return [(path, value.strip('"')) for path, _, value in pairs]


def _find(call: Call) -> Entity:
    entity = call.world[TABLE].get(call.params[0])
    if entity is None:
        raise _missing(call)
    return entity


def _missing(call: Call) -> Problem:
    known = call.params[0] in call.world[TABLE].rows
    return platform(404, f"The mapping set {call.params[0]} is not found", blame="conflict" if known else "client")


def _version(call: Call) -> Body:
    """The version of a mapping set that a request asks for, by default the newest; raises Problem 404."""
    entity = call.world[TABLE].rows.get(call.params[0])
    body = entity.at(call.read_horizon) if entity is not None else None
    version = call.number("version")
    if entity is not None and body is not None and version is not None:
        body = entity.store["versions"].get(str(version))
    if body is None:
        raise _missing(call)
    return body


def _put(call: Call) -> Reply:
    entity = _find(call)
    body = mappings.normal(call.world, call.object())
    before = entity.body
    version = before["version"] + 1
    kept = {key: before[key] for key in ("id", "createdDate", "createdBy")}
    body = {**kept, "version": version, "modifiedDate": now_ms(), "modifiedBy": call.client, **body}
    entity.store["versions"][str(version)] = body
    call.world.change(TABLE, entity, body, str(body.get("name") or ""))
    return answer(body)


def _validate(call: Call) -> Reply:
    errors = mappings.validate(call.world, mappings.normal(call.world, call.object()))
    rows = [{"status": "FAILED" if found else "SUCCESS", "errors": found or None} for found in errors]
    return answer({"validationResponse": rows})


def _preview(call: Call) -> Reply:
    body = call.object()
    rows: Any = body.get("data")
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise platform(400, "data must be a list of rows")
    if not isinstance(body.get("mappingSet"), dict):
        raise platform(400, "mappingSet must be an object")
    mapping_set = mappings.normal(call.world, body["mappingSet"])
    return answer([mappings.preview(mapping_set, row) for row in rows])


def _mapping(call: Call) -> Reply:
    found = [row for row in _version(call)["mappings"] if row["id"] == call.params[1]]
    if not found:
        raise platform(404, f"The mapping {call.params[1]} is not found")
    return answer(found[0])


def router() -> Router:
    """The routes of Data Prep, below `/data/foundation/conversion`."""
    routes = Router()
    routes.add("GET", "/mappingSets", "list", _list)
    routes.add("POST", "/mappingSets", "create", _create)
    routes.add("POST", "/mappingSets/validate", "read", _validate)
    routes.add("POST", "/mappingSets/preview", "read", _preview)
    routes.add("GET", "/mappingSets/*", "read", lambda call: answer(_version(call)))
    routes.add("PUT", "/mappingSets/*", "update", _put)
    routes.add("GET", "/mappingSets/*/mappings", "list", lambda call: answer(_version(call)["mappings"]))
    routes.add("GET", "/mappingSets/*/mappings/*", "read", _mapping)
    return routes
