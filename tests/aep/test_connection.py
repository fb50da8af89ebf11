"""One connection of HTTP/1.1: which bytes are an answer, to what, and how long it is waited for."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.aep.support import OK, Move, Wire, client_of, effect, hang, http, once
from workflows.aep import Lost, make_transport
from workflows.aep.connection import Connection


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

    moves: list[Move] = [to_the_end, http("200 OK", b'{"id":"3"}', "Connection: close"), OK]
    async with Wire(*moves) as wire, client_of(wire.url) as client:
        assert [(await effect(client)).body for _ in range(3)] == [{"id": "2"}, {"id": "3"}, {"id": "1"}]
        assert (len(wire.requests), wire.connections) == (3, 3)


async def test_an_interim_answer_is_not_the_answer() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with Wire(interim + OK, OK) as wire, client_of(wire.url) as client:
        assert [(await effect(client)).body for _ in range(2)] == [{"id": "1"}] * 2
        assert wire.connections == 1


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
