"""What all resources of Flow Service have in common (contract 3): envelopes, filters, paging, etags, PATCH."""

from __future__ import annotations

import base64
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import orjson

from workflows.emulator import jsonpatch
from workflows.emulator.errors import Problem, flow
from workflows.emulator.http import Call, Reply, answer
from workflows.emulator.paths import Condition, Operator
from workflows.emulator.table import Body, Entity, row_key
from workflows.emulator.world import World, now_ms, stamps

BASE = "/data/foundation/flowservice"
PAGE, LARGEST_PAGE = 20, 1000  # the default is undocumented; the cap is that of the search body (contract 14)
LIST_PARAMETERS = {"property", "limit", "orderby", "continuationToken", "count"}
READ_ONLY = {"id", "etag", "version", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient",
             "updatedClient", "sandboxId", "sandboxName", "imsOrgId", "inheritedAttributes", "state"}  # fmt: skip
_FILTER = re.compile(r"(?P<path>[^=!<>~]+)(?P<operator>==|!=|>=|<=|>|<|~)(?P<value>.*)", re.DOTALL)
_CREATED = ("createdAt",)

View = Callable[[Call, Entity, Body], Body]


def plain(call: Call, entity: Entity, body: Body) -> Body:  # noqa: ARG001 - the shape of a View
    """An item shown as it is kept."""
    return body


def no_query(call: Call, allowed: str = "") -> None:
    """Raise Problem 1451 for any query parameter but the allowed one."""
    unknown = sorted({name for name, _ in call.query} - {allowed})
    if unknown:
        raise flow(1451, 400, f"Invalid params {', '.join(unknown)} provided in query params.")


def create(
    call: Call,
    table: str,
    kind: str,
    body: Body,
    *,
    state: str = "enabled",
    transient: str = "",
    tells_etag: bool = True,
) -> Reply:
    """Store a new item and answer 201; with a configured transition it is `transient` first (contract 3.4)."""
    world = call.world
    seconds = world.platform.config.transition
    item = _item(world, call.client, body)
    item["state"] = transient if transient and seconds else state
    entity = world.add(
        table, id=item["id"], kind=kind, name=str(body.get("name") or ""), body=item, created=item["createdAt"]
    )
    if item["state"] != state:
        _settle(world, table, entity, state, seconds)
    location = f"{BASE}/{table}/{entity.id}".encode()
    told = {"etag": item["etag"]} if tells_etag else {}
    return answer({"id": entity.id, **told}, 201, [(b"location", location)])


def _item(world: World, client: str, body: Body, id: str | None = None) -> Body:
    etag = world.platform.etag()
    identity = {"id": id or world.platform.uuid(), **stamps(world, client)}
    return {**identity, **body, "version": etag, "etag": etag}


def plant(world: World, table: str, kind: str, id: str, body: Body) -> None:
    """Put an item in place that no client made."""
    item = _item(world, "emulator", body, id) | {"state": "enabled"}
    world.add(table, id=id, kind=kind, name=body["name"], body=item, created=item["createdAt"], foreign=True)


def missing(call: Call, table: str, id: str) -> Problem:
    """The 404 for an id (contract 13.34); only one that never existed is the client's mistake."""
    detail = f"The requested {table} resource {id} is not found. Verify the resource ID before trying again."
    return flow(1439, 404, detail, blame="conflict" if id in call.world[table].rows else "client")


def find(call: Call, table: str, id: str) -> Entity:
    """An item by id as it is now; raises Problem 404."""
    entity = call.world[table].get(id)
    if entity is None:
        raise missing(call, table, id)
    return entity


def read(call: Call, table: str, view: View = plain) -> Reply:
    """Answer one item: a list even for one id (contract 3.1)."""
    entity = call.world[table].rows.get(call.params[0])
    body = entity.at(call.read_horizon) if entity is not None else None
    if entity is None or body is None:
        raise missing(call, table, call.params[0])
    return answer({"items": [view(call, entity, body)]})


def conditions(filters: list[str]) -> list[Condition]:
    """The filters of a list (contract 3.2); raises Problem with the codes of FSERR."""
    return [_condition(one) for one in filters]


