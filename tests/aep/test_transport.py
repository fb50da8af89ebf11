"""The connections, over real sockets: what left, how often, and whether the client knows."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop

from tests.aep.support import GIVEN, Clock, Gate, Wire, close, hang, http, reset
from workflows.aep import CATALOG, FLOW_SERVICE, AepClient, Answer, Lost, NotSent, WindowClosed, make_transport
from workflows.aep.connection import Connection
from workflows.aep.exchange import exchange
from workflows.aep.transport import DEPARTS, Asking

OK = http("200 OK", b'{"id":"1"}')
CERTIFICATE = Path(__file__).with_name("localhost.pem")
HASTY = {"connect": 10.0, "write": 0.1, "read": 0.2, "pool": None}


@asynccontextmanager
async def client_of(url: str, **kwargs: Any) -> Any:
    async with AepClient(replace(GIVEN, base_url=url), **kwargs) as client:
        yield client


async def effect(client: AepClient, method: str = "POST", content: bytes = b'{"name":"x"}') -> Answer:
    return await client.effect(method, FLOW_SERVICE, "/flows", content=content)


async def once(transport: httpx.AsyncBaseTransport, url: str, **extensions: Any) -> httpx.Response:
    request = httpx.Request("POST", url, content=b"{}", extensions={"timeout": HASTY, **extensions})
    return await exchange(transport, request, "/x")


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


class _Ending(asyncio.Transport):
    """A transport that has seen the end of its connection, which its protocol is about to be told."""

    written = b""

    def is_closing(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)


async def test_what_is_not_given_to_a_connection_that_ends_was_not_sent() -> None:
    connection, transport = Connection(), _Ending()
    connection.connection_made(transport)
    async with asyncio.timeout(5):
        with pytest.raises(httpx.ConnectError, match="before the request could leave"):
            await connection.exchange(b"POST / HTTP/1.1\r\n\r\n", silence=1, whole=1)
    assert not connection.stands
    assert transport.written == b""


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    answered, strayed = asyncio.Event(), asyncio.Event()

    async def stray(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await answered.wait()
        writer.write(http("404 Not Found", b'{"stray":true}'))
        strayed.set()

    async with Wire(stray, OK) as wire, client_of(wire.url) as client:
        await effect(client)
        answered.set()
        await strayed.wait()
        await asyncio.sleep(0.05)
        assert (await effect(client)).body == {"id": "1"}
        assert (len(wire.requests), wire.connections) == (2, 2)


async def test_two_answers_to_one_request_are_one_too_many() -> None:
    async with Wire(OK + http("404 Not Found"), OK) as wire, client_of(wire.url) as client:
        assert [(await effect(client)).body for _ in range(2)] == [{"id": "1"}] * 2
        assert (len(wire.requests), wire.connections) == (2, 2)


async def test_an_answer_may_end_with_its_connection_and_may_say_that_it_does() -> None:
    async def to_the_end(writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"id":')
        await writer.drain()
        writer.write(b'"2"}')
        await writer.drain()
        raise ConnectionError

    moves = [to_the_end, http("200 OK", b'{"id":"3"}', "Connection: close"), OK]
    async with Wire(*moves) as wire, client_of(wire.url) as client:
        assert [(await effect(client)).body for _ in range(3)] == [{"id": "2"}, {"id": "3"}, {"id": "1"}]
        assert (len(wire.requests), wire.connections) == (3, 3)


async def test_an_interim_answer_is_not_the_answer() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with Wire(interim + OK, OK) as wire, client_of(wire.url) as client:
        assert [(await effect(client)).body for _ in range(2)] == [{"id": "1"}] * 2
        assert wire.connections == 1


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


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        http("200 OK", b"not gzip", "Content-Encoding: gzip"),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"id',
    ],
)
async def test_an_answer_that_is_not_http_is_lost(reply: bytes) -> None:
    async with Wire(reply) as wire, client_of(wire.url) as client:
        with pytest.raises(Lost):
            await effect(client)
        assert len(wire.requests) == 1


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
async def test_an_answer_that_is_cut_off_is_lost_whatever_its_status(status: str) -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(f'HTTP/1.1 {status}\r\nContent-Length: 100\r\n\r\n{{"id"'.encode())
        await writer.drain()
        raise ConnectionError

    async with Wire(cut) as wire, client_of(wire.url) as client:
        with pytest.raises(Lost):
            await effect(client)


async def test_no_redirect_is_followed_and_no_cookie_is_kept() -> None:
    moved = http("307 Temporary Redirect", b"", "Location: /elsewhere", "Set-Cookie: a=b; Path=/")
    async with Wire(moved, OK) as wire, client_of(wire.url.replace("127.0.0.1", "localhost")) as client:
        with pytest.raises(Exception, match="not followed"):
            await effect(client)
        await effect(client)
        assert len(wire.requests) == 2
        assert b"cookie" not in wire.requests[1].lower()


def nobody_listens() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("url", [nobody_listens, "http://no-such-host.invalid", "http://127.1:9"])
async def test_without_a_connection_nothing_was_sent(url: str | Callable[[], str]) -> None:
    async with client_of(url if isinstance(url, str) else url()) as client:
        with pytest.raises(NotSent) as caught:
            await effect(client)
        assert not isinstance(caught.value, WindowClosed)


async def test_tls_that_fails_means_not_sent() -> None:
    def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http("400 Bad Request", b""))
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    async with server, client_of(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        with pytest.raises(NotSent):
            await effect(client)


async def test_certificates_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(CERTIFICATE)
    async with Wire(OK, ssl=served) as wire:
        async with client_of(wire.url) as client:
            with pytest.raises(NotSent, match=r"(?i)certificate"):
                await effect(client)
        assert wire.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        async with client_of(wire.url) as client:
            assert (await effect(client)).body == {"id": "1"}
            wire.play(close)
            with pytest.raises(Lost):
                await effect(client)


async def test_silence_is_lost_after_the_read_timeout() -> None:
    transport = make_transport(1)
    async with Wire(hang) as wire:
        with pytest.raises(Lost):
            await once(transport, wire.url)
        assert len(wire.requests) == 1
    await transport.aclose()


async def test_an_answer_may_take_longer_than_connecting() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.8)
        writer.write(OK)

    transport = make_transport(1)
    async with Wire(slow) as wire:
        timeouts = {"connect": 0.6, "write": 1.0, "read": 5.0, "pool": None}
        assert (await once(transport, wire.url, timeout=timeouts)).status_code == 200
    await transport.aclose()


async def test_an_answer_that_drips_for_ever_is_lost_in_the_end() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await asyncio.sleep(0.05)

    transport = make_transport(1)
    async with Wire(drip) as wire, asyncio.timeout(5):
        with pytest.raises(Lost, match="no whole answer in time"):
            await once(transport, wire.url)
    await transport.aclose()


async def test_a_handshake_that_never_ends_is_not_sent() -> None:
    transport = make_transport(1)
    async with Wire(hang) as wire:
        with pytest.raises(NotSent, match="no connection in time"):
            await once(transport, wire.url.replace("http:", "https:"), timeout={**HASTY, "connect": 0.3})
        assert wire.requests == []
    await transport.aclose()


@pytest.mark.parametrize("kind", ["ours", "another"])
async def test_a_request_asks_when_its_connection_stands_and_waits_until_it_may_leave(kind: str) -> None:
    asked: list[tuple[int, int]] = []

    def departs() -> float:
        asked.append((wire.connections, len(wire.requests)))
        return 0.01 if len(asked) < 3 else 0.0

    transport = make_transport(1) if kind == "ours" else Asking(httpx.AsyncHTTPTransport())
    async with Wire(OK) as wire:
        assert (await once(transport, wire.url, **{DEPARTS: departs})).status_code == 200
        assert (len(asked), len(wire.requests), wire.connections) == (3, 1, 1)
        assert asked[1:] == [(int(kind == "ours"), 0)] * 2
    await transport.aclose()


@pytest.mark.parametrize("kind", ["ours", "another"])
async def test_what_may_never_leave_does_not(kind: str) -> None:
    waits = [0.01, inf]
    transport = make_transport(1) if kind == "ours" else Asking(httpx.AsyncHTTPTransport())
    async with Wire(OK) as wire:
        with pytest.raises(WindowClosed):
            await once(transport, wire.url, **{DEPARTS: lambda: waits.pop(0)})
        assert (waits, wire.requests) == ([], [])
        assert (await once(transport, wire.url)).status_code == 200
        assert wire.connections == 1
    await transport.aclose()


async def test_an_effect_does_not_wait_for_what_lies_beyond_its_window() -> None:
    async with Wire(OK) as wire, client_of(wire.url, gate=Gate(waits=[30.0]), clock=Clock()) as client:
        with pytest.raises(WindowClosed):
            await client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}", send_within=5.0)
        assert wire.requests == []


async def test_a_process_that_was_frozen_while_it_connected_does_not_send() -> None:
    class Frozen(Clock):
        """Each look at this clock is four seconds after the one before."""

        def boot(self) -> float:
            self.at += 4.0
            return self.at

    async with Wire(OK) as wire, client_of(wire.url, clock=Frozen()) as client:
        await client.prepare()
        with pytest.raises(WindowClosed):
            await client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}", send_within=3.0)
        assert wire.requests == []


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


async def test_sockets_give_up_with_the_client_and_do_not_wait_for_more() -> None:
    options: list[tuple[int, int]] = []

    async def look(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    made = socket.socket

    class Watched(socket.socket):
        def setsockopt(self, level: int, option: int, value: Any, *rest: Any) -> None:
            options.append((option, value))
            super().setsockopt(level, option, value, *rest)

    socket.socket = Watched  # type: ignore[misc]
    try:
        async with Wire(look) as wire, client_of(wire.url) as client:
            await effect(client)
    finally:
        socket.socket = made  # type: ignore[misc]
    assert (socket.TCP_NODELAY, 1) in options
    assert (socket.TCP_USER_TIMEOUT, 15_000) in options


async def test_the_proxy_of_the_environment_is_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(OK) as proxy, Wire(OK) as here:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:pass@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "inside.example")
        async with client_of("http://platform.example") as client:
            await effect(client)
        head = proxy.requests[0].lower()
        assert head.startswith(b"post http://platform.example/data/foundation/flowservice/flows ")
        assert b"proxy-authorization: basic dxnlcjpwyxnz" in head
        async with client_of(here.url) as client:
            await effect(client)
        assert (len(here.requests), len(proxy.requests)) == (1, 1)
        async with client_of("http://inside.example") as client:
            with pytest.raises(NotSent):
                await effect(client)


async def test_a_proxy_that_refuses_means_not_sent_and_its_password_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(http("407 Proxy Authentication Required", b"")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"user:hunter2@127.0.0.1:{proxy.port}")
        async with client_of("https://platform.example") as client:
            with pytest.raises(NotSent, match="the proxy refused: 407") as caught:
                await effect(client)
        assert proxy.requests[0].startswith(b"CONNECT platform.example:443")
        assert b"bearer" not in proxy.requests[0].lower()
        assert "hunter2" not in str(caught.value)


async def test_a_proxy_is_asked_for_a_way_through_and_sees_nothing_of_what_goes_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(CERTIFICATE)
    heard = asyncio.Event()

    async def tunnel(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        heard.set()
        await writer.start_tls(served)

    async with Wire(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        async with client_of("https://platform.example") as client:
            with pytest.raises(NotSent, match=r"(?i)hostname mismatch|not valid for"):
                await effect(client)
        assert heard.is_set()
        assert [request.partition(b"\r\n")[0] for request in proxy.requests] == [
            b"CONNECT platform.example:443 HTTP/1.1"
        ]


async def test_a_proxy_that_is_none_of_ours_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    async with client_of("https://platform.example") as client:
        with pytest.raises(NotSent, match="only HTTP proxies"):
            await effect(client)


async def test_reads_survive_what_effects_must_report() -> None:
    async def nap(_: float) -> None:
        await asyncio.sleep(0)

    async with Wire(reset, http("503 Unavailable"), close, OK) as wire, client_of(wire.url, sleep=nap) as client:
        assert (await client.read("GET", CATALOG, "/dataSets")).body == {"id": "1"}
        assert len(wire.requests) == 4
