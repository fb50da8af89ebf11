"""Contract 1.1, 1.2, 2, 18: credentials, headers, tokens, sandboxes, content types."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.emulator.chain import CATALOG, DATA_PREP, FLOW, HEADERS, REGISTRY, SHORT, Platform, code, connection
from tests.emulator.conftest import Start
from workflows.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SCOPES, Org, Sandbox

OTHER = Org(id="BBBB@AdobeOrg", tenant="other", client_id="other", client_secret="s", sandboxes=(Sandbox(name="dev"),))
CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": DEFAULT_CLIENT_ID,
    "client_secret": DEFAULT_CLIENT_SECRET,
    "scope": DEFAULT_SCOPES,
}


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"Authorization": None}, 403, "403010"),
        ({"Authorization": "Bearer nonsense"}, 401, "401013"),
        ({"Authorization": "Basic static-token"}, 401, "401013"),
        ({"x-api-key": None}, 403, "403000"),
        ({"x-api-key": "nobody"}, 403, "403003"),
        ({"x-gw-ims-org-id": None}, 400, "400003"),
        ({"x-gw-ims-org-id": "nowhere"}, 403, "403027"),
        ({"x-gw-ims-org-id": OTHER.id}, 403, "403025"),
        ({"x-sandbox-name": None}, 400, "FLOW-2105-400"),
        ({"x-sandbox-name": "DEV"}, 404, "FLOW-2100-404"),
        ({"x-sandbox-name": "building"}, 404, "FLOW-2100-404"),
        ({"x-sandbox-id": "1"}, 400, "FLOW-2110-400"),
    ],
)
async def test_a_request_needs_every_header(
    start: Start, change: dict[str, str | None], status: int, expected: str
) -> None:
    here = Org(sandboxes=(Sandbox(name="dev"), Sandbox(name="building", state="creating")))
    headers = {name: value for name, value in {**HEADERS, **change}.items() if value is not None}
    async with start(orgs=(here, OTHER)) as platform:
        platform.http.headers = httpx.Headers(headers)
        response = await platform.http.get(f"{FLOW}/flows")
    assert (response.status_code, code(response)) == (status, expected)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{REGISTRY}/tenant/schemas", 400),
        (f"{CATALOG}/dataSets", 400),
        (f"{DATA_PREP}/mappingSets?limit=1&start=0", 400),
        (f"{REGISTRY}/global/classes", 200),  # the documentation's smoke test of credentials has no sandbox
        (f"{REGISTRY}/stats", 200),
    ],
)
async def test_only_what_is_about_no_sandbox_needs_none(platform: Platform, path: str, status: int) -> None:
    del platform.http.headers["x-sandbox-name"]
    assert (await platform.get(path, SHORT)).status_code == status


@pytest.mark.parametrize("path", [f"{FLOW}/connections", f"{REGISTRY}/tenant/classes", f"{CATALOG}/dataSets"])
@pytest.mark.parametrize(
    ("content_type", "body"), [("text/plain", b"{}"), (None, b"{}"), ("application/json", b'{"a": 1,}')]
)
async def test_a_body_must_be_json_and_say_so(
    platform: Platform, path: str, content_type: str | None, body: bytes
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await platform.http.post(path, content=body, headers=headers)
    assert (response.status_code, response.json()["title"]) == (400, "BadRequestError")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({}, 200, None),
        ({"scope": "openid"}, 200, None),
        ({"scope": "openid,everything"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_request"),
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
@pytest.mark.parametrize("version", ["v3", "v2"])
async def test_ims_gives_tokens_for_client_credentials(
    platform: Platform, version: str, change: dict[str, str], status: int, error: str | None
) -> None:
    platform.http.headers = httpx.Headers()
    response = await platform.http.post(f"/ims/token/{version}", data={**CREDENTIALS, **change})
    assert (response.status_code, response.json().get("error")) == (status, error)
    if error is None:
        assert response.json()["token_type"] == "bearer"
        assert response.json()["expires_in"] == 86399


async def _token(platform: Platform, credentials: dict[str, str]) -> str:
    response = await platform.http.post("/ims/token/v3", params=credentials)
    return f"Bearer {response.json()['access_token']}"


async def test_a_token_ends_with_its_life_and_that_is_nobodys_mistake(start: Start) -> None:
    async with start(token_life=0.0) as platform:
        token = await _token(platform, CREDENTIALS)
        response = await platform.get(f"{FLOW}/flows", Authorization=token)
        assert (response.status_code, code(response)) == (401, "401013")
        assert (await platform.report())["mistakes"]["count"] == 0


async def test_a_token_is_for_the_organisation_of_its_client(start: Start) -> None:
    async with start(orgs=(Org(), OTHER)) as platform:
        theirs = {**CREDENTIALS, "client_id": OTHER.client_id, "client_secret": OTHER.client_secret}
        token = await _token(platform, theirs)
        assert code(await platform.get(f"{FLOW}/flows", Authorization=token)) == "403003"
        headers = {"Authorization": token, "x-api-key": "other", "x-gw-ims-org-id": OTHER.id}
        assert (await platform.get(f"{FLOW}/flows", **headers)).status_code == 200


async def test_sandboxes_and_organisations_share_nothing(start: Start) -> None:
    async with start(orgs=(Org(), OTHER)) as platform:
        id = await platform.make(f"{FLOW}/connections", connection())
        elsewhere: list[dict[str, str]] = [
            {"x-sandbox-name": "prod"},
            {"x-api-key": OTHER.client_id, "x-gw-ims-org-id": OTHER.id},
        ]
        for headers in elsewhere:
            assert (await platform.get(f"{FLOW}/connections/{id}", **headers)).status_code == 404
        assert (await platform.get(f"{FLOW}/connections/{id}")).status_code == 200


@pytest.mark.parametrize("path", ["/data/foundation/sandbox-management", "/data/foundation/sandbox-management/"])
async def test_sandboxes_are_listed_with_type_state_and_date(platform: Platform, path: str) -> None:
    del platform.http.headers["x-sandbox-name"]
    rows = (await platform.get(path)).json()["sandboxes"]
    assert [(row["name"], row["type"], row["state"]) for row in rows] == [
        ("dev", "development", "active"),
        ("prod", "production", "active"),
    ]
    assert all(row["createdDate"] for row in rows)
    second = (await platform.get(f"{path}?offset=1&limit=1")).json()["sandboxes"]
    assert [row["name"] for row in second] == ["prod"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{FLOW}/nothing", 404),
        ("GET", "/elsewhere", 404),
        ("DELETE", f"{DATA_PREP}/mappingSets/1", 405),
        ("PUT", f"{FLOW}/flows", 405),
    ],
)
async def test_unknown_paths_and_methods(platform: Platform, method: str, path: str, status: int) -> None:
    assert (await platform.http.request(method, path)).status_code == status


async def test_organisation_of_the_static_token(platform: Platform) -> None:
    stats: Any = (await platform.get(f"{REGISTRY}/stats")).json()
    assert (stats["imsOrg"], stats["tenantId"]) == (DEFAULT_ORG, "headway")