def _condition(filter: str) -> Condition:
    match = _FILTER.fullmatch(filter)
    if match is None:
        raise flow(1453, 400, f"Invalid query value {filter} provided in query param.")
    path, operator = match["path"].strip(), match["operator"]
    operands = tuple(value.strip().strip('"') for value in match["value"].split(","))
    if operator == "~":
        raise flow(1440, 400, "Operator '~' not implemented.")
    if not all(operands):
        raise flow(1453, 400, f"Invalid query value {filter} provided in query param.")
    if operator not in {"==", "!="} and len(operands) > 1:
        raise flow(1443, 400, f"Operator '{operator}' is not allowed for multiple values.")
    if operator not in {"==", "!="} and path == "id":
        raise flow(1448, 400, f"Operator {operator} not supported for field id.")
    kind: Operator = operator  # type: ignore[assignment]
    return Condition(path=tuple(path.split(".")), operator=kind, operands=operands)


def listing(call: Call, table: str, view: View = plain, parameters: set[str] = LIST_PARAMETERS) -> Reply:
    """Answer a list (contract 3.1, 3.2)."""
    unknown = sorted({name for name, _ in call.query} - parameters)
    if unknown:
        raise flow(1451, 400, f"Invalid params {', '.join(unknown)} provided in query params.")
    count = (call.one("count") or "false").lower() == "true"
    if count and call.one("limit") is not None:
        raise flow(1401, 400, "The limit and count parameters cannot be given together in the same request.")
    wanted = {
        "property": call.all("property"),
        "orderby": call.one("orderby") or "",
        "limit": _limit(call.one("limit")),
        "count": count,
    }
    return page(call, table, wanted, call.one("continuationToken"), view)


def search(call: Call, table: str, view: View = plain) -> Reply:
    """Answer a search by POST; `queryString` is what would stand behind the question mark (contract 3.2)."""
    body = call.object()
    query = parse_qsl(str(body.get("queryString") or "").lstrip("?"), keep_blank_values=True)
    if any(name != "property" for name, _ in query):
        raise flow(1451, 400, "Invalid params provided in queryString.")
    limit = body.get("limit")
    if limit is not None and (not isinstance(limit, int) or not 1 <= limit <= LARGEST_PAGE):
        raise flow(1452, 400, f"Invalid value {limit} for field limit.")
    if body.get("count") and limit is not None:
        raise flow(1401, 400, "The limit and count parameters cannot be given together in the same request.")
    wanted = {
        "property": [value for _, value in query],
        "orderby": str(body.get("orderby") or ""),
        "limit": limit or PAGE,
        "count": bool(body.get("count")),
    }
    return page(call, table, wanted, call.one("continuationToken"), view)


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not text.isdigit() or int(text) < 1:
        raise flow(1452, 400, f"Invalid value {text} for field limit.")
    return min(int(text), LARGEST_PAGE)


def page(call: Call, table: str, wanted: dict[str, Any], token: str | None, view: View) -> Reply:
    """One page; the token of the next carries the whole query (contract 19)."""
    behind = None
    if token is not None:
        wanted, behind = _open(token)
    if wanted["count"]:
        found = call.world[table].select(conditions(wanted["property"]), horizon=call.horizon)
        return answer({"count": sum(1 for _ in found)})
    rows = _rows(call, table, wanted, behind)
    limit: int = wanted["limit"]
    shown = list(islice(rows, limit))
    links: dict[str, Any] = {}
    if len(shown) == limit and next(rows, None) is not None:
        path, _ = _order(wanted["orderby"])
        token = _seal(wanted, row_key(shown[-1], path))
        links = {"next": {"href": f"/{table}?continuationToken={token}"}}
    return answer({"items": [view(call, *row) for row in shown], "_links": links})


def _rows(call: Call, table: str, wanted: dict[str, Any], behind: Any) -> Iterator[tuple[Entity, Body]]:
    tests = conditions(wanted["property"])
    path, descending = _order(wanted["orderby"])
    there = call.world[table]
    if path == _CREATED and table != "runs":  # they stand in this order already
        after = -1 if behind is None else behind[1]
        return there.select(tests, horizon=call.horizon, after=after, newest_first=descending)

    rows = there.ordered(path, tests, horizon=call.horizon)
    if behind is None:
        return reversed(rows) if descending else iter(rows)
    last = (tuple(behind[0]), behind[1])
    if descending:
        return reversed(rows[: bisect_left(rows, last, key=lambda row: row_key(row, path))])
    return iter(rows[bisect_right(rows, last, key=lambda row: row_key(row, path)) :])


