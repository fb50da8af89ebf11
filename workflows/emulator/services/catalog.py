"""The Catalog (contract 7): datasets, answered as objects keyed by id; their names are not unique."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from workflows.emulator import jsonpatch
from workflows.emulator.errors import Problem, platform
from workflows.emulator.http import JSON_PATCH, Call, Reply, Router, answer
from workflows.emulator.paths import Condition, Operator, order_key, values
from workflows.emulator.services import mappings, schemas
from workflows.emulator.table import Body, Entity
from workflows.emulator.world import now_ms

TABLE = "dataSets"
PAGE, LARGEST_PAGE, LARGEST_WITH_OBSERVABLE = 20, 100, 20  # contract 7.2
_PROFILE_TAGS = {"unifiedProfile", "unifiedIdentity"}
_READ_ONLY = (
    "version", "created", "updated", "imsOrg", "sandboxId", "createdClient", "createdUser", "viewId", "files",
    "classification", "state",
)  # fmt: skip
_OPTIONS = {"limit", "start", "properties", "property", "orderBy", "tags", "requestDataSource"}
_FILTER = re.compile(r"(?P<path>[^=!<>~]+)(?P<operator>==|!=|>=|<=|>|<|~)(?P<value>.*)", re.DOTALL)


# --- reading ----------------------------------------------------------------------------------------------------------


def _conditions(call: Call) -> list[Condition]:
    """Every filter of a list: simple ones, conditional ones, tags (contract 7.2)."""
    found = [_conditional(filter) for filter in call.all("property")]
    for listed in call.all("tags"):
        found += [_tag(one) for one in listed.split(",") if one]
    found += [_simple(name, value) for name, value in call.query if name not in _OPTIONS]
    return found


def _simple(name: str, value: str) -> Condition:
    """`name=a,b` is any of; a leading `!` is not; a name may hold wildcards."""
    negated, value = value.startswith("!"), value.removeprefix("!")
    if name == "name" and "*" in value:
        if negated:
            raise platform(400, "A wildcard cannot be negated")
        return Condition(path=(name,), operator="glob", operands=(value,))
    return Condition(path=(name,), operator="!=" if negated else "==", operands=tuple(value.split(",")))


def _conditional(filter: str) -> Condition:
    match = _FILTER.fullmatch(filter)
    if match is None:
        absent = filter.startswith("!")
        return Condition(path=(filter.lstrip("!"),), operator="lacks" if absent else "has")
    operator: Operator = match["operator"]  # type: ignore[assignment]
    if "." in match["path"]:
        raise platform(400, f"Only top-level properties can be filtered: {filter}")
    try:
        return Condition(path=(match["path"],), operator=operator, operands=(match["value"].strip('"'),))
    except re.error as error:
        raise platform(400, f"The filter {filter!r} is invalid: {error}") from None


def _tag(one: str) -> Condition:
    key, colon, value = one.partition(":")
    if not colon:
        raise platform(400, f"A tag filter is key:value, not {one!r}")
    path = ("tags", f"{key}[]")
    if value == "*":
        return Condition(path=("tags", key), operator="has")
    return Condition(path=path, operator="glob" if "*" in value else "==", operands=(value,))


def _list(call: Call) -> Reply:
    wanted = _properties(call)
    most = LARGEST_WITH_OBSERVABLE if wanted and "observableSchema" in wanted else LARGEST_PAGE
    limit, start = call.number("limit"), call.number("start") or 0
    limit = PAGE if limit is None else limit
    if not 1 <= limit <= most or start < 0:
        raise platform(400, f"limit must be from 1 to {most}, start at least 0")
    keys = _order(call.one("orderBy"))
    tests = _conditions(call)
    if all(path == ("created",) for path, _ in keys):  # datasets stand in this order already
        newest_first = bool(keys and keys[0][1])
        found = call.world[TABLE].select(tests, horizon=call.horizon, newest_first=newest_first)
        rows = list(islice(found, start, start + limit))
    else:
        rows = list(call.world[TABLE].select(tests, horizon=call.horizon))
        for path, descending in reversed(keys):
            rows.sort(key=lambda row: order_key(next(values(row[1], path), None)), reverse=descending)
        rows = rows[start : start + limit]
    return answer({entity.id: _shown(body, wanted) for entity, body in rows})


def _order(text: str | None) -> list[tuple[tuple[str, ...], bool]]:
    """The sort keys of `asc:created`, `name,desc:updated`."""
    keys: list[tuple[tuple[str, ...], bool]] = []
    for part in (text or "").split(","):
        direction, colon, name = part.partition(":")
        if colon and direction not in {"asc", "desc"}:
            raise platform(400, f"orderBy is asc:name or desc:name, not {part!r}")
        if part:
            keys.append(((name if colon else part,), direction == "desc"))
    return keys


def _properties(call: Call) -> list[str] | None:
    text = call.one("properties")
    return text.split(",") if text else None


def _shown(body: Body, wanted: list[str] | None) -> Body:
    return body if wanted is None else {key: body[key] for key in wanted if key in body}


def _read(call: Call) -> Reply:
    id = call.params[0]
    entity = call.world[TABLE].rows.get(id)
    body = entity.at(call.read_horizon) if entity is not None else None
    if body is None:
        raise _missing(call)
    return answer({id: _shown(body, _properties(call))}, 200, [(b"e-tag", body["version"].encode())])


def _missing(call: Call) -> Problem:
    known = call.params[0] in call.world[TABLE].rows
    return platform(404, f"The dataset {call.params[0]} is not found", blame="conflict" if known else "client")


# --- writing ----------------------------------------------------------------------------------------------------------


def _check(call: Call, body: Body) -> None:
    """Raise Problem 400 unless a dataset may be made of the body (contract 7.1)."""
    ref = body.get("schemaRef")
    if not isinstance(ref, dict) or not isinstance(ref.get("id"), str):
        raise platform(400, "schemaRef.id is missing")
    schema = schemas.tenant(call.world, "schemas", ref["id"])
    if schema is None:
        raise platform(400, f"The schema {ref['id']} does not exist")
    media = str(ref.get("contentType") or "")
    if not media.startswith("application/vnd.adobe.xed") or not mappings.major(media):
        raise platform(400, "schemaRef.contentType must be a media type of the Registry with a version")
    if not isinstance(body.get("name", ""), str):
        raise platform(400, "name must be a text")
    _check_tags(body.get("tags", {}), schema.body)


def _check_tags(tags: Any, schema: Body) -> None:
    if not isinstance(tags, dict):
        raise platform(400, "tags must be an object")
    for name, texts in tags.items():
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            raise platform(400, f"The tag {name} must be a list of texts")
        if name in _PROFILE_TAGS and "union" not in schema.get("meta:immutableTags", []):
            raise platform(400, "To enable profile datasets the schema should be valid")
        if name.startswith("adobe"):
            raise platform(400, f"The tag name {name} must not start with adobe")


def _validate_only(call: Call) -> bool:
    return "validate-only" in (call.header(b"pragma") or "")


def _create(call: Call) -> Reply:
    sent = call.object()
    _check(call, sent)
    if _validate_only(call):
        return answer([])
    id, now, world = call.platform.hex(24), now_ms(), call.world
    user = f"{call.client}@techacct.adobe.com"
    body = {
        **{key: value for key, value in sent.items() if key not in _READ_ONLY},
        "version": "1.0.0",
        "created": now,
        "updated": now,
        "imsOrg": world.org.id,
        "sandboxId": world.id,
        "createdClient": call.client,
        "createdUser": user,
        "updatedUser": user,
        "viewId": call.platform.hex(24),
        "files": f"@/dataSetFiles?dataSetId={id}",
        "classification": {"dataBehavior": "record", "managedBy": "CUSTOMER"},
        "state": "ACTIVE",
    }
    body.setdefault("tags", {})
    world.add(TABLE, id=id, kind="dataset", name=str(sent.get("name") or ""), body=body, created=now)
    location = f"/data/foundation/catalog/dataSets/{id}".encode()
    return answer([f"@/dataSets/{id}"], 201, [(b"location", location)])


def _find(call: Call) -> Entity:
    entity = call.world[TABLE].get(call.params[0])
    if entity is None:
        raise _missing(call)
    version = entity.body["version"]
    match, none = call.header(b"if-match"), call.header(b"if-none-match")
    if match is not None and match.strip('"') not in {version, "*"}:
        raise platform(412, f"The version {match} is not the current one, {version}", blame="conflict")
    if none is not None and none.strip('"') in {version, "*"}:
        raise platform(412, f"The version {none} is the current one", blame="conflict")
    return entity


def _store(call: Call, entity: Entity, sent: Body) -> Reply:
    _check(call, sent)
    if _validate_only(call):
        return answer([])
    before = entity.body
    major, minor, patch = before["version"].split(".")
    kept = {key: before[key] for key in _READ_ONLY if key in before}
    changed = {"version": f"{major}.{minor}.{int(patch) + 1}", "updated": max(now_ms(), before["updated"] + 1)}
    body = {**sent, **kept, **changed, "updatedUser": f"{call.client}@techacct.adobe.com"}
    call.world.change(TABLE, entity, body, str(body.get("name") or ""))
    return answer([f"@/dataSets/{entity.id}"])


def _patch(call: Call) -> Reply:
    """Both forms of PATCH, told apart by their content type (contract 7.3)."""
    entity, sent = _find(call), call.json("application/json", JSON_PATCH)
    if call.media_type() != JSON_PATCH:
        if not isinstance(sent, dict):
            raise platform(400, "A partial object is expected; a JSON Patch has its own content type")
        return _store(call, entity, {**entity.body, **sent})
    if not isinstance(sent, list):
        raise platform(400, "A JSON Patch is a list of operations")
    try:
        body = jsonpatch.apply(entity.body, sent)
    except jsonpatch.TestFailed as error:
        raise platform(400, str(error), blame="conflict") from None
    except jsonpatch.PatchError as error:
        raise platform(400, str(error)) from None
    if not isinstance(body, dict):
        raise platform(400, "A dataset is an object")
    return _store(call, entity, body)


def _patch_nested(call: Call) -> Reply:
    return _store(call, _find(call), _merged(_find(call).body, call.object()))


def _merged(old: Body, new: Body) -> Body:
    merged = dict(old)
    for key, value in new.items():
        have = merged.get(key)
        merged[key] = _merged(have if isinstance(have, dict) else {}, value) if isinstance(value, dict) else value
    return merged


def _put(call: Call) -> Reply:
    return _store(call, _find(call), call.object())


def _delete(call: Call) -> Reply:
    """200 in any case; an unknown id answers an empty list (contract 7.3)."""
    entity = call.world[TABLE].get(call.params[0])
    if entity is None:
        return answer([])
    call.world.remove(TABLE, entity)
    return answer([f"@/dataSets/{entity.id}"])


def router() -> Router:
    """The routes of the Catalog, below `/data/foundation/catalog`."""
    routes = Router()
    routes.add("GET", "/dataSets", "list", _list)
    routes.add("POST", "/dataSets", "create", _create)
    routes.add("GET", "/dataSets/*", "read", _read)
    routes.add("PATCH", "/dataSets/*", "update", _patch)
    routes.add("PATCH", "/v2/dataSets/*", "update", _patch_nested)
    routes.add("PUT", "/dataSets/*", "update", _put)
    routes.add("DELETE", "/dataSets/*", "delete", _delete)
    return routes
