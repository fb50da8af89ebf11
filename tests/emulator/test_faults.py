"""Each fault shown to work, over real sockets: what the client sees, and what happened on the platform."""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.emulator.chain import CATALOG, FLOW, REGISTRY, answers, code, connection, lakes, lakes_are, until
from tests.emulator.conftest import Start
from workflows.emulator.books import Books
from workflows.emulator.chaos import Chaos
from workflows.emulator.faults import Faults

POST = {"method": "POST", "times": 1}


@pytest.mark.parametrize(
    ("rule", "seen", "made"),
    [
        ({"kind": "status", "status": 500}, 500, 0),
        ({"kind": "status", "status": 503, "after": True}, 503, 1),
        ({"kind": "status", "status": 504, "after": True}, 504, 1),
        ({"kind": "status", "status": 408}, 408, 0),
        ({"kind": "status", "status": 401}, 401, 0),
        ({"kind": "status", "status": 429}, 429, 0),
        ({"kind": "reset"}, httpx.ReadError, 0),
        ({"kind": "reset", "after": True}, httpx.ReadError, 1),
        ({"kind": "hang"}, httpx.ReadTimeout, 0),
        ({"kind": "hang", "after": True}, httpx.ReadTimeout, 1),
        ({"kind": "truncate"}, httpx.RemoteProtocolError, 1),
        ({"kind": "delay", "delay": 0.05}, 201, 1),
        ({"kind": "expire"}, 201, 1),  # the static token never ends
    ],
)
async def test_what_the_client_sees_and_what_was_done(start: Start, rule: Any, seen: Any, made: int) -> None:
    async with start(faults={"rules": [{**rule, **POST}]}) as platform:
        platform.http.timeout = httpx.Timeout(0.5)
        try:
            outcome: Any = (await platform.post(f"{FLOW}/connections", connection())).status_code
        except httpx.HTTPError as error:
            outcome = type(error)
        assert outcome == seen
        assert await lakes(platform) == made
        report = await platform.report()
        assert report["faults"] == {rule["kind"]: 1}
        assert report["mistakes"]["count"] == 0
        assert (await platform.post(f"{FLOW}/connections", connection())).status_code == 201  # once only


async def test_answers_that_cannot_be_read(start: Start) -> None:
    rules = [{"kind": "empty", **POST}, {"kind": "malformed", **POST}]
    async with start(faults={"rules": rules}) as platform:
        empty = await platform.post(f"{FLOW}/connections", connection())
        malformed = await platform.post(f"{FLOW}/connections", connection())
        assert (empty.status_code, empty.content) == (201, b"")
        assert malformed.status_code == 201
        with pytest.raises(ValueError, match="Expecting value"):
            malformed.json()
        assert await lakes(platform) == 2


async def test_an_effect_after_its_connection_is_gone(start: Start) -> None:
    rules = [{"kind": "late", "delay": 3600, **POST}, {"kind": "late", "delay": 0.2, **POST}]
    async with start(faults={"rules": rules}) as platform:
        with pytest.raises(httpx.ReadError):
            await platform.post(f"{FLOW}/connections", connection())
        assert await lakes(platform) == 0  # the connection is gone, the effect is still to come
        with pytest.raises(httpx.ReadError):
            await platform.post(f"{FLOW}/connections", connection())
        await until(lambda: lakes_are(platform, 1))


async def test_an_effect_after_its_client_gave_up(start: Start) -> None:
    rules = [{"kind": "late", "delay": delay, "cut": None, **POST} for delay in (3600, 1.5)]
    async with start(faults={"rules": rules}) as platform:
        platform.http.timeout = httpx.Timeout(0.1)
        for _ in rules:
            with pytest.raises(httpx.ReadTimeout):
                await platform.post(f"{FLOW}/connections", connection())
        platform.http.timeout = httpx.Timeout(5)
        await until(lambda: lakes_are(platform, 1))


async def test_a_token_can_end_midway(start: Start) -> None:
    credentials = {
        "grant_type": "client_credentials",
        "client_id": "emulator0client0id0000000000000a",
        "client_secret": "emulator-client-secret",
        "scope": "openid",
    }
    async with start(faults={"rules": ["kind=expire,op=create,times=1"]}) as platform:
        token = (await platform.http.post("/ims/token/v3", params=credentials)).json()["access_token"]
        platform.http.headers["Authorization"] = f"Bearer {token}"
        assert (await platform.get(f"{FLOW}/flows")).status_code == 200
        assert code(await platform.post(f"{FLOW}/connections", connection())) == "401013"
        assert code(await platform.get(f"{FLOW}/flows")) == "401013"
        token = (await platform.http.post("/ims/token/v3", params=credentials)).json()["access_token"]
        platform.http.headers["Authorization"] = f"Bearer {token}"
        assert (await platform.post(f"{FLOW}/connections", connection())).status_code == 201
        assert (await platform.report())["mistakes"]["count"] == 0


