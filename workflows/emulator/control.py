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
import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from workflows.emulator import report
from workflows.emulator.faults import Faults
from workflows.emulator.services import prepare_world
from workflows.emulator.table import Entity
from workflows.emulator.world import Platform

if TYPE_CHECKING:
    from workflows.emulator.app import Emulator

PREFIX = "/__emulator"
CHUNK = 500  # objects written at a time


class Control:
    """The control requests of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def app(self) -> Starlette:
        """Them as an ASGI application."""
        routes = [
            Route(f"{PREFIX}/report", self.report, methods=["GET"]),
            Route(f"{PREFIX}/objects", self.objects, methods=["GET"]),
            Route(f"{PREFIX}/faults", self.faults, methods=["GET", "POST"]),
            Route(f"{PREFIX}/reset", self.reset, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={TypeError: _refuse, ValueError: _refuse})

    async def report(self, request: Request) -> Response:
        """The account of what was asked and made."""
        account = report.report(self.emulator.platform)
        if request.query_params.get("form") == "text":
            return PlainTextResponse(report.as_text(account) + "\n")
        return JSONResponse(account)

    async def objects(self, request: Request) -> Response:
        """Every object, one JSON object per line."""
        lines = _lines(self.emulator.platform, request.query_params.get("kind"))
        return StreamingResponse(_chunks(lines), media_type="application/x-ndjson")

    async def faults(self, request: Request) -> Response:
        """The faults in force, after new ones were put in their place."""
        if request.method == "POST":
            self.emulator.chaos.arm(Faults.from_json(orjson.loads(await request.body())))
        return JSONResponse({**dataclasses.asdict(self.emulator.chaos.faults), "seed": self.emulator.seed})

    async def reset(self, request: Request) -> Response:
        """Everything empty, or one sandbox, which is as if made anew."""
        which: dict[str, Any] = orjson.loads(await request.body() or b"{}")
        if not which:
            self.emulator.restart()
            return JSONResponse({"reset": "all"})
        org = which.get("org") or next(iter(self.emulator.platform.orgs))
        world = self.emulator.platform.worlds.get((org, str(which.get("sandbox"))))
        if world is None:
            return JSONResponse({"error": "no such sandbox"}, status_code=404)
        world.clear(datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"))
        prepare_world(world)
        return JSONResponse({"reset": world.sandbox.name})


def _refuse(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)


async def _chunks(lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    while chunk := b"".join(itertools.islice(lines, CHUNK)):
        yield chunk
        await asyncio.sleep(0)  # other requests go on meanwhile


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
