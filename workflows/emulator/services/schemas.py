"""What a Registry resource must satisfy, and what it means once its references are followed (contract 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from workflows.emulator.errors import Problem, xdm
from workflows.emulator.paths import Condition, values
from workflows.emulator.table import Body, Entity
from workflows.emulator.world import World
from workflows.emulator.xdm import AD_HOC, GLOBAL

BASE = "/data/foundation/schemaregistry"
KINDS = ("classes", "schemas", "fieldgroups")
_FIELD_NAME = re.compile(r"[A-Za-z0-9-][A-Za-z0-9_-]*")  # contract 5.1
_TYPES = {"string", "integer", "number", "boolean", "object", "array"}


def bad(detail: str, number: int = 1500, title: str = "Invalid request") -> Problem:
    """A 400 of the Registry."""
    return xdm(number, 400, title, detail)


def missing(world: World, kind: str, id: str) -> Problem:
    """The 404 of the Registry; only an id that never existed is the client's mistake."""
    known = kind in KINDS and id in world[kind].rows
    detail = f"Requested resource {id} with version 1 is not found"
    return xdm(1012, 404, "Resource Not Found", detail, blame="conflict" if known else "client")


def lookup(world: World, kind: str, id: str) -> Entity | Body | None:
    """A live tenant resource or a global one, by `$id` or `meta:altId`."""
    entity = tenant(world, kind, id)
    if entity is not None:
        return entity
    found = GLOBAL.get(kind, {})
    return found.get(id) or next((one for one in found.values() if one["meta:altId"] == id), None)


def tenant(world: World, kind: str, id: str) -> Entity | None:
    """A live tenant resource by `$id` or `meta:altId`."""
    alt = re.fullmatch(r"_([^.]+)\.(\w+)\.(\w+)", id)
    if alt is not None:
        id = f"https://ns.adobe.com/{alt[1]}/{alt[2]}/{alt[3]}"
    return world[kind].get(id) if kind in KINDS else None


def known_schema(world: World, id: str) -> Body | None:
    """The raw resource behind a schema id; a class is taken, too, as the tutorial sends one (contract 13.1)."""
    for kind in ("schemas", "classes"):
        entity = tenant(world, kind, id)
        if entity is not None:
            return entity.body
    return None


def ad_hoc_columns(world: World, id: str) -> Iterator[str]:
    """The columns that an ad hoc schema (or class) describes; none for another one."""
    body = known_schema(world, id)
    namespace = body.get("meta:datasetNamespace") if body is not None else None
    if body is not None and namespace is not None:
        yield from resolve(world, body).get(namespace, {}).get("properties", {})


def resolve(world: World, body: Body) -> Body:
    """All fields of a resource as `xed-full` shows them: references followed, properties merged."""
    fields: Body = {}
    _merge(fields, body.get("properties", {}))
    for part in body.get("allOf", []):
        ref = part.get("$ref")
        if isinstance(ref, str) and ref.startswith("#/"):
            target: Any = next(values(body, tuple(ref[2:].split("/"))), {})
            _merge(fields, target.get("properties", {}))
        elif isinstance(ref, str):
            found = referenced(world, ref)
            if found is not None:
                _merge(fields, resolve(world, found))
        _merge(fields, part.get("properties", {}))
    return fields


def _merge(into: Body, fields: Body) -> None:
    for name, field in fields.items():
        have = into.get(name)
        if have is not None and "properties" in have and "properties" in field:
            merged = dict(have["properties"])
            _merge(merged, field["properties"])
            into[name] = {**have, "properties": merged}
        else:
            into[name] = field


def referenced(world: World, ref: str) -> Body | None:
    """The resource that a `$ref` names, of whatever kind."""
    for kind in ("classes", "fieldgroups", "behaviors", "schemas"):
        found = lookup(world, kind, ref)
        if found is not None:
            return found.body if isinstance(found, Entity) else found
    return None


def users(world: World, id: str) -> Iterator[Entity]:
    """Live objects that stop a Registry resource from being deleted: schemas on it, datasets with it."""
    for kind in KINDS:
        for entity, _ in world[kind].select(_refers("allOf[].$ref", id)):
            yield entity
    for entity, _ in world["dataSets"].select(_refers("schemaRef.id", id)):
        yield entity


