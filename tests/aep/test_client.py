"""What the client sends, how often, and what its caller learns."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import httpx
import orjson
import pytest
import respx

from tests.aep.support import GIVEN, OAUTH, SECRET, TOKEN, Gate, Platform, Reply, World, answer, token_body, world
from workflows.aep import (
    CATALOG,
    DATA_PREP,
    FLOW_SERVICE,
    REGISTRY,
    AepClient,
    BadRequest,
    Forbidden,
    Lost,
    NotFound,
    NotReady,
    NotSent,
    PreconditionFailed,
    Refused,
    SandboxMissing,
    TitleTaken,
    Unauthorized,
    WindowClosed,
)
from workflows.aep.errors import AepError


async def test_every_call_carries_the_four_headers() -> None:
    here = world()
    await here.client.read("GET", FLOW_SERVICE, "/flows")
    await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    for request in here.sent:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["x-api-key"] == GIVEN.api_key
        assert request.headers["x-gw-ims-org-id"] == "8E4A@AdobeOrg"
        assert request.headers["x-sandbox-name"] == "dev"
        assert "x-request-id" not in request.headers
    assert "content-type" not in here.sent[0].headers
    assert here.sent[1].headers["content-type"] == "application/json"


async def test_a_caller_adds_headers_but_does_not_replace_the_four() -> None:
    here = world()
    headers = {"Accept": "application/vnd.adobe.xed-id+json", "If-Match": '"v-1"', "X-Sandbox-Name": "prod"}
    await here.client.effect(
        "PATCH",
        CATALOG,
        "/dataSets/1",
        content=b"[]",
        headers={**headers, "Content-Type": "application/json-patch+json"},
    )
    sent = here.sent[0].headers
    assert sent.get_list("accept") == ["application/vnd.adobe.xed-id+json"]
    assert sent.get_list("content-type") == ["application/json-patch+json"]
    assert sent.get_list("x-sandbox-name") == ["dev"]
    assert sent["if-match"] == '"v-1"'


@pytest.mark.parametrize(
    ("family", "path", "params", "expected"),
    [
        (FLOW_SERVICE, "/flows", None, "/data/foundation/flowservice/flows"),
        (CATALOG, "/dataSets", {"name": "a,b c*"}, "/data/foundation/catalog/dataSets?name=a%2Cb%20c%2A"),
        (FLOW_SERVICE, "/flows", [("property", "name==My flow"), ("property", "sourceConnectionIds[]==1")],
         "/data/foundation/flowservice/flows?property=name%3D%3DMy%20flow&property=sourceConnectionIds%5B%5D%3D%3D1"),
        (REGISTRY, "/tenant/schemas/https%3A%2F%2Fns.adobe.com%2Facme%2Fschemas%2F1", None,
         "/data/foundation/schemaregistry/tenant/schemas/https%3A%2F%2Fns.adobe.com%2Facme%2Fschemas%2F1"),
        (FLOW_SERVICE, "/flows?continuationToken=a%2Bb", {"x": "1"},
         "/data/foundation/flowservice/flows?continuationToken=a%2Bb&x=1"),
        (DATA_PREP, "/mappingSets", {"orderBy": "+x"}, "/data/foundation/conversion/mappingSets?orderBy=%2Bx"),
    ],
)  # fmt: skip
async def test_addresses(family: str, path: str, params: Any, expected: str) -> None:
    here = world()
    await here.client.read("GET", family, path, params=params)
    assert here.sent[0].url.raw_path.decode() == expected


async def test_an_answer_has_status_headers_and_body() -> None:
    here = world(answer(201, {"id": "1"}, {"E-Tag": "7"}))
    found = await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b'{"name":"x"}')
    assert (found.status, found.headers["e-tag"], found.body) == (201, "7", {"id": "1"})
    assert here.sent[0].content == b'{"name":"x"}'


async def test_an_answer_says_when_its_request_left_however_long_that_waited() -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        here.clock.at += 7.0
        return answer(200, {})

    class Queue(Gate):
        async def enter(self, family: str) -> None:
            await super().enter(family)
            here.clock.at += 40.0

    here = World(Platform(answer(503), slow), gate=Queue())
    left = (await here.client.read("GET", CATALOG, "/dataSets")).left
    assert left == 1_080.0 + sum(here.naps.taken)
    assert here.clock.boot() == left + 7.0


async def test_a_read_may_carry_json() -> None:
    here = world()
    await here.client.read("POST", DATA_PREP, "/mappingSets/validate", json={"ä": [1]})
    assert orjson.loads(here.sent[0].content) == {"ä": [1]}
    assert here.sent[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "reply", "body"),
    [
        ("DELETE", answer(204), None), ("DELETE", answer(200), None), ("DELETE", answer(200, []), []),
        ("POST", answer(204), None), ("POST", answer(200, b"null"), None),
    ],
)  # fmt: skip
async def test_where_no_body_is_due_none_is_missed(method: str, reply: Reply, body: Any) -> None:
    assert (await world(reply).client.effect(method, FLOW_SERVICE, "/flows/1")).body == body


@pytest.mark.parametrize("reply", [answer(200), answer(201, b"{"), answer(200, b"<html>"), answer(201, b"\xff")])
async def test_a_success_that_cannot_be_read_is_lost(reply: Reply) -> None:
    here = world(reply)
    with pytest.raises(Lost, match="the answer is"):
        await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    assert len(here.sent) == 1


LOST: list[Reply] = [
    answer(500), answer(502), answer(503), answer(504), answer(408), answer(200, b"{"), httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"), httpx.RemoteProtocolError("gone"), httpx.WriteError("reset"), httpx.WriteTimeout("slow"),
    httpx.DecodingError("gzip"),
]  # fmt: skip


NOT_SENT: list[Reply] = [
    httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.UnsupportedProtocol("gopher"),
    httpx.ProxyError("407"),
]  # fmt: skip


FINAL: list[tuple[Reply, type[AepError]]] = [
    (answer(400, {"detail": "x"}), BadRequest),
    (answer(403), Forbidden),
    (answer(404), NotFound),
    (answer(404, {"type": "https://ns.adobe.com/aep/errors/FLOW-2100-404"}), SandboxMissing),
    (answer(412), PreconditionFailed),
    (answer(400, {"type": "http://ns.adobe.com/aep/errors/XDM-1521-400"}), TitleTaken),
    (answer(400, {"type": "https://ns.adobe.com/aep/errors/FLOW-1416-400"}), NotReady),
    (answer(401), Unauthorized),
    (answer(302, None, {"Location": "https://elsewhere.example/login?token=x"}), BadRequest),
]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [*((r, Lost) for r in LOST), *((r, NotSent) for r in NOT_SENT), (answer(429), Refused), *FINAL],
)
async def test_an_effect_is_sent_once_whatever_happens(reply: Reply, expected: type[AepError]) -> None:
    here = world(reply)
    with pytest.raises(AepError) as caught:
        await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    assert type(caught.value) is expected
    assert len(here.sent) == 1
    assert here.naps.taken == []
    assert "POST /flowservice/flows" in str(caught.value)


@pytest.mark.parametrize("trouble", [*LOST, *NOT_SENT, answer(429)])
async def test_a_read_is_repeated_after_trouble(trouble: Reply) -> None:
    here = world(trouble, trouble, answer(200, {"ok": True}))
    assert (await here.client.read("GET", CATALOG, "/dataSets")).body == {"ok": True}
    assert len(here.sent) == 3
    assert len(here.naps.taken) == 2


@pytest.mark.parametrize(("reply", "expected"), FINAL)
async def test_a_read_is_not_repeated_after_a_final_answer(reply: Reply, expected: type[AepError]) -> None:
    here = world(reply)
    with pytest.raises(expected):
        await here.client.read("GET", FLOW_SERVICE, "/flows")
    assert len(here.sent) == 1


async def test_a_read_gives_up_after_its_attempts_with_the_last_error() -> None:
    here = world(answer(503, {"message": "down"}))
    with pytest.raises(Lost, match="down"):
        await here.client.read("GET", CATALOG, "/dataSets")
    assert len(here.sent) == 6
    assert len(here.naps.taken) == 5
    assert all(0.0 <= nap <= 20.0 for nap in here.naps.taken)


async def test_retry_after_is_the_least_that_a_read_waits() -> None:
    here = world(answer(429, None, {"Retry-After": "9"}), answer(503, None, {"Retry-After": "4"}), answer(200, {}))
    await here.client.read("GET", CATALOG, "/dataSets")
    assert here.naps.taken[0] >= 9.0
    assert here.naps.taken[1] >= 4.0


async def test_a_read_does_not_wait_for_hours_but_says_so() -> None:
    here = world(answer(429, headers={"retry-after": "3600"}))
    with pytest.raises(Refused) as caught:
        await here.client.read("GET", CATALOG, "/dataSets")
    assert (caught.value.problem.retry_after, here.naps.taken, len(here.sent)) == (3600.0, [], 1)
    assert "Retry-After 3600 s" in str(caught.value)


async def test_a_read_passes_the_gate_for_every_request_and_does_not_sleep_inside() -> None:
    here = world(answer(429, None, {"Retry-After": "2"}), httpx.ReadError("reset"), answer(200, {}))
    await here.client.read("GET", CATALOG, "/dataSets")
    seen = [("observe", CATALOG, 429, 2.0), ("observe", CATALOG, None, None), ("observe", CATALOG, 200, None)]
    assert here.gate.log == [entry for s in seen for entry in (("enter", CATALOG), s, ("leave", CATALOG))]


async def test_an_effect_leaves_the_gate_to_its_caller_but_tells_it_what_it_saw() -> None:
    here = world(answer(503, None, {"Retry-After": "Sun, 17 Mar 2030 18:03:30 GMT"}))
    with pytest.raises(Lost) as caught:
        await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    assert here.gate.log == [("observe", FLOW_SERVICE, 503, 10.0)]
    assert caught.value.problem.retry_after == 10.0


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_who_must_wait_for_long_leaves_its_place_on_the_wire_to_others(method: str) -> None:
    here = World(Platform(answer(200, {})), gate=Gate(waits=[30.0, 0.01, 5.0]))
    aboard: list[int] = []

    async def sleep(seconds: float) -> None:
        aboard.append(here.gate.aboard)
        await here.naps(seconds)

    client = AepClient(GIVEN, transport=here.platform, gate=here.gate, clock=here.clock, sleep=sleep)
    async with asyncio.timeout(1):
        await (client.read if method == "GET" else client.effect)(method, FLOW_SERVICE, "/flows/1")
    assert (here.naps.taken, aboard, here.gate.aboard, len(here.sent)) == ([30.0, 5.0], [0, 0], 0, 1)


async def test_a_redirect_is_not_followed() -> None:
    here = world(answer(307, None, {"Location": "https://elsewhere.example/x?token=abc"}))
    with pytest.raises(BadRequest, match=r"redirected to https://elsewhere.example/x, which is not followed") as caught:
        await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    assert len(here.sent) == 1
    assert "abc" not in str(caught.value)


async def test_a_closed_window_keeps_the_effect_here() -> None:
    def slow_token(_: httpx.Request) -> httpx.Response:
        here.clock.at += 6.0
        return answer(200, token_body("late"))

    here = world(credentials=OAUTH, ims=[slow_token])
    with pytest.raises(WindowClosed):
        await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}", send_within=5.0)
    assert here.sent == []
    assert here.gate.log == []
    await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}", send_within=5.0)
    assert len(here.sent) == 1


async def test_nothing_secret_shows_when_the_platform_echoes_everything() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        text = f"{request.headers['authorization']} {request.content.decode()} {SECRET}"
        return answer(400, {"detail": text, "error_code": "hunter2-password"})

    here = world(echo, credentials=dataclasses.replace(OAUTH, access_token=None))
    connection = {
        "name": "x",
        "auth": {"specName": "Basic", "params": {"username": "u", "password": "hunter2-password"}},
    }
    patch = [{"op": "replace", "path": "/auth/params", "value": {"password": "hunter2-password"}}]
    for body in (connection, patch):
        with pytest.raises(BadRequest) as caught:
            await here.client.effect("POST", FLOW_SERVICE, "/connections", content=orjson.dumps(body))
        error = caught.value
        for shown in (str(error), repr(error), repr(error.problem), repr(error.args), repr(here.client)):
            assert "token-1" not in shown
            assert "hunter2" not in shown
            assert SECRET not in shown
        assert "***" in str(error)
    assert "3f9c…a1" in repr(here.client)


async def test_a_given_transport_is_not_closed_by_the_client(respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get("https://gateway.example/data/foundation/catalog/dataSets").respond(200, json={})
    transport = httpx.MockTransport(respx_mock.async_handler)
    for _ in range(2):
        async with AepClient(GIVEN, transport=transport) as client:
            await client.read("GET", CATALOG, "/dataSets")
    assert route.call_count == 2
