"""The Schema Registry's writes (contract 5.3 to 5.5): create, replace, patch, delete classes, schemas, field groups.

A failed `test` operation is answered 400 with the emulator's own code XDM-1599 (the documentation names none), and a
resource in use is not deleted (XDM-1598, assumption A12); both are told apart from mistakes in the books.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from workflows.emulator import jsonpatch
from workflows.emulator.errors import xdm
from workflows.emulator.http import Call, Reply, answer
from workflows.emulator.services import schemas
from workflows.emulator.services.schemas import BASE, bad
from workflows.emulator.table import Body, Entity
from workflows.emulator.world import World, now_ms
from workflows.emulator.xdm import AD_HOC

_BOOK_KINDS = {"classes": "class", "schemas": "schema", "fieldgroups": "field_group"}
_SENT = (
    "title",
    "description",
    "type",
    "allOf",
    "properties",
    "definitions",
    "meta:intendedToExtend",
    "meta:immutableTags",
)


def _claim(world: World, title: str, id: str) -> None:
    """Take a title; raises Problem 1521 with the `$id` of the owner (contract 5.1)."""
    owner = world.titles.setdefault(title, id)
    if owner != id:
        detail = f"Object titles must be unique. An object {owner} already exists with the same title"
        raise xdm(1521, 400, "Title not unique", detail, blame="conflict")


def create(call: Call, kind: str) -> Reply:
    """A new resource: 201 with the whole of it."""
    world, body = call.world, call.object()
    schemas.check(world, kind, body)
    digits = world.platform.hex(48)
    id = f"https://ns.adobe.com/{world.org.tenant}/{kind}/{digits}"
    _claim(world, body["title"], id)
    now = now_ms()
    stored = _stored(call, kind, id, body, created=now, changed=now, version="1.0")
    world.add(kind, id=id, kind=_BOOK_KINDS[kind], name=body["title"], body=stored, created=now)
    return answer(stored, 201, [(b"location", f"{BASE}/tenant/{kind}/{quote(id, safe='')}".encode())])


def _stored(call: Call, kind: str, id: str, sent: Body, *, created: int, changed: int, version: str) -> Body:
    """A resource as the Registry keeps it, with everything that it adds (contract 5.3, 5.4)."""
    world = call.world
    tenant, digits = world.org.tenant, id.rsplit("/", 1)[1]
    body: Body = {
        "$id": id,
        "meta:altId": f"_{tenant}.{kind}.{digits}",
        "meta:resourceType": kind,
        "version": version,
        **{key: sent[key] for key in _SENT if key in sent},
        "imsOrg": world.org.id,
        "meta:extensible": kind != "schemas",
        "meta:abstract": kind != "schemas",
        "meta:xdmType": "object",
        "meta:containerId": "tenant",
        "meta:sandboxId": world.id,
        "meta:sandboxType": world.sandbox.type,
        "meta:tenantNamespace": f"_{tenant}",
        "meta:registryMetadata": {
            "repo:createdDate": created,
            "repo:lastModifiedDate": changed,
            "xdm:createdClientId": call.client,
            "xdm:lastModifiedClientId": call.client,
            "eTag": world.platform.registry_etag(),
        },
    }
    body["allOf"] = [_typed(part) for part in body.get("allOf", [])]
    refs = [part["$ref"] for part in body["allOf"] if "$ref" in part and not part["$ref"].startswith("#/")]
    if kind == "classes":
        body["meta:extends"] = refs
        if AD_HOC in refs:
            _rename_ad_hoc(body, f"_{digits}")
    elif kind == "schemas":
        _add_class(world, body, refs)
    return body


def _typed(part: Body) -> Body:
    """The part of a resource with `type` and `meta:xdmType` added, down to every field."""
    typed = {**part}
    if "properties" in part:
        typed["properties"] = {name: _typed(field) for name, field in part["properties"].items()}
    typed.setdefault("type", "object")
    typed.setdefault(
        "meta:xdmType", part.get("format") if part.get("format") in {"date", "date-time"} else typed["type"]
    )
    return typed


def _rename_ad_hoc(body: Body, namespace: str) -> None:
    """Give `_adhoc` the name of its class (contract 5.3)."""
    for part in body["allOf"]:
        if "_adhoc" in part.get("properties", {}):
            part["properties"] = {namespace: part["properties"]["_adhoc"]}
    body["meta:datasetNamespace"] = namespace


def _add_class(world: World, body: Body, refs: list[str]) -> None:
    class_id = next(ref for ref in refs if schemas.lookup(world, "classes", ref) is not None)
    the_class = schemas.referenced(world, class_id) or {}
    body["meta:class"] = class_id
    body["meta:extends"] = list(dict.fromkeys([*refs, *the_class.get("meta:extends", [])]))
    body["refs"] = refs
    if "meta:datasetNamespace" in the_class:
        body["meta:datasetNamespace"] = the_class["meta:datasetNamespace"]


def _mine(call: Call, kind: str) -> Entity:
    entity = schemas.tenant(call.world, kind, call.params[0])
    if entity is None:
        raise schemas.missing(call.world, kind, call.params[0])
    return entity


def put(call: Call, kind: str) -> Reply:
    """A resource rewritten as a whole."""
    return _replace(call, kind, _mine(call, kind), call.object())


def patch(call: Call, kind: str) -> Reply:
    """A resource changed by JSON Patch, all operations or none."""
    entity, operations = _mine(call, kind), call.json()
    if not isinstance(operations, list) or not operations:
        raise bad("The request body must be a list of patch operations.")
    try:
        body = jsonpatch.apply(entity.body, operations)
    except jsonpatch.TestFailed as error:
        raise xdm(1599, 400, "JSON Patch test failed", str(error), blame="conflict") from None
    except jsonpatch.PatchError as error:
        raise bad(f"The patch cannot be applied: {error}") from None
    fixed = ("$id", "meta:altId", "meta:resourceType", "version", "meta:containerId", "imsOrg", "meta:registryMetadata")
    if not isinstance(body, dict) or any(body.get(key) != entity.body[key] for key in fixed):
        raise bad("A patch cannot change what the Registry assigns.")
    return _replace(call, kind, entity, body)


def _replace(call: Call, kind: str, entity: Entity, body: Body) -> Reply:
    """Give a resource its next minor version (contract 5.5)."""
    world, before = call.world, entity.body
    namespace = before.get("meta:datasetNamespace")
    if kind == "classes" and namespace is not None:
        body = {**body, "allOf": [_unnamed(part, namespace) for part in body.get("allOf", [])]}
    schemas.check(world, kind, body)
    if set(before.get("meta:immutableTags", [])) - set(body.get("meta:immutableTags", [])):
        raise bad("An immutable tag cannot be removed.")
    if body["title"] != before["title"]:
        _claim(world, body["title"], entity.id)
        del world.titles[before["title"]]
    version = f"1.{int(before['version'].split('.')[1]) + 1}"
    created = before["meta:registryMetadata"]["repo:createdDate"]
    stored = _stored(call, kind, entity.id, body, created=created, changed=now_ms(), version=version)
    stored["meta:registryMetadata"]["xdm:createdClientId"] = before["meta:registryMetadata"]["xdm:createdClientId"]
    world.change(kind, entity, stored, body["title"])
    return answer(stored)


def _unnamed(part: Any, namespace: str) -> Any:
    """An ad hoc part with its fields below `_adhoc` again, as a creation sends them."""
    if isinstance(part, dict) and namespace in part.get("properties", {}):
        return {**part, "properties": {"_adhoc": part["properties"][namespace]}}
    return part


def delete(call: Call, kind: str) -> Reply:
    """A resource deleted: 204; one in use stays."""
    entity = _mine(call, kind)
    using = next(schemas.users(call.world, entity.id), None)
    if using is not None:
        detail = f"The resource {entity.id} is used by {using.id} and cannot be deleted."
        raise xdm(1598, 400, "Resource in use", detail, blame="conflict")
    call.world.remove(kind, entity)
    del call.world.titles[entity.body["title"]]
    return Reply(status=204)
