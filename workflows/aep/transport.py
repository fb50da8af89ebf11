"""Connections: httpx's interface over aiohttp's, with one request on the wire for each call and the truth about whether
it left.

Why not `httpx-aiohttp`, httpx's own pool or a client of our own: docs/decisions/0002-http-transport.md.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import cast
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from yarl import URL

TIMEOUTS: Mapping[str, float | None] = {"connect": 10.0, "write": 15.0, "read": 60.0, "pool": None}
"""Seconds for each phase: name lookup, TCP and TLS together; getting the request out; the answer, which the gateway
itself gives up on after 60 (contract 1.7, A10). A free connection is waited for without end: the gate is the limit."""

KEEP_ALIVE = 4.0
"""Seconds that an idle connection is kept. Less than the 5 s of the impatient servers: a server that closes just when a
request is written turns a plain success into a doubt."""

MAY_LEAVE = "headway.may_leave"
"""Request extension: a function asked at the last moment before the first byte; False means never send this."""

_SEND_BUFFER = 262_144
_RESET = struct.pack("ii", 1, 0)  # close at once, dropping what was not sent
_UNACKNOWLEDGED = 15_000  # milliseconds; the write timeout, for bytes that the kernel has taken
_BEFORE = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
)  # what aiohttp raises while it connects

if not hasattr(aiohttp.ClientRequest, "send"):
    raise ImportError("this aiohttp has no ClientRequest.send, where headway sees a request leave; take 3.12 to 3.14")


class TooLate(httpx.ConnectError):
    """`MAY_LEAVE` said no; nothing left."""

    def __init__(self) -> None:
        super().__init__("the send window has closed")


def make_transport(limit: int) -> httpx.AsyncBaseTransport:
    """A transport with at most `limit` connections; it belongs to the event loop that first uses it.

    TLS is verified, against the system's authorities and those that httpx brings (`SSL_CERT_FILE` is honoured).
    `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are honoured, except for this machine itself.
    """
    return _AiohttpTransport(limit)


class _Way:
    """One request's way out; knows whether its first byte may have left."""

    __slots__ = ("_after", "_connection", "_may_leave", "_timer", "left")

    def __init__(self, may_leave: Callable[[], bool] | None, timer: asyncio.Timeout, after: float | None) -> None:
        self._may_leave = may_leave
        self._timer = timer
        self._after = after
        self._connection: asyncio.Transport | None = None
        self.left = False

    def leave(self, connection: Connection) -> None:
        """Called with a live connection, before the first byte; raises what keeps the request here."""
        protocol = connection.protocol
        if protocol is None or protocol.should_close:
            raise httpx.ConnectError("an answer that nobody had asked for lay on the connection")
        if self.too_late():
            raise TooLate
        self._connection = connection.transport
        self._timer.reschedule(None if self._after is None else asyncio.get_running_loop().time() + self._after)
        self.left = True

    def too_late(self) -> bool:
        """Whether the send window has closed."""
        return self._may_leave is not None and not self._may_leave()

    def abandon(self) -> None:
        """Nothing of this request leaves from now on, not even what the kernel still holds."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(OSError, ValueError, AttributeError):  # the socket may be closed, or gone, already
            connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.abort()

    def failed(self, error: Exception) -> httpx.TransportError:
        """An error of aiohttp in the words of httpx; a connect error only where surely no byte left."""
        text = str(error) or type(error).__name__
        if isinstance(error, aiohttp.ClientHttpProxyError):
            text = f"the proxy refused: {error.status} {error.message}"  # its own text shows the proxy's password
        if not self.left and isinstance(error, (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)):
            return httpx.UnsupportedProtocol(text)
        if not self.left and isinstance(error, _BEFORE):
            return httpx.ConnectError(text)
        return httpx.ReadTimeout(text) if isinstance(error, TimeoutError) else httpx.ReadError(text)


class _Request(aiohttp.ClientRequest):
    """aiohttp's request, which says when it leaves."""

    way: _Way

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        self.way.leave(conn)
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Head and body leave here, before Python 3.12 one round of the loop after `send`: others had their turn, or
        the process was frozen."""
        if not self.way.too_late():
            await super().write_bytes(writer, conn, content_length)
        elif conn.protocol is not None:
            conn.protocol.set_exception(TooLate())


class _AiohttpTransport(httpx.AsyncBaseTransport):
    """See `make_transport`. The whole answer is read before `handle_async_request` returns. Connect errors mean that
    surely no byte left, every other error that it may have."""

    def __init__(self, limit: int) -> None:
        self._trusted = httpx.create_ssl_context()  # reads files: here, not while a request waits
        self._trusted.load_default_certs()
        self._slots = asyncio.Semaphore(limit)
        self._session: aiohttp.ClientSession | None = None
        self._proxies = _Proxies()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions.get("timeout", TIMEOUTS)
        async with self._slots:
            timer = asyncio.timeout(timeouts["connect"])
            way = _Way(request.extensions.get(MAY_LEAVE), timer, timeouts["write"] + timeouts["read"])
            try:
                async with timer:
                    return await self._send(request, way, timeouts["read"])
            except TimeoutError as error:
                way.abandon()
                kind = httpx.ReadTimeout if way.left else httpx.ConnectTimeout
                raise kind("no whole answer in time" if way.left else "no connection in time") from error
            except BaseException:
                way.abandon()
                raise

    async def _send(self, request: httpx.Request, way: _Way, read_timeout: float) -> httpx.Response:
        async def once(outgoing: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            # aiohttp sends a GET, PUT or DELETE again when a kept connection breaks, unless the error is not its own
            cast(_Request, outgoing).way = way
            try:
                return await handler(outgoing)
            except (aiohttp.ClientError, OSError) as error:
                raise way.failed(error) from error

        session = self._session or self._open()
        try:
            answer = await session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=request.content or None,
                allow_redirects=False,
                proxy=self._proxies.of(request.url),
                timeout=aiohttp.ClientTimeout(sock_read=read_timeout),
                middlewares=(once,),
            )
            body = await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            raise way.failed(error) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, content=body, request=request)

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0, ssl=self._trusted, keepalive_timeout=KEEP_ALIVE, socket_factory=_socket
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Request,
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        )
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Proxies:
    """Which proxy the environment names for a host; asked once for each."""

    def __init__(self) -> None:
        self._named = getproxies()
        self._known: dict[tuple[str, str], str | None] = {}

    def of(self, url: httpx.URL) -> str | None:
        """The proxy's URL, or None for a direct connection."""
        key = (url.scheme, url.host)
        if key not in self._known:
            self._known[key] = self._find(*key)
        return self._known[key]

    def _find(self, scheme: str, host: str) -> str | None:
        proxy = self._named.get(scheme) or self._named.get("all")
        if not proxy or _is_here(host) or proxy_bypass(host):
            return None
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        if not proxy.startswith(("http://", "https://")):
            raise httpx.UnsupportedProtocol(f"only HTTP proxies are supported, not {proxy.partition(':')[0]}")
        return proxy


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that gives up when the client does, and that takes a request in one piece: a process that is frozen
    between two pieces would finish the request when it thaws (DESIGN rule 1)."""
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED)
    return made
