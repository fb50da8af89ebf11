"""httpx's interface over connections of our own: one request on the wire for each call, and the truth about whether it
left.

Why not httpx's own pool, nor aiohttp: docs/decisions/0004-http-connections.md.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from math import inf
from ssl import SSLContext

import httpx

from workflows.aep.connecting import Origin, connect, origin_of
from workflows.aep.connection import Connection

TIMEOUTS: Mapping[str, float | None] = {"connect": 10.0, "write": 15.0, "read": 60.0, "pool": None}
"""Seconds for each phase: name lookup, TCP and TLS together; getting the request out; the answer, which the gateway
itself gives up on after 60 (contract 1.7, A10). A free connection is waited for without end: the gate is the limit."""

KEEP_ALIVE = 4.0
"""Seconds that an idle connection is kept. Less than the 5 s of the impatient servers: a server that closes just when a
request is written turns a plain success into a doubt."""

DEPARTS = "headway.departs"
"""Request extension: a function asked at the last moment before the first byte. It says for how many seconds more the
request must wait, and is asked again then; 0 means that it leaves now, infinity that it may never leave."""

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that name certificates to trust, in the order in which httpx asks for them."""

SHORT = 0.1
"""Seconds that a request waits here at most: who must wait for longer leaves its place to others meanwhile."""


class NotYet(httpx.ConnectError):
    """`DEPARTS` said to wait for longer than `SHORT`: so many `seconds`, or for ever. Nothing left."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the request may not leave for {seconds} s")
        self.seconds = seconds


def make_transport(limit: int) -> httpx.AsyncBaseTransport:
    """A transport with at most `limit` connections; it belongs to the event loop that first uses it.

    TLS is verified, against the system's authorities and those that httpx brings (`CERTIFICATES` is honoured).
    `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are honoured, except for this machine itself.
    """
    return _Transport(limit)


class _Transport(httpx.AsyncBaseTransport):
    """See `make_transport`. The whole answer is read before `handle_async_request` returns. Connect errors, those of a
    proxy and of a protocol that is not supported mean that surely no byte left, every other error that it may have."""

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._ways: dict[tuple[str, str, int | None], _Way] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions.get("timeout", TIMEOUTS)
        departs = _departs(request)
        way = self._way(request.url)
        message = _message(request, way.origin, request.read())
        async with self._slots:
            connection = way.idle() or await self._connect(way.origin, timeouts["connect"])
            while wait := departs():
                self._keep(way, connection)
                await _wait(wait)
                connection = way.idle() or await self._connect(way.origin, timeouts["connect"])
            read = timeouts["read"]
            reply = await connection.exchange(message, silence=read, whole=timeouts["write"] + read)
            if connection.usable:
                self._keep(way, connection)
        response = httpx.Response(
            reply.status, headers=reply.headers, stream=httpx.ByteStream(reply.body), request=request
        )
        response.read()
        return response

    async def aclose(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        for way in self._ways.values():
            way.sweep(inf)
        await asyncio.sleep(0)  # the loop lets go of the sockets

    def _way(self, url: httpx.URL) -> _Way:
        key = (url.scheme, url.host, url.port)
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = _Way(origin_of(url))
        return way

    @cached_property
    def _trusted(self) -> SSLContext:
        """Whom TLS trusts; it takes a tenth of a second to read, so it is read where there is TLS."""
        try:
            trusted = httpx.create_ssl_context()
            trusted.load_default_certs()
        except OSError as error:
            named = next((f"{name}={os.environ[name]}" for name in CERTIFICATES if os.environ.get(name)), "the system")
            raise httpx.ConnectError(f"the certificates of {named} cannot be read: {error.strerror}") from error
        return trusted

    async def _connect(self, origin: Origin, within: float) -> Connection:
        try:
            async with asyncio.timeout(within):
                return await connect(origin, self._trusted if origin.tls else None)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except (OSError, RuntimeError, UnicodeError) as error:  # uvloop has RuntimeErrors, too
            raise httpx.ConnectError(str(error) or type(error).__name__) from error

    def _keep(self, way: _Way, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        way.keep(connection, loop.time())
        if self._sweeping is None:
            self._sweeping = loop.call_later(KEEP_ALIVE, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """No connection is kept for longer than it may be used."""
        left = [way.sweep(loop.time() - KEEP_ALIVE) for way in self._ways.values()]
        self._sweeping = loop.call_later(KEEP_ALIVE, self._sweep, loop) if any(left) else None


class Departing(httpx.AsyncBaseTransport):
    """Another transport, which does not know `DEPARTS` (one of tests, or an application in this process): asked on the
    way in."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        departs = _departs(request)
        while wait := departs():
            await _wait(wait)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Way:
    """An origin, and the connections to it that nobody uses; the last one used is the first to be used again."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._idle: list[Connection] = []

    def idle(self) -> Connection | None:
        """A connection that stands, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.stands and connection.idle_since > asyncio.get_running_loop().time() - KEEP_ALIVE:
                return connection
            connection.close()
        return None

    def keep(self, connection: Connection, now: float) -> None:
        """Nobody uses it any more."""
        connection.idle_since = now
        self._idle.append(connection)

    def sweep(self, until: float) -> int:
        """Close what was not used since then; how many are left."""
        for connection in self._idle:
            if connection.idle_since <= until:
                connection.close()
        self._idle = [connection for connection in self._idle if connection.usable]
        return len(self._idle)


def _departs(request: httpx.Request) -> Callable[[], float]:
    return request.extensions.get(DEPARTS) or float  # float() is 0: at once


async def _wait(seconds: float) -> None:
    if seconds > SHORT:
        raise NotYet(seconds)
    await asyncio.sleep(seconds)


def _message(request: httpx.Request, origin: Origin, body: bytes) -> bytes:
    """The request as it goes over the wire. Raises `httpx.UnsupportedProtocol` for a header that would break it."""
    url, fields, proxy = request.url, request.headers.raw, origin.proxy
    target = url.raw_path
    if proxy is not None and not origin.tls:
        target = b"http://%b%b" % (url.netloc, target)
        if proxy.authorization is not None:
            fields.append((b"proxy-authorization", proxy.authorization))
    names = {name.lower() for name, _ in fields}
    if b"host" not in names:
        fields.append((b"host", url.netloc))
    if b"content-length" not in names:
        fields.append((b"content-length", b"%d" % len(body)))
    lines = b"".join([b"%b: %b\r\n" % field for field in fields])
    if lines.count(b"\n") != len(fields) or lines.count(b"\r") != len(fields):
        raise httpx.UnsupportedProtocol("a header holds a line break")
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (request.method.encode(), target, lines, body)
