"""The connections, over real sockets: what left, how often, and whether the client knows."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import httpx
import pytest
import uvloop

from tests.aep.support import HASTY, OK, Gate, Wire, client_of, close, effect, http, nobody_listens, once, reset
from workflows.aep import CATALOG, FLOW_SERVICE, Lost, NotSent, make_transport
from workflows.aep.exchange import exchange


async def test_a_request_arrives_whole_and_its_answer_comes_back() -> None:
    async with Wire(OK) as wire, client_of(wire.url) as client:
        found = await client.effect(
            "POST", FLOW_SERVICE, "/flows/a%2Fb", params={"property": "name==ä b"}, content=b'{"name":"x"}'
        )
        assert (found.status, found.body) == (200, {"id": "1"})
        head, _, body = wire.requests[0].partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /data/foundation/flowservice/flows/a%2Fb?property=name%3D%3D%C3%A4%20b HTTP/1.1"
        names = [line.partition(":")[0].lower() for line in lines[1:]]
        assert sorted(names) == [
            "accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent",
            "x-api-key", "x-gw-ims-org-id", "x-sandbox-name",
        ]  # fmt: skip
        assert body == b'{"name":"x"}'


async def test_a_post_without_a_body_has_a_length_and_no_type() -> None:
    async with Wire(OK) as wire, client_of(wire.url) as client:
        await effect(client, content=b"")
        assert b"content-length: 0\r\n" in wire.requests[0].lower()
        assert b"content-type" not in wire.requests[0].lower()


async def test_connections_are_kept_and_answers_may_be_compressed_or_in_chunks() -> None:
    packed = gzip.compress(b'{"id":"packed"}')
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"id\r\n5\r\n":"2"\r\n1\r\n}\r\n0\r\n\r\n'
    moves = [http("200 OK", packed, "Content-Encoding: gzip"), chunked, http("204 No Content", b""), OK]
    async with Wire(*moves) as wire, client_of(wire.url) as client:
        assert [(await effect(client)).body for _ in range(4)] == [{"id": "packed"}, {"id": "2"}, None, {"id": "1"}]
        assert wire.connections == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
@pytest.mark.parametrize("end", [close, reset])
async def test_a_connection_that_breaks_after_the_request_is_lost_and_nothing_is_sent_again(
    method: str, end: Any
) -> None:
    gate = Gate()
    async with Wire(end, OK) as wire, client_of(wire.url, gate=gate) as client:
        with pytest.raises(Lost) as caught:
            await effect(client, method)
        assert len(wire.requests) == 1
        assert caught.value.problem.status is None
        assert (gate.log, gate.aboard) == ([("observe", FLOW_SERVICE, None, None)], 0)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
@pytest.mark.parametrize("end", [close, reset])
async def test_a_kept_connection_that_breaks_is_lost_and_nothing_is_sent_again(method: str, end: Any) -> None:
    async with Wire(OK, end, OK) as wire, client_of(wire.url) as client:
        await effect(client)
        with pytest.raises(Lost):
            await effect(client, method)
        assert (len(wire.requests), wire.connections) == (2, 1)
        await effect(client)
        assert (len(wire.requests), wire.connections) == (3, 2)


async def test_a_connection_that_the_server_closed_while_idle_is_not_used() -> None:
    async def answer_and_close(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        writer.close()

    async with Wire(answer_and_close, OK) as wire, client_of(wire.url) as client:
        await effect(client)
        await asyncio.sleep(0.05)
        await effect(client)
        assert (len(wire.requests), wire.connections) == (2, 2)


async def test_a_header_cannot_smuggle_another_in() -> None:
    async with Wire(OK) as wire, client_of(wire.url) as client:
        with pytest.raises(NotSent, match="line break"):
            await client.effect("PATCH", FLOW_SERVICE, "/flows/1", headers={"if-match": "1\r\nx-sandbox-name: prod"})
        assert wire.requests == []


async def test_an_idle_connection_is_closed_before_a_server_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.aep.transport.KEEP_ALIVE", 0.05)
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(OK)
        await reader.read()
        closed.set()
        writer.close()

    transport, server = make_transport(1), await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(5):
        await once(transport, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await closed.wait()
    await transport.aclose()


async def test_no_redirect_is_followed_and_no_cookie_is_kept() -> None:
    moved = http("307 Temporary Redirect", b"", "Location: /elsewhere", "Set-Cookie: a=b; Path=/")
    async with Wire(moved, OK) as wire, client_of(wire.url.replace("127.0.0.1", "localhost")) as client:
        with pytest.raises(Exception, match="not followed"):
            await effect(client)
        await effect(client)
        assert len(wire.requests) == 2
        assert b"cookie" not in wire.requests[1].lower()


async def test_a_limit_is_the_most_connections_that_are_open_at_once() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        writer.write(OK)

    transport = make_transport(3)
    async with Wire(slow) as wire:
        await asyncio.gather(*(once(transport, wire.url) for _ in range(12)))
        assert (len(wire.requests), wire.most_open) == (12, 3)
    await transport.aclose()


async def _abandoned_halfway() -> None:
    """A server that takes a little and then nothing; a client that gives up; a server that looks again."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    body = b"x" * 1_000_000
    async with client_of(url) as client:
        task = asyncio.create_task(effect(client, content=body))
        peer, _ = await loop.sock_accept(listener)
        received = len(await loop.sock_recv(peer, 1_000))
        await asyncio.sleep(0.1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        received += await _to_the_end(peer)
        assert received < len(body) / 2
    peer.close()
    listener.close()


async def _to_the_end(peer: socket.socket) -> int:
    """How many more bytes come before the reset."""
    received = 0
    while True:
        try:
            chunk = await asyncio.get_running_loop().sock_recv(peer, 65_536)
        except ConnectionResetError:
            return received
        assert chunk, "closed politely: what the kernel held was sent"
        received += len(chunk)


async def _broken_after_use() -> None:
    async with Wire(OK, reset, OK) as wire, client_of(wire.url) as client:
        await effect(client)
        with pytest.raises(Lost):
            await effect(client, "DELETE")
        assert len(wire.requests) == 2
    async with client_of(nobody_listens()) as client:
        with pytest.raises(NotSent):
            await effect(client)


@pytest.mark.parametrize("scene", [_abandoned_halfway, _broken_after_use])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_on_either_event_loop(
    scene: Callable[[], Coroutine[Any, Any, None]], new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scene())


async def test_a_body_that_nobody_takes_is_given_up_with_the_write_timeout() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    transport = make_transport(1)
    request = httpx.Request(
        "POST", f"http://127.0.0.1:{listener.getsockname()[1]}", content=b"x" * 1_000_000, extensions={"timeout": HASTY}
    )
    async with asyncio.timeout(5):
        with pytest.raises(Lost, match="in time"):
            await exchange(transport, request, "/x")
    await transport.aclose()
    listener.close()


async def test_reads_survive_what_effects_must_report() -> None:
    async def nap(_: float) -> None:
        await asyncio.sleep(0)

    async with Wire(reset, http("503 Unavailable"), close, OK) as wire, client_of(wire.url, sleep=nap) as client:
        assert (await client.read("GET", CATALOG, "/dataSets")).body == {"id": "1"}
        assert len(wire.requests) == 4
