"""The plain script that headway is held against: the same requests, the same bounds, nothing written down.

`python plain.py httpx|aiohttp SOURCES AT_ONCE`, by the environment's AEP_* variables: what a careful engineer writes
who takes the fastest HTTP client there is. httpx goes over aiohttp's connections (`httpx-aiohttp`). AT_ONCE requests
are in flight, and twice as many sources under way: headway's own bounds at `--concurrency AT_ONCE`. It never repeats a
request, remembers nothing, and stops at the first failure.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import orjson
import uvloop

PLATFORM = "/data/foundation"
FULL = "application/vnd.adobe.xed-full+json;version=1"
LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
PAIRS = (("sys_id", "_id"), ("caller_name", "person.name.fullName"), ("caller_email", "personalEmail.address"))
COLUMNS = {
    "sys_id": {"type": "string"},
    "caller_name": {"type": "string"},
    "caller_email": {"type": "string"},
    "priority": {"type": "integer"},
    "sys_updated_on": {"type": "string", "format": "date-time"},
}
TARGET = (
    "https://ns.adobe.com/xdm/context/profile",
    "https://ns.adobe.com/xdm/context/profile-person-details",
    "https://ns.adobe.com/xdm/context/profile-personal-details",
)


class Send(Protocol):
    """One request; raises for any other answer than success."""

    def __call__(self, method: str, path: str, body: bytes = b"") -> Awaitable[Any]: ...


class Platform:
    """The chain, as requests."""

    def __init__(self, send: Send, at_once: int) -> None:
        self.send = send
        self.bound = asyncio.Semaphore(at_once)
        self.lake = ""
        self.start = (int(time.time()) // 300 + 2) * 300

    async def post(self, service: str, path: str, body: object) -> Any:
        """Create something; the answer's JSON."""
        async with self.bound:
            return await self.send("POST", f"{PLATFORM}/{service}{path}", orjson.dumps(body))

    async def prepare(self) -> None:
        """What is asked and made once."""
        await self.send("GET", f"{PLATFORM}/sandbox-management/?limit=100&offset=0")
        await self.send("GET", f"{PLATFORM}/flowservice/flowSpecs?property=name%3D%3DCRMToAEP")
        await self.send("GET", f"{PLATFORM}/flowservice/connections?property=name%3D%3Dlake&limit=100")
        made = await self.post(
            "flowservice", "/connections", {"name": "lake", "connectionSpec": {"id": LAKE, "version": "1.0"}}
        )
        self.lake = made["id"]

    async def source(self, number: int) -> None:
        """Everything that one source needs: both branches at once, then the flow."""
        name = f"plain-{number:06}"
        source, target = await asyncio.gather(self.source_side(name, number), self.target_side(name))
        target_id, mapping = target
        await self.post(
            "flowservice",
            "/flows",
            {
                "name": f"{name} flow 0123456789abcdef",
                "description": f"{name} flow. plain attempt=01234567-{number}",
                "flowSpec": {"id": "14518937-270c-4525-bdec-c2ba7cce3860", "version": "1.0"},
                "sourceConnectionIds": [source],
                "targetConnectionIds": [target_id],
                "transformations": [
                    {
                        "name": "Copy",
                        "params": {
                            "deltaColumn": {
                                "name": "sys_updated_on",
                                "dateFormat": "yyyy-MM-dd HH:mm:ss",
                                "timezone": "UTC",
                            }
                        },
                    },
                    {
                        "name": "Mapping",
                        "params": {"mappingId": mapping["id"], "mappingVersion": str(mapping["version"])},
                    },
                ],
                "scheduleParams": {"startTime": self.start, "frequency": "hour", "interval": 1, "backfill": True},
            },
        )

    async def source_side(self, name: str, number: int) -> str:
        """Class, schema, source connection."""
        adhoc = await self.post(
            "schemaregistry",
            "/tenant/classes",
            {
                "type": "object",
                "title": f"{name} adhoc class 0123456789abcdef",
                "description": f"{name} adhoc class. plain attempt=01234567-{number}",
                "allOf": [
                    {"$ref": "https://ns.adobe.com/xdm/data/adhoc"},
                    {"properties": {"_adhoc": {"type": "object", "properties": COLUMNS}}},
                ],
            },
        )
        schema = await self.schema(f"{name} adhoc schema", (adhoc["$id"],))
        return await self.connection(
            "source",
            f"{name} source connection",
            base="60a5c8b9-3c30-43ba-a5c8-b93c3093ba66",
            spec="eb13cb25-47ab-407f-ba89-c0125281c563",
            schema=(schema, "application/vnd.adobe.xed-full-notext+json; version=1"),
            params={"path": f"incident_{number}"},
        )

    async def target_side(self, name: str) -> tuple[str, Any]:
        """Schema, then the mapping set beside dataset and target connection."""
        schema = await self.schema(f"{name} target schema", TARGET)
        return await asyncio.gather(self.target(name, schema), self.mapping(name, schema))

    async def target(self, name: str, schema: str) -> str:
        """Dataset and target connection."""
        dataset = await self.post(
            "catalog",
            "/dataSets?requestDataSource=true",
            {
                "name": f"{name} dataset 0123456789abcdef",
                "description": f"{name} dataset. plain attempt=01234567",
                "schemaRef": {"id": schema, "contentType": FULL},
            },
        )
        id = dataset[0].rpartition("/")[2]
        return await self.connection(
            "target",
            f"{name} target connection",
            base=self.lake,
            spec=LAKE,
            schema=(schema, FULL),
            params={"dataSetId": id},
        )

    async def mapping(self, name: str, schema: str) -> Any:
        """Mapping set."""
        body = {
            "outputSchema": {"schemaRef": {"id": schema, "contentType": FULL}},
            "mappings": [{"sourceType": "ATTRIBUTE", "source": one, "destination": other} for one, other in PAIRS],
            "name": f"{name} mapping set 0123456789abcdef",
            "tags": [{"name": "plain", "values": ["01234567"]}],
        }
        return await self.post("conversion", "/mappingSets", body)

    async def schema(self, title: str, parts: tuple[str, ...]) -> str:
        """A schema's id."""
        made = await self.post(
            "schemaregistry",
            "/tenant/schemas",
            {
                "type": "object",
                "title": f"{title} 0123456789abcdef",
                "description": f"{title}. plain attempt=01234567",
                "allOf": [{"$ref": part} for part in parts],
            },
        )
        return str(made["$id"])

    async def connection(
        self, kind: str, name: str, *, base: str, spec: str, schema: tuple[str, str], params: dict[str, str]
    ) -> str:
        """A source or target connection's id."""
        made = await self.post(
            "flowservice",
            f"/{kind}Connections",
            {
                "name": f"{name} 0123456789abcdef",
                "description": f"{name}. plain attempt=01234567",
                "baseConnectionId": base,
                "connectionSpec": {"id": spec, "version": "1.0"},
                "data": {"format": "parquet_xdm", "schema": {"id": schema[0], "version": schema[1]}},
                "params": params,
            },
        )
        return str(made["id"])


