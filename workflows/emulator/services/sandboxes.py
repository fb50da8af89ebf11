"""Sandbox management (contract 18): the sandboxes that a user can see."""

from __future__ import annotations

from workflows.emulator.errors import platform
from workflows.emulator.http import Call, Reply, Router, answer


def _list(call: Call) -> Reply:
    offset, limit = call.number("offset") or 0, call.number("limit")
    limit = 50 if limit is None else limit
    if offset < 0 or limit < 1:
        raise platform(400, "offset must be at least 0, limit at least 1")
    org = call.world.org
    rows = []
    for sandbox in org.sandboxes[offset : offset + limit]:
        created = call.platform.worlds[org.id, sandbox.name].created
        rows.append(
            {
                "name": sandbox.name,
                "title": sandbox.name.capitalize(),
                "state": sandbox.state,
                "type": sandbox.type,
                "region": "VA7",
                "isDefault": sandbox.default,
                "eTag": 1,
                "createdDate": created,
                "lastModifiedDate": created,
                "createdBy": "emulator@AdobeID",
                "modifiedBy": "emulator@AdobeID",
            }
        )
    links = {"page": {"href": "/data/foundation/sandbox-management/?limit={limit}&offset={offset}", "templated": True}}
    return answer({"sandboxes": rows, "_page": {"limit": limit, "count": len(rows)}, "_links": links})


def router() -> Router:
    """The one route, below `/data/foundation/sandbox-management`."""
    routes = Router()
    routes.add("GET", "/", "list", _list)
    return routes