@pytest.mark.parametrize(("path", "expected"), [
    (f"{FLOW}/flows", "FLOW-1103-503"), (f"{REGISTRY}/stats", "XDM-9999-503"), (f"{CATALOG}/dataSets", ""),
])  # fmt: skip
async def test_faults_have_the_shape_of_their_service(start: Start, path: str, expected: str) -> None:
    async with start(faults={"rules": ["kind=status,status=503"]}) as platform:
        response = await platform.get(path)
        assert response.status_code == response.json()["status"] == 503
        assert code(response) == expected


async def test_rules_choose_their_requests(start: Start) -> None:
    rule = "kind=status,status=503,method=POST|DELETE,service=flowservice,path=^/connections$,skip=1,times=2"
    async with start(faults={"rules": [rule]}) as platform:
        statuses = [(await platform.post(f"{FLOW}/connections", connection())).status_code for _ in range(5)]
        assert statuses == [201, 503, 503, 201, 201]
        assert (await platform.get(f"{FLOW}/connections")).status_code == 200


async def test_one_seed_is_one_sequence(start: Start) -> None:
    seen = []
    for _ in range(2):
        async with start(faults={"rules": ["kind=status,p=0.5"], "seed": 7}) as platform:
            seen.append([(await platform.get(f"{FLOW}/flows")).status_code for _ in range(20)])
            seen[-1].append((await platform.post("/__emulator/reset")).status_code)
    assert seen[0] == seen[1]
    assert {200, 500} <= set(seen[0])


# --- throttling -------------------------------------------------------------------------------------------------------


async def test_retry_after_in_seconds_and_as_a_date(start: Start) -> None:
    rules = ["kind=status,status=429,retry_after=3,times=1", "kind=status,status=503,retry_after=600,date=true,times=1"]
    async with start(faults={"rules": rules}) as platform:
        seconds = await platform.get(f"{FLOW}/flows")
        assert (seconds.status_code, code(seconds), seconds.headers["retry-after"]) == (429, "429050", "3")
        date = await platform.get(f"{FLOW}/flows")
        until = parsedate_to_datetime(date.headers["retry-after"]).timestamp()
        assert 500 < until - time.time() <= 600


async def test_a_rate_is_held(start: Start) -> None:
    async with start(faults={"rates": ["flowservice=5/5"]}) as platform:
        got = [await platform.get(f"{FLOW}/flows") for _ in range(20)]
        refused = [answer for answer in got if answer.status_code == 429]
        assert [answer.status_code for answer in got[:5]] == [200] * 5
        assert refused
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        assert (await platform.get(f"{CATALOG}/dataSets")).status_code == 200
        await until(lambda: answers(platform, f"{FLOW}/flows", 200))
        assert (await platform.report())["faults"]["rate"] >= len(refused)


async def test_too_many_at_once_is_a_500(start: Start) -> None:
    async with start(faults={"concurrency": ["flowservice=2"], "latency": 0.1}) as platform:
        got = await asyncio.gather(*(platform.get(f"{FLOW}/flows") for _ in range(6)))
        assert sorted({answer.status_code for answer in got}) == [200, 500]
        assert (await platform.get(f"{FLOW}/flows")).status_code == 200


@pytest.mark.parametrize("how", ["503", "reset"])
async def test_an_outage_ends(start: Start, how: str) -> None:
    async with start(faults={"outages": [f"0-0.8:{how}:flowservice"]}) as platform:
        if how == "503":
            assert (await platform.get(f"{FLOW}/flows")).status_code == 503
        else:
            with pytest.raises(httpx.ReadError):
                await platform.get(f"{FLOW}/flows")
        assert (await platform.get(f"{CATALOG}/dataSets")).status_code == 200
        await until(lambda: answers(platform, f"{FLOW}/flows", 200))


async def test_latency_is_waited_for(start: Start) -> None:
    async with start(faults={"latency": 0.05}) as platform:
        begun = time.monotonic()
        await platform.get(f"{FLOW}/flows")
        assert time.monotonic() - begun >= 0.05


def test_latency_has_a_tail() -> None:
    chaos = Chaos(Faults(latency=0.05, tail=0.25, tail_latency=2.0), 7, Books(0))
    waits = [chaos.wait() for _ in range(1000)]
    tail = [wait for wait in waits if wait > 0.05]
    assert (min(waits), max(waits) <= 2.0, max(tail) > 1.8) == (0.05, True, True)
    assert 200 < len(tail) < 300