def _refers(path: str, id: str) -> list[Condition]:
    return [Condition(path=tuple(path.split(".")), operands=(id,))]


def check(world: World, kind: str, body: Body) -> None:
    """Raise Problem unless a resource of this kind may be made of the body."""
    if body.get("type") != "object":
        raise bad("The type of the resource must be object.")
    for key in ("title", "description"):
        if not isinstance(body.get(key), str) or not body[key].strip():
            raise bad(f"The {key} must be a text.")
    if not isinstance(body.get("allOf"), list) or not all(isinstance(part, dict) for part in body["allOf"]):
        raise bad("allOf must be a list of objects.")
    refs = [part["$ref"] for part in body["allOf"] if "$ref" in part]
    unknown = [ref for ref in refs if not _exists(world, body, ref)]
    if unknown:
        raise bad(f"The referenced resource {unknown[0]} does not exist.", 1010, "Resource not found")
    {"classes": _check_class, "schemas": _check_schema, "fieldgroups": _check_field_group}[kind](world, body, refs)


def _exists(world: World, body: Body, ref: Any) -> bool:
    if isinstance(ref, str) and ref.startswith("#/"):
        return next(values(body, tuple(ref[2:].split("/"))), None) is not None
    return isinstance(ref, str) and referenced(world, ref) is not None


def _check_class(world: World, body: Body, refs: list[str]) -> None:
    behaviours = [ref for ref in refs if ref in GLOBAL["behaviors"]]
    if len(behaviours) != 1 or len(refs) != 1:
        raise bad("A class refers to exactly one behaviour.")
    fields = resolve(world, {"allOf": [part for part in body["allOf"] if "$ref" not in part]})
    if behaviours[0] == AD_HOC:
        if set(fields) != {"_adhoc"} or fields["_adhoc"].get("type") != "object":
            raise bad("An ad hoc class has its fields below _adhoc, an object.", 1020, "Namespace validation error")
        _check_fields(fields["_adhoc"].get("properties", {}))
    else:
        _check_namespace(world, fields)


def _check_field_group(world: World, body: Body, refs: list[str]) -> None:
    if not isinstance(body.get("meta:intendedToExtend"), list):
        raise bad("A field group names the classes it extends in meta:intendedToExtend.")
    fields = resolve(world, {**body, "allOf": [part for part in body["allOf"] if part.get("$ref", "#/")[:2] == "#/"]})
    if any(not ref.startswith("#/") for ref in refs):
        raise bad("A field group refers to its own definitions only.")
    _check_namespace(world, fields)


def _check_namespace(world: World, fields: Body) -> None:
    own = f"_{world.org.tenant}"
    if set(fields) - {own}:
        detail = f"For custom fields, you must use a top level field named {own}; all others must be under it."
        raise bad(detail, 1020, "Namespace validation error")
    _check_fields(fields.get(own, {}).get("properties", {}))


def _check_fields(fields: Any) -> None:
    if not isinstance(fields, dict):
        raise bad("properties must be an object.")
    for name, field in fields.items():
        if _FIELD_NAME.fullmatch(name) is None:
            raise bad(f"The field name {name!r} is invalid: letters, digits, - and _, not _ at the front.")
        if not isinstance(field, dict) or not (field.get("type") in _TYPES or "$ref" in field):
            raise bad(f"The field {name} needs a type: {', '.join(sorted(_TYPES))}.")
        if field.get("type") == "object":
            _check_fields(field.get("properties", {}))


def _check_schema(world: World, body: Body, refs: list[str]) -> None:
    classes = [ref for ref in refs if lookup(world, "classes", ref) is not None]
    if len(classes) != 1:
        raise bad("A schema refers to exactly one class.")
    for ref in refs:
        group = lookup(world, "fieldgroups", ref)
        if ref == classes[0]:
            continue
        if group is None:
            raise bad(f"A schema refers to a class and to field groups; {ref} is neither.")
        fits = (group.body if isinstance(group, Entity) else group).get("meta:intendedToExtend", [])
        if classes[0] not in fits:
            raise bad(f"The field group {ref} cannot extend the class {classes[0]}.")
    if any(set(part) - {"$ref", "type", "meta:xdmType"} for part in body["allOf"]):
        raise bad("A schema has no fields of its own: they belong into a field group.")
