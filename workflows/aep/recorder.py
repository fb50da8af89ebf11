"""What the client would send, without sending it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx

from workflows.aep.client import AepClient
from workflows.aep.credentials import Credentials
from workflows.aep.errors import BadRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One request: `path` with its query, relative to the gateway; `headers` in the order in which they are sent."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    content: bytes


_LEFT_OUT = frozenset({"accept-encoding", "content-length", "host", "user-agent"})


async def record(credentials: Credentials, call: Callable[[AepClient], Awaitable[object]]) -> list[Recorded]:
    """The requests that `call` makes with a client of these credentials; none is sent, each is answered with 400.

    `credentials` must have an access token, since none is fetched.
    """
    found = list[Recorded]()

    def keep(request: httpx.Request) -> httpx.Response:
        headers = tuple((name, value) for name, value in request.headers.items() if name not in _LEFT_OUT)
        path = request.url.raw_path.decode("ascii")
        found.append(Recorded(method=request.method, path=path, headers=headers, content=request.content))
        return httpx.Response(400)

    client = AepClient(credentials, transport=httpx.MockTransport(keep), attempts=1)
    with suppress(BadRequest):  # that was the answer
        await call(client)
    return found
