"""The access token: fetched once for all that wait, renewed in time, never shown (contract 2)."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import anyio
import httpx
import pytest

from tests.aep.support import GIVEN, OAUTH, SECRET, TOKEN, Clock, Naps, Platform, Reply, answer, token_body
from workflows.aep import Credentials, NotFound, NotSent, Unauthorized
from workflows.aep.auth import ATTEMPTS, TokenSource


class World:
    """A token source in a world where time moves by hand."""

    def __init__(self, *ims: Reply, credentials: Credentials = OAUTH) -> None:
        self.platform = Platform(ims=ims)
        self.clock = Clock()
        self.naps = Naps(self.clock)
        self.tokens = TokenSource(credentials, self.platform, self.clock, Random(1), self.naps)

    @property
    def asked(self) -> int:
        return len(self.platform.asked_ims)


async def test_ims_is_asked_as_documented() -> None:
    world = World()
    before = (world.tokens.fresh, world.tokens.now())
    assert before == (False, None)
    assert await world.tokens.get() == "token-1"
    assert world.tokens.fresh
    assert world.tokens.now() == "token-1"
    assert world.platform.asked_ims == [
        {
            "grant_type": ["client_credentials"], "client_id": [OAUTH.api_key], "client_secret": [SECRET],
            "scope": ["openid,AdobeID"],
        }
    ]  # fmt: skip
    headers = world.platform.headers_of_ims[0]
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert not {"authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name"} & set(headers)


@pytest.mark.parametrize(
    ("expires_in", "lasts"),
    [
        (86_399, 86_399 - 500), (86_399_992, 86_399.992 - 500), (600, 540), (4_000, 3_600), (10_000, 9_500),
        (None, 3_240), ("soon", 3_240), (-5, 3_240), (True, 3_240), (3600.5, 3_240.45),
    ],
)  # fmt: skip
async def test_a_token_is_renewed_early(expires_in: Any, lasts: float) -> None:
    world = World(answer(200, token_body("a", expires_in)), answer(200, token_body("b")))
    assert await world.tokens.get() == "a"
    world.clock.at += lasts - 0.01
    assert await world.tokens.get() == "a"
    world.clock.at += 0.02
    assert not world.tokens.fresh
    assert world.tokens.now() == "a"
    assert await world.tokens.get() == "b"


async def test_a_life_is_counted_from_before_the_question() -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        world.clock.at += 100.0
        return answer(200, token_body("a", 1_000))

    world = World(slow)
    await world.tokens.get()
    world.clock.at += 799.0
    assert world.tokens.fresh
    world.clock.at += 2.0
    assert not world.tokens.fresh


async def test_one_question_for_all_that_wait() -> None:
    world = World()
    assert set(await asyncio.gather(*(world.tokens.get() for _ in range(20)))) == {"token-1"}
    assert world.asked == 1


async def test_when_the_one_who_asks_is_cancelled_the_next_one_asks() -> None:
    started = anyio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        started.set()
        await anyio.sleep_forever()
        raise AssertionError

    world = World(never, answer(200, token_body("second")))
    first = asyncio.create_task(world.tokens.get())
    await started.wait()
    others = [asyncio.create_task(world.tokens.get()) for _ in range(5)]
    await asyncio.sleep(0)
    first.cancel()
    assert set(await asyncio.gather(*others)) == {"second"}
    assert first.cancelled() or first.cancelling()
    assert world.asked == 2


async def test_a_failure_is_shared_by_all_that_wait_and_not_kept() -> None:
    world = World(*[answer(400, {"error": "invalid_client"})], answer(200, token_body("later")))
    found = await asyncio.gather(*(world.tokens.get() for _ in range(10)), return_exceptions=True)
    assert [type(error) for error in found] == [Unauthorized] * 10
    assert world.asked == 1
    assert await world.tokens.get() == "later"


async def test_an_old_failure_is_not_handed_on_when_a_later_question_is_cancelled() -> None:
    started = anyio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        started.set()
        await anyio.sleep_forever()
        raise AssertionError

    world = World(answer(400, {"error": "invalid_client"}), never, answer(200, token_body("at last")))
    with pytest.raises(Unauthorized):
        await world.tokens.get()
    first = asyncio.create_task(world.tokens.get())
    await started.wait()
    second = asyncio.create_task(world.tokens.get())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "at last"


@pytest.mark.parametrize(
    "trouble",
    [
        answer(503), answer(500, b"<html>"), answer(429), answer(408), httpx.ConnectError("refused"),
        httpx.ReadError("reset"), answer(200, b"not json"), answer(200, {"no": "token"}), answer(200, [1]),
        answer(200, {"access_token": "a\nb"}),
    ],
)  # fmt: skip
async def test_trouble_is_asked_through(trouble: Reply) -> None:
    world = World(trouble, trouble, answer(200, token_body("at last")))
    assert await world.tokens.get() == "at last"
    assert len(world.naps.taken) == 2


async def test_trouble_without_end_is_not_sent() -> None:
    world = World(answer(503, {"message": "down"}, {"x-request-id": "i-1"}))
    with pytest.raises(NotSent, match="no access token: down") as caught:
        await world.tokens.get()
    assert world.asked == ATTEMPTS
    assert (caught.value.method, caught.value.path, caught.value.problem.request_id) == ("POST", "/ims/token/v3", "i-1")


async def test_retry_after_is_waited_for_but_not_for_ever() -> None:
    world = World(answer(429, None, {"Retry-After": "7"}), answer(200, token_body("a")))
    await world.tokens.get()
    assert world.naps.taken[0] >= 7.0
    world = World(answer(429, None, {"Retry-After": "3600"}))
    with pytest.raises(NotSent) as caught:
        await world.tokens.get()
    assert world.asked == 1
    assert caught.value.problem.retry_after == 3600.0


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 415])
async def test_a_refusal_is_about_the_credentials_never_about_an_object(status: int) -> None:
    world = World(answer(status, {"error": "invalid", "error_description": f"bad {SECRET}"}))
    with pytest.raises(Unauthorized) as caught:
        await world.tokens.get()
    assert not isinstance(caught.value, NotFound)
    assert world.asked == 1
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.problem!r}"


async def test_while_ims_is_down_a_token_is_used_as_long_as_it_works() -> None:
    world = World(answer(200, token_body("a", 86_400)), answer(503))
    await world.tokens.get()
    world.clock.at += 86_400 - 400
    assert await world.tokens.get() == "a"
    asked = world.asked
    assert await world.tokens.get() == "a"
    assert world.asked == asked
    world.clock.at += 400
    assert world.tokens.now() is None
    with pytest.raises(NotSent):
        await world.tokens.get()


async def test_a_refused_token_is_replaced_once_for_all() -> None:
    world = World()
    old = await world.tokens.get()
    found = await asyncio.gather(*(world.tokens.replace(old) for _ in range(10)))
    assert set(found) == {"token-2"}
    assert world.asked == 2
    assert await world.tokens.replace(old) == "token-2"
    assert world.asked == 2


async def test_a_given_token_lasts_for_ever() -> None:
    world = World(credentials=GIVEN)
    world.clock.at += 1e9
    assert world.tokens.given
    assert world.tokens.fresh
    assert await world.tokens.get() == TOKEN
    assert world.asked == 0


async def test_tokens_never_show() -> None:
    world = World()
    await world.tokens.get()
    for shown in (repr(world.tokens), str(world.tokens)):
        assert "token-1" not in shown
        assert SECRET not in shown
    assert TOKEN not in repr(World(credentials=GIVEN).tokens)
