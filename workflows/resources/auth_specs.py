"""Base connections that are there, and what a connector asks for, both read at run time (contract 4.2, 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from jsonschema_rs import ValidationError

from engine.model import Json
from engine.resource import Hit
from workflows.aep import FLOW_SERVICE, AepClient, BadRequest, NotFound
from workflows.resources._json import dig, rows, table, text
from workflows.resources._json_schema import errors
from workflows.resources._translate import answers, nothing_there


async def read_connection_spec(client: AepClient, id: str) -> Json:
    """The connection spec; an empty object when the platform says that there is none, None when it does not say."""
    with answers(passing=(BadRequest, NotFound)):
        try:
            answer = await client.read("GET", FLOW_SERVICE, "/connectionSpecs", params={"property": f"id=={id}"})
        except (BadRequest, NotFound):
            return None
    if not isinstance(dig(answer.body, "items"), list):
        return None
    return next((item for item in rows(answer.body, "items") if text(item, "id") == id), {})


async def read_base_spec(client: AepClient, id: str) -> str | None:
    """The id of the connection spec of an existing base connection; None when the platform does not say. Raises
    `Rejected` when there is no such connection."""
    with answers(passing=(BadRequest, NotFound)):
        try:
            answer = await client.read("GET", FLOW_SERVICE, f"/connections/{quote(id, safe='')}")
        except NotFound as unknown:
            raise nothing_there("base connection", id) from unknown
        except BadRequest:
            return None
    return text(answer.body, "items", 0, "connectionSpec", "id") or text(answer.body, "connectionSpec", "id")


async def base_connections(client: AepClient, connection_spec_id: str) -> list[Hit]:
    """Every base connection of a connector, oldest first."""
    query = {"property": f"connectionSpec.id=={connection_spec_id}", "orderby": "createdAt"}
    with answers():
        pages = client.pages(FLOW_SERVICE, "/connections", params=query)
        items = [item async for page in pages for item in page]
    return [Hit(id=id, name=text(item, "name") or "") for item in items if (id := text(item, "id"))]


def auth_mistakes(spec: Json, auth_spec: str, params: Mapping[str, str]) -> list[tuple[str | None, str]]:
    """Why the platform would refuse these auth parameters, each with the parameter that it is about; never a value, as
    it may be a secret. `spec` is a connection spec."""
    offered = {text(one, "name"): one for one in rows(spec, "authSpec")}
    if auth_spec not in offered:
        there = ", ".join(str(name) for name in offered) or "none"
        return [(None, f'the connector takes no "{auth_spec}" any more; it has {there}')]
    return [_in_words(error) for error in errors(table(offered[auth_spec], "spec"), dict(params))]


def _in_words(error: ValidationError) -> tuple[str | None, str]:
    name, rule = next((str(part) for part in error.instance_path), None), error.kind.name
    limit = error.kind.value
    if rule == "required" and name is None:
        return None, f"auth lacks {limit}, which the connector asks for"
    shown = f" ({rule}: {limit})" if isinstance(limit, str | int | float) else f" ({rule})"
    return name, f"auth{f'.{name}' if name else ''} is not as the connector asks for{shown}"
