"""A plain client of the emulator, and the resources of the onboarding chain as it posts them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from workflows.emulator import DEFAULT_BASE_CONNECTION, DEFAULT_CLIENT_ID, DEFAULT_ORG

TOKEN = "static-token"
FLOW = "/data/foundation/flowservice"
REGISTRY = "/data/foundation/schemaregistry"
CLASSES, SCHEMAS = f"{REGISTRY}/tenant/classes", f"{REGISTRY}/tenant/schemas"
CATALOG = "/data/foundation/catalog"
DATA_PREP = "/data/foundation/conversion"
SERVICENOW = "eb13cb25-47ab-407f-ba89-c0125281c563"
ZENDESK = "0a27232b-2c6e-4396-b8c6-c9fc24e37ba4"
DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM = "14518937-270c-4525-bdec-c2ba7cce3860"
PROFILE = "https://ns.adobe.com/xdm/context/profile"
PERSON = f"{PROFILE}-person-details"
PERSONAL = f"{PROFILE}-personal-details"
AD_HOC = "https://ns.adobe.com/xdm/data/adhoc"
FULL = "application/vnd.adobe.xed-full+json; version=1"
SHORT = "application/vnd.adobe.xed-id+json"
HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "x-api-key": DEFAULT_CLIENT_ID,
    "x-gw-ims-org-id": DEFAULT_ORG,
    "x-sandbox-name": "dev",
}

Json = dict[str, Any]


def code(response: httpx.Response) -> str:
    """What an error is called, whatever service it comes from."""
    body = response.json()
    return str(
        body.get("type", "").rsplit("/", 1)[-1] if "report" in body else body.get("error_code", body.get("error", ""))
    )


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds; TimeoutError when it does not within seconds."""
    async with asyncio.timeout(5):
        while not await holds():  # noqa: ASYNC110 - what is waited for lies behind a socket
            await asyncio.sleep(0.01)


def resource(id: str) -> str:
    """A Registry id as a path segment."""
    return quote(id, safe="")


def connection(name: str = "lake", spec: str = DATA_LAKE, **more: Any) -> Json:
    return {"name": name, "connectionSpec": {"id": spec, "version": "1.0"}, **more}


def servicenow(name: str = "snow", password: str = "secret") -> Json:
    params = {"endpoint": "https://acme.service-now.com", "username": "u", "password": password}
    return connection(name, SERVICENOW, auth={"specName": "Basic Authentication", "params": params})


def ad_hoc_class(title: str = "class", columns: Mapping[str, Json] | None = None) -> Json:
    fields = columns or {"Id": {"type": "string"}, "updatedAt": {"type": "string", "format": "date-time"}}
    own = {"properties": {"_adhoc": {"type": "object", "properties": dict(fields)}}}
    return {"type": "object", "title": title, "description": "d", "allOf": [{"$ref": AD_HOC}, own]}


def schema(title: str, *refs: str) -> Json:
    return {"type": "object", "title": title, "description": "d", "allOf": [{"$ref": ref} for ref in refs]}


def dataset(schema_id: str, name: str = "dataset", **more: Any) -> Json:
    ref = {"id": schema_id, "contentType": "application/vnd.adobe.xed-full-notext+json; version=1"}
    return {"name": name, "schemaRef": ref, **more}


def mapping(schema_id: str, destination: str = "person.name.fullName", name: str = "mapping") -> Json:
    rows = [{"sourceAttribute": "Id", "destinationXdmPath": destination, "identity": False, "version": 0}]
    return {"version": 0, "xdmSchema": schema_id, "xdmVersion": "1.0", "id": None, "mappings": rows, "name": name}


def soon(**more: Any) -> Json:
    return {"startTime": int(time.time()) + 3600, "frequency": "hour", "interval": 1, **more}


def once() -> Json:
    return {"startTime": int(time.time()) + 3600, "frequency": "once"}


COPY: Json = {"name": "Copy", "params": {"deltaColumn": {"name": "updatedAt"}}}


def turn(made: Json, **params: Any) -> Json:
    """The Mapping transformation."""
    return {"name": "Mapping", "params": {"mappingId": made["mapping"], "mappingVersion": "0", **params}}


