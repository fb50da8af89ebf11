"""Mapping sets in both dialects, brought into one form, and checked against the target schema (contract 8)."""

from __future__ import annotations

import re
from typing import Any

from workflows.emulator.errors import platform
from workflows.emulator.services import schemas
from workflows.emulator.table import Body
from workflows.emulator.world import World, now_ms

LONGEST_EXPRESSION = 4096  # contract 14
_SOURCE_TYPES = {"ATTRIBUTE", "EXPRESSION", "STATIC"}
_SCHEMA_PATH = "text/x.schema-path"


def major(version: str) -> str:
    """The major version in any of the spellings of contract 13.3: `1`, `1.0`, `…;version=1`, `…; version=1.0`."""
    match = re.search(r"(?:version\s*=\s*)?(\d+)(?:\.\d+)?\s*$", version)
    return match[1] if match else ""


def normal(world: World, sent: Body) -> Body:
    """What a mapping set says, in the form that it is kept in; raises Problem 400 for what no dialect allows."""
    schema = sent.get("outputSchema")
    if isinstance(schema, dict):  # dialect B
        ref = schema.get("schemaRef")
        if not isinstance(ref, dict) or not isinstance(ref.get("id"), str) or not major(str(ref.get("contentType"))):
            raise platform(400, "outputSchema.schemaRef needs an id and a contentType with a version")
        id, content_type = ref["id"], str(ref["contentType"])
    else:  # dialect A
        if not isinstance(sent.get("xdmSchema"), str) or not isinstance(sent.get("xdmVersion"), str):
            raise platform(400, "A mapping set needs outputSchema.schemaRef, or xdmSchema and xdmVersion")
        id, content_type = sent["xdmSchema"], sent["xdmVersion"]
    if schemas.known_schema(world, id) is None:
        raise platform(400, f"The schema {id} does not exist")
    rows = sent.get("mappings")
    if not isinstance(rows, list):
        raise platform(400, "mappings must be a list")
    ref = {"id": id, "contentType": content_type}
    kept: Body = {key: sent[key] for key in ("name", "tags", "inputSchema") if sent.get(key) is not None}
    return kept | {
        "outputSchema": {"schemaRef": ref},
        "schemaRef": ref,
        "xdmSchema": id,
        "xdmVersion": f"{major(content_type)}.0",
        "allowNullValues": bool(sent.get("allowNullValues", False)),
        "strictMapping": False,
        "status": "PUBLISHED",
        "mappings": [_row(world, row) for row in rows],
    }


def _row(world: World, row: Any) -> Body:
    """A mapping with both spellings of its ends (contract 8.1)."""
    if not isinstance(row, dict):
        raise platform(400, "Every mapping must be an object")
    source, destination = (
        row.get("source", row.get("sourceAttribute")),
        row.get("destination", row.get("destinationXdmPath")),
    )
    if not isinstance(source, str) or not isinstance(destination, str) or not source or not destination:
        raise platform(400, "Every mapping needs a source and a destination")
    kind = row.get("sourceType", "ATTRIBUTE")
    if kind not in _SOURCE_TYPES | {_SCHEMA_PATH}:
        raise platform(400, f"The sourceType {kind!r} is not ATTRIBUTE, EXPRESSION or STATIC")
    now = now_ms()
    return {
        "id": world.platform.hex(32),
        "version": 0,
        "createdDate": now,
        "modifiedDate": now,
        "sourceType": _SCHEMA_PATH if kind == "ATTRIBUTE" else kind,
        "source": source,
        "destination": destination,
        "identity": bool(row.get("identity", False)),
        "primaryIdentity": False,
        "matchScore": 0.0,
        "sourceAttribute": source,
        "destinationXdmPath": destination,
        **{key: row[key] for key in ("name", "description") if row.get(key) is not None},
    }


def validate(world: World, body: Body) -> list[list[Body]]:
    """The errors of each mapping, in their order (contract 8.2): unknown paths, paths to objects, long expressions."""
    schema = schemas.known_schema(world, body["xdmSchema"])
    fields = schemas.resolve(world, schema) if schema is not None else {}
    return [_errors(row, fields) for row in body["mappings"]]


def _errors(row: Body, fields: Body) -> list[Body]:
    field = _field(fields, row["destination"])
    if field is None:
        return [_error(row, f"The destination path {row['destination']} does not exist in the target schema")]
    if row["sourceType"] == _SCHEMA_PATH and field.get("type") in {"object", "array"}:  # contract 13.6
        return [_error(row, f"Type mismatch: the source is a value, {row['destination']} is of type {field['type']}")]
    if len(row["source"]) > LONGEST_EXPRESSION:
        return [_error(row, f"The expression is longer than {LONGEST_EXPRESSION} characters")]
    return []


def _error(row: Body, text: str) -> Body:
    return {
        "destination": row["destination"],
        "exception": text,
        "source": row["source"],
        "columnName": row["source"],
        "sourceType": "ATTRIBUTE" if row["sourceType"] == _SCHEMA_PATH else row["sourceType"],
    }


def _field(fields: Body, path: str) -> Body | None:
    """The field at a dotted path; `[0]` or `[*]` steps into an array, any key into a map."""
    field: Body = {"type": "object", "properties": fields}
    for key in re.split(r"(?<!\\)\.", path):
        name, _, index = key.replace("\\.", ".").partition("[")
        step = field.get("properties", {}).get(name, field.get("additionalProperties"))
        if not isinstance(step, dict):
            return None
        field = step
        if index:
            inside = field.get("items")
            if not isinstance(inside, dict):
                return None
            field = inside
    return field


def preview(body: Body, row: Body) -> Body:
    """One source row as the mapping set would turn it out; expressions are beyond this emulator."""
    data: Body = {}
    errors = []
    for mapping in body["mappings"]:
        if mapping["sourceType"] == "EXPRESSION":
            errors.append(_error(mapping, "Expressions are not evaluated by the emulator"))
            continue
        value = mapping["source"] if mapping["sourceType"] == "STATIC" else row.get(_column(mapping["source"]))
        if value is not None or body["allowNullValues"]:
            _set(data, mapping["destination"].split("."), value)
    return {"data": data, "errors": errors or None}


def _column(source: str) -> str:
    """The column that an attribute names; odd names are wrapped in `${…}`, or their dots escaped."""
    wrapped = re.fullmatch(r"\$\{(.*)\}", source)
    return (wrapped[1] if wrapped else source).replace("\\.", ".")


def _set(data: Body, path: list[str], value: Any) -> None:
    for key in path[:-1]:
        data = data.setdefault(key, {})
    data[path[-1]] = value
