"""The chain as the request collections of adobe/experience-platform-postman-samples (MIT) ask: their paths, slashes,
queries and headers, with bodies of our own, since theirs are left to whoever uses them."""

from __future__ import annotations

import httpx

from tests.emulator.chain import CATALOG, DATA_PREP, FLOW, HEADERS, REGISTRY, SHORT, Platform, connection
from workflows.emulator import DEFAULT_BASE_CONNECTION, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET

PATCH = [{"op": "add", "path": "/description", "value": "by hand"}]


async def test_a_day_with_the_collections(platform: Platform) -> None:
    http = platform.http
    query = {
        "grant_type": "client_credentials", "client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET,
        "scope": "openid",
    }  # fmt: skip
    token = (await http.post("/ims/token/v2", params=query)).json()["access_token"]
    http.headers = httpx.Headers(
        {**HEADERS, "Authorization": f"Bearer {token}", "Accept": "application/json", "Accept-Encoding": "gzip"}
    )
    lake = (await platform.post(f"{FLOW}/connections", connection("by hand"))).json()
    changed = await platform.patch(f"{FLOW}/connections/{lake['id']}/", PATCH, If_Match=lake["etag"])
    made = await platform.chain()
    answers = [
        changed,
        await platform.get(f"{FLOW}/connections?property=name==by%20hand&limit=5&orderby=createdAt"),
        await platform.get(f"{FLOW}/connections/{DEFAULT_BASE_CONNECTION}/test"),
        await platform.get(f"{FLOW}/connections/{DEFAULT_BASE_CONNECTION}/explore?objectType=root"),
        await platform.get(f"{FLOW}/connectionSpecs"),
        await platform.get(f"{FLOW}/flowSpecs?property=name==CRMToAEP"),
        await platform.get(f"{FLOW}/flows/{made['flow']}"),
        await platform.get(f"{FLOW}/runs?property=flowId=={made['flow']}&limit=5&orderby=createdAt"),
        await platform.get(f"{REGISTRY}/stats"),
        await platform.get(f"{REGISTRY}/tenant/schemas?orderby=title&limit=3", SHORT),
        await platform.get(f"{REGISTRY}/tenant/classes/?orderby=title&limit=3", SHORT),
        await platform.get(f"{REGISTRY}/global/behaviors", SHORT),
        await platform.get(f"{CATALOG}/dataSets?limit=5&start=0&properties=name,schemaRef"),
        await platform.get(f"{CATALOG}/dataSets/{made['dataset']}"),
        await platform.get(f"{DATA_PREP}/mappingSets?limit=10&start=0&orderBy=lastUpdateDate&expandSchema=false"),
        await platform.get(f"{DATA_PREP}/mappingSets/{made['mapping']}?expandSchema=false&version=0"),
        await platform.get(f"{DATA_PREP}/mappingSets/{made['mapping']}/mappings"),
        await platform.get("/data/foundation/sandbox-management/"),
        await platform.delete(f"{FLOW}/flows/{made['flow']}"),
        await platform.delete(f"{FLOW}/connections/{lake['id']}/"),
    ]
    assert [(answer.request.method, answer.request.url.path) for answer in answers if not answer.is_success] == []
    report = await platform.report()
    assert (report["mistakes"]["count"], report["deleted"]) == (0, {"dataset_base_connection": 1, "flow": 1})
