"""How a connection comes to stand: name lookup, TCP, the proxy of the environment, TLS."""

from __future__ import annotations

import asyncio
import base64
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from ssl import SSLContext
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import httpx
from aiohappyeyeballs import AddrInfoType, start_connection

from workflows.aep.connection import Connection

_SEND_BUFFER = 262_144
_UNACKNOWLEDGED = 15_000  # milliseconds; the write timeout, for bytes that the kernel has taken
_SECOND_TRY = 0.25  # seconds after which the next address is tried beside the first (RFC 8305)
_LONGEST_HEAD = 65_536
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy; `authorization` is the value of its header."""

    host: str
    port: int
    authorization: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whom requests go to, and the proxy on the way."""

    host: str
    port: int
    tls: bool
    proxy: Proxy | None


def origin_of(url: httpx.URL) -> Origin:
    """The origin of a URL, by the proxies that the environment names now; this machine itself has none. Raises
    `httpx.UnsupportedProtocol`."""
    if url.scheme not in _PORTS or not url.host:
        raise httpx.UnsupportedProtocol(f"no address to send to: {str(url)!r}")
    host = url.raw_host.decode("ascii")
    proxy = _proxy_for(url.scheme, host)
    return Origin(host=host, port=url.port or _PORTS[url.scheme], tls=url.scheme == "https", proxy=proxy)


async def connect(origin: Origin, trusted: SSLContext | None) -> Connection:
    """A connection that stands; with TLS, if somebody is `trusted`. Raises `OSError`, or `httpx.ProxyError` when the
    proxy refuses; nothing of a request has left then."""
    loop, first = asyncio.get_running_loop(), origin.proxy or origin
    addresses = await loop.getaddrinfo(first.host, first.port, type=socket.SOCK_STREAM)
    made = await start_connection(addresses, happy_eyeballs_delay=_SECOND_TRY, socket_factory=_socket)
    try:
        if origin.tls and origin.proxy is not None:
            await _tunnel(made, origin, origin.proxy)
        name = origin.host if trusted else None
        _, connection = await loop.create_connection(Connection, sock=made, ssl=trusted, server_hostname=name)
    except BaseException:
        made.close()
        raise
    return connection


async def _tunnel(made: socket.socket, origin: Origin, proxy: Proxy) -> None:
    """Ask the proxy for a way through."""
    loop, host = asyncio.get_running_loop(), f"[{origin.host}]" if ":" in origin.host else origin.host
    where = f"{host}:{origin.port}".encode()
    who = b"" if proxy.authorization is None else b"proxy-authorization: %b\r\n" % proxy.authorization
    await loop.sock_sendall(made, b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (where, where, who))
    head = b""
    while b"\r\n\r\n" not in head:
        more = await loop.sock_recv(made, 4_096)
        if not more or len(head) > _LONGEST_HEAD:
            raise httpx.ProxyError("the proxy did not answer in HTTP")
        head += more
    said = head.partition(b"\r\n")[0].decode("ascii", "replace").partition(" ")[2]
    if not said.startswith("2"):
        raise httpx.ProxyError(f"the proxy refused: {said}")


def _proxy_for(scheme: str, host: str) -> Proxy | None:
    named = getproxies()
    text = named.get(scheme) or named.get("all")
    if not text or _is_here(host) or proxy_bypass(host):
        return None
    url = httpx.URL(text if "://" in text else f"http://{text}")
    if url.scheme != "http":
        raise httpx.UnsupportedProtocol(f"only HTTP proxies are supported, not {url.scheme}")
    who = base64.b64encode(unquote(url.userinfo.decode("ascii")).encode()) if url.userinfo else None
    return Proxy(host=url.host, port=url.port or 80, authorization=who and b"Basic " + who)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _socket(address: AddrInfoType) -> socket.socket:
    """A socket that gives up when the client does, and that takes a request in one piece: a process that is frozen
    between two pieces would finish the request when it thaws (rule 1)."""
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED)
    return made