def _order(orderby: str) -> tuple[tuple[str, ...], bool]:
    orderby = orderby or "createdAt"
    sign, name = (orderby[0], orderby[1:]) if orderby[0] in "+- " else ("+", orderby)  # a bare plus arrives as a blank
    if not re.fullmatch(r"[A-Za-z][\w.\[\]]*", name):
        raise flow(1433, 400, f"Incorrect field= {orderby} passed in orderBy, example are +name, -name, name.")
    return tuple(name.split(".")), sign == "-"


def _seal(wanted: dict[str, Any], behind: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([wanted, behind])).decode().rstrip("=")


def _open(token: str) -> Any:
    try:
        return orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        raise flow(1452, 400, "Invalid value for field continuationToken.") from None


def check_match(call: Call, entity: Entity, *, required: bool = True) -> None:
    """Compare If-Match with the etag, with or without its quotes (contract 13.32); raises Problem 400 or 412."""
    sent = call.header(b"if-match")
    if sent is None:
        if required:
            raise flow(1403, 400, "The header 'If-Match' is missing in the request.")
        return
    if sent.strip('"') != entity.body["etag"].strip('"'):
        detail = f"The supplied version '{sent}' does not match the current version on entity '{entity.body['etag']}'."
        raise flow(1404, 412, detail, blame="conflict")


def patched(call: Call, entity: Entity) -> Body:
    """The body after the request's JSON Patch (contract 3.3); raises Problem and changes nothing."""
    check_match(call, entity)
    if not call.body.strip():
        raise flow(1405, 400, "The request body cannot be null or empty.")
    operations = call.json()
    operations = [operations] if isinstance(operations, dict) else operations
    if not isinstance(operations, list) or not operations:
        raise flow(1405, 400, "The request body must be a list of patch operations.")
    for operation in operations:
        op = str(operation.get("op", "")).lower() if isinstance(operation, dict) else ""
        if op not in {"add", "replace", "remove"}:
            raise flow(1434, 400, f"Unsupported operation '{op}' received.")
        top = str(operation.get("path", "")).split("/")[1:2]
        if top == ["connectionSpec"]:
            raise flow(1414, 400, "The connection spec of a connection cannot be updated.")
        if not top or top[0] in READ_ONLY:
            raise flow(1455, 400, f"An error has occurred while validating patch instructions: {operation['path']}")
    try:
        body: Body = jsonpatch.apply(entity.body, operations)
    except jsonpatch.PatchError as error:
        raise flow(1455, 400, f"An error has occurred while validating patch instructions: {error}") from None
    return body


def update(call: Call, table: str, entity: Entity, body: Body, *, transient: str = "", state: str = "") -> Reply:
    """Store a changed body under a new etag and answer 200."""
    world = call.world
    etag, seconds = world.platform.etag(), world.platform.config.transition
    final = state or body["state"]
    body = {**body, "updatedAt": now_ms(), "updatedClient": call.client, "version": etag, "etag": etag}
    body["state"] = transient if transient and seconds else final
    world.change(table, entity, body, str(body.get("name") or ""))
    if body["state"] != final:
        _settle(world, table, entity, final, seconds)
    return answer({"id": entity.id, "etag": etag})


def _settle(world: World, table: str, entity: Entity, state: str, seconds: float) -> None:
    """Let a transient state pass; the etag stays, as the object itself did not change."""

    def settle() -> None:
        if entity.live:
            world.change(table, entity, {**entity.body, "state": state})

    world.later(seconds, settle)


def steady(entity: Entity, operation: str, allowed: set[str]) -> None:
    """Raise Problem 400, which will pass by itself, unless the item is in one of the states (contract 3.4)."""
    state = entity.body["state"]
    if state not in allowed:
        number = {"update": 1457, "delete": 1458}[operation]
        raise flow(number, 400, f"Operation {operation} cannot be applied in state {state}.", blame="state")
