"""What is not Adobe's: `/__emulator/…` shows the books, changes the faults, empties the platform. No credentials.

| call | does |
| --- | --- |
| GET /__emulator/report | the account of `report.py`; `?form=text` for people |
| GET /__emulator/objects | one JSON object per line: id, etag, kind, name, created, live, references, …; `?kind=` |
| GET, POST /__emulator/faults | the faults in force; new ones as JSON |
| POST /__emulator/reset | everything empty; with `{"org", "sandbox"}` that sandbox alone, with a new creation date |
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from workflows.emulator import report
from workflows.emulator.faults import Faults
from workflows.emulator.http import Call
from workflows.emulator.services import prepare_world
from workflows.emulator.table import Entity
from workflows.emulator.world import Platform

if TYPE_CHECKING:
    from workflows.emulator.app import Emulator

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
CHUNK = 500  # objects written at a time


async def serve(emulator: Emulator, call: Call, send: Send) -> None:
    """Answer a control request."""
    what = call.segments[1:]
    if call.method == "GET" and what == ["objects"]:
        await _stream(_lines(emulator.platform, call.one("kind")), send)
        return
    try:
        status, content = _answer(emulator, call, what)
    except (TypeError, ValueError) as error:
        status, content = 400, {"error": str(error)}
    body = content.encode() if isinstance(content, str) else orjson.dumps(content)
    kind = b"text/plain; charset=utf-8" if isinstance(content, str) else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _answer(emulator: Emulator, call: Call, what: list[str]) -> tuple[int, Any]:
    if call.method == "GET" and what == ["report"]:
        account = report.report(emulator.platform)
        return 200, report.as_text(account) + "\n" if call.one("form") == "text" else account
    if what == ["faults"] and call.method in {"GET", "POST"}:
        if call.method == "POST":
            emulator.chaos.arm(Faults.from_json(orjson.loads(call.body)))
        return 200, {**dataclasses.asdict(emulator.chaos.faults), "seed": emulator.seed}
    if call.method == "POST" and what == ["reset"]:
        return _reset(emulator, orjson.loads(call.body or b"{}"))
    return 404, {"error": f"{call.method} {call.path} is no control request"}


def _reset(emulator: Emulator, which: dict[str, Any]) -> tuple[int, Any]:
    if not which:
        emulator.restart()
        return 200, {"reset": "all"}
    org = which.get("org") or next(iter(emulator.platform.orgs))
    world = emulator.platform.worlds.get((org, str(which.get("sandbox"))))
    if world is None:
        return 404, {"error": "no such sandbox"}
    world.clear(datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"))
    prepare_world(world)
    return 200, {"reset": world.sandbox.name}


async def _stream(lines: Iterator[bytes], send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/x-ndjson")]})
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == CHUNK:
            await send({"type": "http.response.body", "body": b"".join(chunk), "more_body": True})
            chunk.clear()
            await asyncio.sleep(0)  # other requests go on meanwhile
    await send({"type": "http.response.body", "body": b"".join(chunk)})


def _lines(platform: Platform, kind: str | None) -> Iterator[bytes]:
    for (org, sandbox), world in platform.worlds.items():
        for entity in list(world):
            if kind is None or entity.kind == kind:
                yield orjson.dumps({**_summary(entity), "org": org, "sandbox": sandbox}) + b"\n"


def _summary(entity: Entity) -> dict[str, Any]:
    body = entity.body
    etag = body.get("etag") or body.get("meta:registryMetadata", {}).get("eTag")
    return {
        "id": entity.id,
        "etag": etag,
        "version": body.get("version"),
        "kind": entity.kind,
        "name": entity.name,
        "created": entity.created,
        "live": entity.live,
        "foreign": entity.foreign,
        "references": [id for id in report.references(entity) if id],
    }