class Platform:
    """One emulator, spoken to over a real socket."""

    def __init__(self, url: str) -> None:
        # no certificates: loading them would take longer than most tests
        self.http = httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=5, verify=False)

    async def close(self) -> None:
        await self.http.aclose()

    async def get(self, path: str, accept: str = "application/json", **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={"Accept": accept, **headers})

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers=headers)

    async def patch(self, path: str, operations: Any, **headers: str) -> httpx.Response:
        return await self.http.patch(
            path, json=operations, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(path)

    async def make(self, path: str, body: Any) -> Any:
        """What a successful creation answers: its id, in whatever form the service gives it."""
        response = await self.post(path, body)
        assert response.status_code in {200, 201}, response.text
        answer = response.json()
        return answer[0].rsplit("/", 1)[1] if isinstance(answer, list) else answer.get("$id", answer.get("id"))

    async def item(self, table: str, id: str) -> Json:
        """A Flow Service item."""
        item: Json = (await self.get(f"{FLOW}/{table}/{id}")).json()["items"][0]
        return item

    async def report(self) -> Json:
        report: Json = (await self.get("/__emulator/report")).json()
        return report

    async def ends(self, n: str = "1") -> Json:
        """Everything below a flow, by its step; `n` makes names and titles unique."""
        made: Json = {"base": DEFAULT_BASE_CONNECTION}
        made["class"] = await self.make(f"{REGISTRY}/tenant/classes", ad_hoc_class(f"class {n}"))
        made["ad_hoc"] = await self.make(f"{REGISTRY}/tenant/schemas", schema(f"ad hoc {n}", made["class"]))
        made["source"] = await self.make(f"{FLOW}/sourceConnections", source(made, f"source {n}"))
        made["schema"] = await self.make(f"{REGISTRY}/tenant/schemas", schema(f"target {n}", PROFILE, PERSON, PERSONAL))
        made["dataset"] = await self.make(f"{CATALOG}/dataSets", dataset(made["schema"], f"dataset {n}"))
        made["lake"] = await self.make(f"{FLOW}/connections", connection(f"lake {n}"))
        made["target"] = await self.make(f"{FLOW}/targetConnections", target(made, f"target {n}"))
        made["mapping"] = await self.make(f"{DATA_PREP}/mappingSets", mapping(made["schema"], name=f"mapping {n}"))
        return made

    async def chain(self, n: str = "1", **more: Any) -> Json:
        """The whole chain."""
        made = await self.ends(n)
        made["flow"] = await self.make(f"{FLOW}/flows", flow(made, name=f"flow {n}", **more))
        return made


async def titles(platform: Platform, query: str = "", path: str = SCHEMAS) -> list[str]:
    """The titles of a list of the Registry."""
    response = await platform.get(f"{path}?{query}", SHORT)
    assert response.status_code == 200, response.text
    return [row["title"] for row in response.json()["results"]]


async def lakes(platform: Platform) -> int:
    """How many connections named `lake` are listed."""
    counted = await platform.get(f"{FLOW}/connections?count=true&property=name==lake")
    count: int = counted.json()["count"]
    return count


async def lakes_are(platform: Platform, count: int) -> bool:
    return await lakes(platform) == count


async def answers(platform: Platform, path: str, status: int) -> bool:
    """Whether a path answers with a status just now."""
    try:
        return (await platform.get(path)).status_code == status
    except httpx.ReadError:
        return False


def source(made: Json, name: str = "source") -> Json:
    version = "application/vnd.adobe.xed-full-notext+json; version=1"
    data = {"format": "parquet_xdm", "schema": {"id": made["ad_hoc"], "version": version}}
    return connection(name, SERVICENOW, baseConnectionId=made["base"], data=data, params={"path": "Account"})


def target(made: Json, name: str = "target") -> Json:
    version = "application/vnd.adobe.xed-full+json;version=1"
    data = {"format": "parquet_xdm", "schema": {"id": made["schema"], "version": version}}
    return connection(name, baseConnectionId=made["lake"], data=data, params={"dataSetId": made["dataset"]})


def flow(made: Json, **more: Any) -> Json:
    return {
        "name": "flow",
        "flowSpec": {"id": CRM, "version": "1.0"},
        "sourceConnectionIds": [made["source"]],
        "targetConnectionIds": [made["target"]],
        "transformations": [COPY, turn(made)],
        "scheduleParams": soon(),
        **more,
    }
