"""The Schema Registry (contract 5): its routes, Accept rules, lists and look-ups."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import partial
from typing import Any
from urllib.parse import quote

from workflows.emulator.errors import Problem, xdm
from workflows.emulator.http import Call, Reply, Router, answer
from workflows.emulator.paths import Condition, Operator, Path, order_key, values
from workflows.emulator.services import registry_writes, schemas
from workflows.emulator.services.schemas import BASE, KINDS, bad
from workflows.emulator.table import Body, Entity
from workflows.emulator.xdm import GLOBAL

PAGE = 300  # also the most (contract 5.5)
_FILTER = re.compile(r"(?P<path>[^=!<>~]+)(?:(?P<operator>==|!=|>=|<=|>|<|~)(?P<value>.*))?", re.DOTALL)
# The documentation's tables say xed; the Registry's own error texts name xdm beside it.
_LOOKUPS = {
    f"application/vnd.adobe.{family}{form}+json"
    for family in ("xed", "xdm")
    for form in ("", "-full", "-notext", "-full-notext", "-full-desc", "-deprecatefield")
}
Row = tuple[Entity | None, Body]
_LISTS = {f"application/vnd.adobe.{family}{form}+json" for family in ("xed", "xdm") for form in ("-id", "")}
_ORDER = {
    "updated": ("meta:registryMetadata", "repo:lastModifiedDate"),
    "created": ("meta:registryMetadata", "repo:createdDate"),
}


# --- Accept -----------------------------------------------------------------------------------------------------------


def _accept(call: Call) -> tuple[str, str | None]:
    media, _, parameters = (call.header(b"accept") or "").partition(";")
    match = re.fullmatch(r"\s*version\s*=\s*(\S+?)\s*", parameters) if parameters.strip() else None
    return media.strip().lower(), match[1] if match else (parameters.strip() or None)


def _refuse_accept(call: Call, number: int, hint: str) -> Problem:
    sent = call.header(b"accept")
    if sent is None:
        if call.platform.config.older_errors:
            return xdm(1009, 406, "Accept header missing", "Accept header parameter is required")
        number = 1009
    detail = f"The supplied Accept header is not valid: {sent} - A valid Accept value should look like {hint}"
    return xdm(number, 400, "Accept header invalid", detail)


def _list_form(call: Call) -> str:
    media, version = _accept(call)
    if media not in _LISTS or version is not None:
        raise _refuse_accept(call, 1006, "application/vnd.adobe.xed-id+json")
    return media


def _lookup_form(call: Call) -> str:
    media, version = _accept(call)
    if media not in _LOOKUPS or version is None:
        raise _refuse_accept(call, 1007, "application/vnd.adobe.xed+json; version=1 (Version should be specified)")
    if version not in {"1", "1.0"}:
        raise xdm(1008, 406, "Not acceptable", f"Version {version} is not available for this resource")
    return media


# --- reading ----------------------------------------------------------------------------------------------------------


def _conditions(call: Call) -> list[Condition]:
    found = []
    for filter in call.all("property"):
        match = _FILTER.fullmatch(filter)
        if match is None:
            raise bad(f"The filter {filter!r} is invalid.")
        operator: Operator = match["operator"] or "has"  # type: ignore[assignment]
        operands = () if match["operator"] is None else (match["value"],)
        try:
            found.append(
                Condition(path=tuple(match["path"].split(".")), operator=operator, operands=operands, into_arrays=True)
            )
        except re.error as error:
            raise bad(f"The filter {filter!r} is invalid: {error}") from None
    return found


def _list(call: Call, kind: str) -> Reply:
    form, container = _list_form(call), call.segments[0]
    tests = _conditions(call)
    orderby = call.one("orderby")
    limit = PAGE
    if orderby is not None:
        asked = call.number("limit")
        limit = PAGE if asked is None else max(1, min(asked, PAGE))
    orderby = orderby or "updated"
    sign, name = (orderby[0], orderby[1:]) if orderby[0] in "+- " else ("+", orderby)
    path = _ORDER.get(name, tuple(name.split(".")))
    start = call.one("start") if call.one("orderby") else None
    found = _found(call, container, kind, path, tests)
    rows = _page(found, path, start, limit + 1, descending=sign == "-")
    shown, more = rows[:limit], len(rows) > limit
    after = str(_value(shown[-1], path)) if more else None
    body: Body = {
        "results": [_listed(one, form) for one in shown],
        "_page": {"orderby": orderby, "next": after, "count": len(shown)},
        "_links": {"next": None},
    }
    if after is not None:
        query = f"orderby={quote(orderby)}&start={quote(after)}&limit={limit}"
        body["_links"]["next"] = f"{BASE}/{container}/{kind}?{query}"
    if kind == "schemas":
        body["_links"]["global_schemas"] = {"href": f"{BASE}/global/schemas"}
    return answer(body)


def _found(call: Call, container: str, kind: str, path: Path, tests: list[Condition]) -> list[Row]:
    """What a list is about, ascending by the value at `path`."""
    if container == "global":
        rows: list[Row] = [(None, one) for one in GLOBAL[kind].values() if all(test.holds(one) for test in tests)]
        return sorted(rows, key=lambda row: order_key(_value(row[1], path)))
    return [*call.world[kind].ordered(path, tests, horizon=call.horizon)]


def _page(rows: list[Row], path: Path, start: str | None, size: int, *, descending: bool) -> list[Body]:
    """The rows behind the value `start` of the sort property: rows that share it are skipped (contract 5.5)."""
    low, high = 0, len(rows)
    if start is not None and rows:
        number = isinstance(_value(rows[-1][1], path), int | float)
        last = order_key(float(start) if number and start.replace(".", "", 1).isdigit() else start)
        cut = (bisect_left if descending else bisect_right)(rows, last, key=lambda row: order_key(_value(row[1], path)))
        low, high = (low, cut) if descending else (cut, high)
    page = rows[max(low, high - size) : high][::-1] if descending else rows[low : min(high, low + size)]
    return [body for _, body in page]


def _value(body: Body, path: Path) -> Any:
    return next(values(body, path), None)


def _listed(body: Body, form: str) -> Body:
    if form.endswith("-id+json"):
        return {key: body[key] for key in ("$id", "meta:altId", "version", "title")}
    return body


def _read(call: Call, kind: str) -> Reply:
    form = _lookup_form(call)
    container, id = call.segments[0], call.params[0]
    body: Body | None = None
    if container == "global":
        found = schemas.lookup(call.world, kind, id)
        body = found if isinstance(found, dict) else None
    else:
        entity = call.world[kind].rows.get(id) or schemas.tenant(call.world, kind, id)
        body = entity.at(call.read_horizon) if entity is not None else None
    if body is None:
        raise schemas.missing(call.world, kind, id)
    if "-full" in form:
        shown = {key: value for key, value in body.items() if key not in {"allOf", "properties", "definitions"}}
        body = {**shown, "properties": schemas.resolve(call.world, body)}
    return answer(_without_texts(body) if "notext" in form else body)


def _without_texts(value: Any) -> Any:
    """The resource without titles and descriptions: of every schema in it, not of fields with such names."""
    if isinstance(value, list):
        return [_without_texts(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {name: _without_texts(field) for name, field in one.items()}
        if key == "properties" and isinstance(one, dict)
        else _without_texts(one)
        for key, one in value.items()
        if not (key in {"title", "description"} and isinstance(one, str))
    }


def _stats(call: Call) -> Reply:
    world = call.world
    usage = []
    for id, one in GLOBAL["classes"].items():
        used = [body for _, body in world["schemas"].select([Condition(path=("meta:class",), operands=(id,))])]
        short = [{"$id": body["$id"], "title": body["title"]} for body in used[:10]]
        usage.append({"$id": id, "title": one["title"], "numberOfSchemas": len(used), "schemas": short})
    recent = [entity for kind in KINDS for entity in world[kind].order[-10:] if entity.live]
    listed = [_listed(entity.body, "-id+json") for entity in sorted(recent, key=lambda one: -one.created)[:10]]
    counts = {kind: world[kind].live for kind in ("schemas", "classes")}
    counts |= {"mixins": world["fieldgroups"].live, "datatypes": 0, "unions": 0}
    stats = {"imsOrg": world.org.id, "tenantId": world.org.tenant, "counts": counts}
    recently = {"recentlyCreatedResources": listed, "recentlyUpdatedResources": listed}
    return answer({**stats, **recently, "classUsage": usage})


def router() -> Router:
    """The routes of the Registry, below `/data/foundation/schemaregistry`."""
    routes = Router()
    routes.add("GET", "/stats", "read", _stats, bare=True)
    for kind in (*KINDS, "behaviors"):
        routes.add("GET", f"/global/{kind}", "list", partial(_list, kind=kind), bare=True)
        routes.add("GET", f"/global/{kind}/*", "read", partial(_read, kind=kind), bare=True)
    for kind in KINDS:
        routes.add("GET", f"/tenant/{kind}", "list", partial(_list, kind=kind))
        routes.add("POST", f"/tenant/{kind}", "create", partial(registry_writes.create, kind=kind))
        routes.add("GET", f"/tenant/{kind}/*", "read", partial(_read, kind=kind))
        routes.add("PUT", f"/tenant/{kind}/*", "update", partial(registry_writes.put, kind=kind))
        routes.add("PATCH", f"/tenant/{kind}/*", "update", partial(registry_writes.patch, kind=kind))
        routes.add("DELETE", f"/tenant/{kind}/*", "delete", partial(registry_writes.delete, kind=kind))
    return routes
