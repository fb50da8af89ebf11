"""Access tokens in use: fetched before they are needed, replaced once when they are refused."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.aep.support import OAUTH, Reply, answer, token_body, world
from workflows.aep import FLOW_SERVICE, NotSent, Unauthorized, WindowClosed


async def test_prepare_fetches_the_token_so_that_an_effect_waits_for_nothing() -> None:
    here = world(credentials=OAUTH)
    before = here.client.ready
    await here.client.prepare()
    assert (before, here.client.ready) == (False, True)
    assert len(here.platform.asked_ims) == 1
    await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    assert here.sent[0].headers["authorization"] == "Bearer token-1"
    assert len(here.platform.asked_ims) == 1


async def test_an_effect_uses_a_token_to_its_end_rather_than_wait() -> None:
    here = world(credentials=OAUTH)
    await here.client.prepare()
    here.clock.at += 86_399 - 100
    await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    assert len(here.platform.asked_ims) == 1
    await here.client.read("GET", FLOW_SERVICE, "/flows")
    assert here.sent[1].headers["authorization"] == "Bearer token-2"


async def test_without_a_token_nothing_is_sent_and_the_error_says_so() -> None:
    here = world(credentials=OAUTH, ims=[answer(503)])
    with pytest.raises(NotSent, match="no access token"):
        await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    with pytest.raises(NotSent, match="no access token"):
        await here.client.read("GET", FLOW_SERVICE, "/flows")
    assert here.sent == []
    assert here.gate.log == []


async def test_a_read_outlasts_trouble_with_tokens_as_it_does_any_other() -> None:
    here = world(credentials=OAUTH, ims=[*[answer(503)] * 10, answer(200, token_body("token-1"))])
    await here.client.read("GET", FLOW_SERVICE, "/flows")
    assert [sent.headers["authorization"] for sent in here.sent] == ["Bearer token-1"]


def by_token(good: str) -> Reply:
    def reply(request: httpx.Request) -> httpx.Response:
        right = request.headers["authorization"] == f"Bearer {good}"
        return answer(200, {"id": "1"}) if right else answer(401, {"error_code": "401013", "message": "expired"})

    return reply


async def test_a_401_is_answered_with_one_new_token_for_all_who_wait() -> None:
    here = world(by_token("token-2"), credentials=OAUTH)
    await here.client.prepare()
    calls = [here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"%d" % n) for n in range(8)]
    assert [found.body for found in await asyncio.gather(*calls)] == [{"id": "1"}] * 8
    assert len(here.platform.asked_ims) == 2
    assert len(here.sent) == 16
    assert here.gate.log == [("observe", FLOW_SERVICE, 200, None)] * 8  # once for each permit
    assert sorted(request.content for request in here.sent) == sorted([b"%d" % n for n in range(8)] * 2)


async def test_a_401_with_the_new_token_is_final() -> None:
    here = world(by_token("never"), credentials=OAUTH)
    with pytest.raises(Unauthorized, match="expired"):
        await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    assert len(here.sent) == 2


async def test_a_401_of_a_given_token_is_final() -> None:
    here = world(by_token("never"))
    with pytest.raises(Unauthorized, match="expired"):
        await here.client.read("GET", FLOW_SERVICE, "/flows")
    assert len(here.sent) == 1


async def test_when_no_new_token_can_be_had_the_refused_effect_counts_as_not_sent() -> None:
    here = world(by_token("token-2"), credentials=OAUTH, ims=[answer(200, token_body("token-1")), answer(503)])
    with pytest.raises(NotSent):
        await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}")
    assert len(here.sent) == 1


async def test_the_resend_after_a_401_obeys_the_window_too() -> None:
    def slow_refusal(_: httpx.Request) -> httpx.Response:
        here.clock.at += 6.0
        return answer(401)

    here = world(slow_refusal, credentials=OAUTH)
    with pytest.raises(WindowClosed):
        await here.client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}", send_within=5.0)
    assert len(here.sent) == 1
