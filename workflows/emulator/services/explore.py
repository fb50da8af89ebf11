"""What the emulated customer-success systems hold (contract 4.5, 4.6): the tables of the example manifest and others.

Of every table there are as many as one likes: `incident_2`, `incident_3`, … have the columns of `incident`.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import orjson

from workflows.emulator.errors import connector
from workflows.emulator.http import Call
from workflows.emulator.services.connection_specs import REST

TABLES: dict[str, dict[str, str]] = {
    "Account": {"Id": "string", "Name": "string", "Phone": "string", "email": "string", "updatedAt": "date-time"},
    "incident": {
        "sys_id": "string",
        "caller_name": "string",
        "caller_email": "string",
        "priority": "integer",
        "sys_updated_on": "date-time",
    },
    "customer_contact": {
        "sys_id": "string",
        "first_name": "string",
        "last_name": "string",
        "email": "string",
        "sys_updated_on": "date-time",
    },
    "AccountChangeEvent": {"Id": "string", "ChangeType": "string", "updatedAt": "date-time"},
    "Organization": {"Id": "string", "Employees": "integer", "Founded": "date", "updatedAt": "date-time"},
}
_NAMES = {"AccountChangeEvent": "Account Change Event"}  # the path is the identifier, not the name (contract 4.5)
_USUAL = {
    "sys_id": "string",
    "number": "string",
    "name": "string",
    "email": "string",
    "caller_name": "string",
    "caller_email": "string",
    "active": "boolean",
    "priority": "integer",
    "sys_created_on": "date-time",
    "sys_updated_on": "date-time",
}
TABLES |= dict.fromkeys(
    (
        "case",
        "change_request",
        "customer_account",
        "problem",
        "sn_customerservice_case",
        "sn_customerservice_contact",
        "sys_user",
    ),
    _USUAL,
)
_USER_FIELDS = {
    "id": "integer",
    "name": "string",
    "email": "string",
    "phone": "string",
    "active": "boolean",
    "created_at": "string",
    "updated_at": "string",
}


def explore(call: Call, spec: dict[str, Any]) -> Any:
    """What lies behind a connection: all tables, the columns of one, or a REST source's schema; raises Problem."""
    kind = (call.one("objectType") or "").lower()
    if "sourceSpec" not in spec:
        raise connector(1358, "The object type is not valid for this connector.")
    if spec["id"] in REST:
        return _rest(call, kind)
    if kind == "root":
        return [
            {"type": "table", "name": _NAMES.get(path, path), "path": path, "canPreview": True, "canFetchSchema": True}
            for path in TABLES
        ]
    if kind != "table":
        raise connector(1358, f"The object type {kind!r} is not valid: it is root or table.")
    table = call.one("object")
    if not table:
        raise connector(1337, "The object is empty.")
    columns = TABLES.get(table) or TABLES.get(re.sub(r"_\d+$", "", table))
    if columns is None:
        raise connector(1330, f"No columns are found for the table {table}.", blame="conflict")
    return {"format": "flat", "schema": {"columns": [column(name, type) for name, type in columns.items()]}}


def column(name: str, type: str) -> dict[str, Any]:
    """A column as explore prints it: a date or a time is a string with a format (contract 4.5)."""
    if type in ("date", "date-time"):
        return {"name": name, "type": "string", "meta:xdmType": type, "xdm": {"type": "string", "format": type}}
    return {"name": name, "type": type, "xdm": {"type": type}}


def _rest(call: Call, kind: str) -> dict[str, Any]:
    if kind != "rest":
        raise connector(1358, f"The object type {kind!r} is not valid: it is rest.")
    if call.one("object") != "json" or call.one("fileType") != "json":
        raise connector(1304, "object and fileType must be json.")
    encoded = call.one("sourceParams") or ""
    try:
        orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except ValueError:
        raise connector(1304, "sourceParams must be a JSON object in base64.") from None
    user = {"type": "object", "properties": {name: {"type": type} for name, type in _USER_FIELDS.items()}}
    row = {"id": 1, "name": "Ada", "email": "ada@example.com", "phone": "+441", "active": True}
    return {
        "format": "hierarchical",
        "schema": {"type": "object", "properties": {"result": user, "count": {"type": "integer"}}},
        "data": [{"result": row | {"created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z"}}],
    }
