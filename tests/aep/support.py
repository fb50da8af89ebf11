"""A platform that answers by script: in this process for what HTTP says, behind a real socket for what TCP does."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qs

import httpx
import orjson

from workflows.aep import FLOW_SERVICE, AepClient, Answer, Credentials
from workflows.aep.exchange import exchange

SECRET = "s3cr3t-of-the-client"
TOKEN = "eyJ-token-0123456789"
OAUTH = Credentials(
    api_key="3f9c0d1e2b4a5968a1", client_secret=SECRET, scopes="openid,AdobeID", ims_org="8E4A@AdobeOrg", sandbox="dev",
    base_url="https://gateway.example", ims_url="https://ims.example",
)  # fmt: skip
GIVEN = Credentials(
    access_token=TOKEN, api_key="3f9c0d1e2b4a5968a1", ims_org="8E4A@AdobeOrg", sandbox="dev",
    base_url="https://gateway.example",
)  # fmt: skip


@dataclass
class Clock:
    """Time stands still until someone moves it."""

    at: float = 1_000.0

    def wall(self) -> float:
        return 1_900_000_000.0 + self.at

    def boot(self) -> float:
        return self.at


@dataclass
class Naps:
    """A sleep that takes no time; it moves the clock and remembers."""

    clock: Clock = field(default_factory=Clock)
    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.clock.at += seconds
        await asyncio.sleep(0)


@dataclass
class Gate:
    """Writes down who passed."""

    log: list[tuple[Any, ...]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    aboard: int = 0

    async def enter(self, family: str) -> None:
        self.log.append(("enter", family))

    def leave(self, family: str) -> None:
        self.log.append(("leave", family))

    async def board(self, family: str) -> None:  # noqa: ARG002
        self.aboard += 1

    def alight(self, family: str) -> None:  # noqa: ARG002
        self.aboard -= 1

    def departs_in(self, family: str) -> float:  # noqa: ARG002
        return self.waits.pop(0) if self.waits else 0.0

    def observe(self, family: str, status: int | None, retry_after: float | None) -> None:
        self.log.append(("observe", family, status, retry_after))


Reply: TypeAlias = httpx.Response | Exception | Callable[[httpx.Request], Any]


class Platform(httpx.MockTransport):
    """Answers with `replies` in order, the last one again and again; IMS hands out token-1, token-2, …"""

    def __init__(self, *replies: Reply, ims: Sequence[Reply] = ()) -> None:
        super().__init__(self._answer)
        self.requests: list[httpx.Request] = []
        self.asked_ims: list[dict[str, list[str]]] = []
        self.headers_of_ims: list[httpx.Headers] = []
        self._replies = list(replies)
        self._ims = list(ims)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/ims/"):
            self.headers_of_ims.append(request.headers)
            self.asked_ims.append(parse_qs(request.content.decode(), keep_blank_values=True))
            number = len(self.asked_ims)
            return await self._play(request, self._ims, answer(200, token_body(f"token-{number}")))
        self.requests.append(request)
        return await self._play(request, self._replies, answer(200, {}))

    async def _play(self, request: httpx.Request, script: list[Reply], otherwise: httpx.Response) -> httpx.Response:
        reply = otherwise if not script else script.pop(0) if len(script) > 1 else script[0]
        if callable(reply) and not isinstance(reply, httpx.Response | Exception):
            reply = reply(request)
            if isinstance(reply, Awaitable):
                reply = await reply
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)


def answer(status: int, body: Any = None, headers: dict[str, str] | None = None) -> httpx.Response:
    """`body`: bytes as they are, anything else as JSON, None for none."""
    content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    return httpx.Response(status, headers=headers, content=content)


def token_body(token: str, expires_in: Any = 86_399) -> dict[str, Any]:
    return {"access_token": token, "token_type": "bearer", "expires_in": expires_in}


def http(status: str, body: bytes = b"{}", *headers: str) -> bytes:
    """An answer as it goes over the wire."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


Move: TypeAlias = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


class Wire:
    """A server on a real socket. It reads whole requests and plays one of `moves` for each, the last one again and
    again; a move is an answer, or something that is done to the connection."""

    def __init__(self, *moves: Move, ssl: Any = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.open_now = 0
        self.most_open = 0
        self._moves = list(moves)
        self._ssl = ssl
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._ended = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._ssl)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._server.close()
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:  # not left to the tasks: some have not begun, and what nobody takes is never sent
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def play(self, *moves: Move) -> None:
        """From now on."""
        self._moves[:] = moves

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._ended:
            writer.transport.abort()
            return
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        task = asyncio.create_task(self._talk(reader, writer))
        self._tasks.add(task)
        self._writers.append(writer)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.requests.append(await _request(reader))
                move = self._moves.pop(0) if len(self._moves) > 1 else self._moves[0]
                if isinstance(move, bytes):
                    writer.write(move)
                    await writer.drain()
                else:
                    await move(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open_now -= 1
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0].split(b":")[1]) if lengths else 0)


async def close(_: asyncio.StreamWriter) -> None:
    """Hang up without an answer."""
    raise ConnectionError


async def reset(writer: asyncio.StreamWriter) -> None:
    """Hang up rudely."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionError


async def hang(_: asyncio.StreamWriter) -> None:
    """Say nothing, for ever."""
    await asyncio.Event().wait()


OK = http("200 OK", b'{"id":"1"}')
HASTY = {"connect": 10.0, "write": 0.1, "read": 0.2, "pool": None}


@asynccontextmanager
async def client_of(url: str, **kwargs: Any) -> AsyncIterator[AepClient]:
    """A client of the server at `url`."""
    async with AepClient(replace(GIVEN, base_url=url), **kwargs) as client:
        yield client


async def effect(client: AepClient, method: str = "POST", content: bytes = b'{"name":"x"}') -> Answer:
    return await client.effect(method, FLOW_SERVICE, "/flows", content=content)


async def once(transport: httpx.AsyncBaseTransport, url: str, **extensions: Any) -> httpx.Response:
    request = httpx.Request("POST", url, content=b"{}", extensions={"timeout": HASTY, **extensions})
    return await exchange(transport, request, "/x")


def nobody_listens() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@dataclass
class World:
    """A client of a scripted platform."""

    platform: Platform
    credentials: Credentials = GIVEN
    gate: Gate = field(default_factory=Gate)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.naps = Naps(self.clock)
        self.client = AepClient(
            self.credentials, transport=self.platform, gate=self.gate, clock=self.clock, rng=Random(1), sleep=self.naps
        )

    @property
    def sent(self) -> list[httpx.Request]:
        return self.platform.requests


def world(*replies: Reply, credentials: Credentials = GIVEN, ims: list[Reply] | None = None) -> World:
    return World(Platform(*replies, ims=ims or []), credentials)
