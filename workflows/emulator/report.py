"""The account that the books give: what was created, what is twice, what is left over, what clients did wrong."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from workflows.emulator.services.connection_specs import DATA_LAKE
from workflows.emulator.table import Entity
from workflows.emulator.world import Platform

SHOWN = 200  # entries of a list in a report; the counts are complete


def report(platform: Platform) -> dict[str, Any]:
    """The whole account as plain data; lists are cut at `SHOWN`, their counts are not.

    duplicates: live objects of one kind and name in one sandbox; flows over one source connection; connections to the
    data lake. unreferenced: live objects that no live dependent refers to (flows and runs need none). Both leave out
    what was there before any client.
    """
    books = platform.books
    live: Counter[str] = Counter()
    twice: list[dict[str, Any]] = []
    left: list[Entity] = []
    for world in platform.worlds.values():
        made = [entity for entity in world if entity.live and not entity.foreign]
        used = {id for entity in made for id in references(entity)}
        live.update(entity.kind for entity in made)
        twice += _duplicates(world.sandbox.name, made)
        left += [one for one in made if one.kind not in {"flow", "run"} and one.id not in used]
    return {
        "seconds": round(time.time() - books.started, 3),
        "created": dict(sorted(books.created.items())),
        "live": dict(sorted(live.items())),
        "deleted": dict(sorted(books.deleted.items())),
        "duplicates": {"count": len(twice), "groups": twice[:SHOWN]},
        "unreferenced": {
            "count": len(left),
            "by_kind": dict(sorted(Counter(entity.kind for entity in left).items())),
            "objects": [{"kind": one.kind, "id": one.id, "name": one.name} for one in left[:SHOWN]],
        },
        "mistakes": {"count": books.mistake_count, "requests": books.mistakes[:SHOWN]},
        "conflicts": dict(sorted(books.conflicts.items())),
        "premature": {"count": books.premature_count, "requests": books.premature[:SHOWN]},
        "warnings": books.warnings[:SHOWN],
        "requests": _nested(books.requests),
        "faults": dict(sorted(books.faults.items())),
    }


def _nested(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = defaultdict(dict)
    for (service, method), count in sorted(counts.items()):
        nested[service or "nowhere"][method] = count
    return dict(nested)


def _duplicates(sandbox: str, made: list[Entity]) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entity in made:
        if entity.name:
            groups[entity.kind, f"name {entity.name}"].append(entity.id)
        if entity.kind == "flow":
            for source in entity.body.get("sourceConnectionIds", []):
                groups["flow", f"source connection {source}"].append(entity.id)
        elif entity.kind == "dataset_base_connection":
            groups[entity.kind, f"connection spec {DATA_LAKE}"].append(entity.id)
    for (kind, same), ids in groups.items():
        if len(ids) > 1:
            yield {"sandbox": sandbox, "kind": kind, "same": same, "ids": ids}


def references(entity: Entity) -> Iterator[str]:
    """The ids of what an object stands on."""
    body = entity.body
    if entity.kind in {"class", "schema"}:
        yield from (part["$ref"] for part in body["allOf"] if "$ref" in part)
    elif entity.kind in {"source_connection", "target_connection"}:
        yield body.get("baseConnectionId", "")
        yield body["data"].get("schema", {}).get("id", "")
        yield body.get("params", {}).get("dataSetId", "")
    elif entity.kind == "dataset":
        yield body["schemaRef"]["id"]
    elif entity.kind == "mapping_set":
        yield body["xdmSchema"]
    elif entity.kind == "flow":
        yield from body.get("sourceConnectionIds", [])
        yield from body.get("targetConnectionIds", [])
        for one in body.get("transformations", []):
            yield one.get("params", {}).get("mappingId", "")


def as_text(account: dict[str, Any]) -> str:
    """The account for people, a few lines."""
    made = ", ".join(f"{count} {kind}" for kind, count in account["created"].items()) or "nothing"
    lines = [
        f"created       {made}",
        f"twice         {account['duplicates']['count']}",
        f"unreferenced  {account['unreferenced']['count']}",
        f"mistakes      {account['mistakes']['count']}",
        f"premature     {account['premature']['count']}",
        f"requests      {sum(sum(methods.values()) for methods in account['requests'].values())}",
    ]
    lines += [
        f"  twice: {group['kind']} with the same {group['same']}" for group in account["duplicates"]["groups"][:10]
    ]
    lines += [f"  unreferenced: {one['kind']} {one['id']}" for one in account["unreferenced"]["objects"][:10]]
    lines += [
        f"  mistake: {one['method']} {one['path']}: {one['reason']}" for one in account["mistakes"]["requests"][:10]
    ]
    if account["faults"]:
        lines.append("faults        " + ", ".join(f"{count} {kind}" for kind, count in account["faults"].items()))
    return "\n".join(lines)