async def onboard(send: Send, sources: int, at_once: int) -> None:
    """All sources."""
    platform, numbers = Platform(send, at_once), iter(range(sources))
    await platform.prepare()

    async def work() -> None:
        for number in numbers:
            await platform.source(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(2 * at_once):
            group.create_task(work())


def headers(token: str) -> dict[str, str]:
    """What every request says."""
    return {
        "x-api-key": os.environ["AEP_API_KEY"],
        "x-gw-ims-org-id": os.environ["AEP_IMS_ORG"],
        "x-sandbox-name": os.environ["AEP_SANDBOX_NAME"],
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
    }


def credentials() -> dict[str, str]:
    """What IMS asks for."""
    return {
        "grant_type": "client_credentials",
        "client_id": os.environ["AEP_API_KEY"],
        "client_secret": os.environ["AEP_CLIENT_SECRET"],
        "scope": os.environ["AEP_SCOPES"],
    }


async def by_aiohttp(sources: int, at_once: int) -> None:
    """With aiohttp alone."""
    import aiohttp

    base = os.environ["AEP_BASE_URL"]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        async with session.post(f"{base}/ims/token/v3", data=credentials()) as answer:
            session.headers.update(headers((await answer.json())["access_token"]))

        async def send(method: str, path: str, body: bytes = b"") -> Any:
            async with session.request(method, base + path, data=body or None) as answer:
                answer.raise_for_status()
                return orjson.loads(await answer.read())

        await onboard(send, sources, at_once)


async def by_httpx(sources: int, at_once: int) -> None:
    """With httpx over aiohttp's connections."""
    import httpx
    from httpx_aiohttp import AiohttpTransport

    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    transport = AiohttpTransport(limits=limits)
    async with httpx.AsyncClient(base_url=os.environ["AEP_BASE_URL"], transport=transport) as client:
        answer = await client.post("/ims/token/v3", data=credentials())
        client.headers.update(headers(answer.json()["access_token"]))

        async def send(method: str, path: str, body: bytes = b"") -> Any:
            answer = await client.request(method, path, content=body or None)
            answer.raise_for_status()
            return orjson.loads(answer.content)

        await onboard(send, sources, at_once)


CLIENTS: dict[str, Callable[[int, int], Coroutine[Any, Any, None]]] = {"aiohttp": by_aiohttp, "httpx": by_httpx}

if __name__ == "__main__":
    uvloop.run(CLIENTS[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3])))
