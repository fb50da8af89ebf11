"""One connection of HTTP/1.1: a request out in one piece, its whole answer in, one at a time.

llhttp reads the answers (`httptools`); what is decided here is only what the client must know: whether an answer came
whole, and whether the connection may carry another request.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import NamedTuple, cast

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

_RESET = struct.pack("ii", 1, 0)  # close at once, dropping what was not sent
_NO_BODY = (204, 304)
_FRAMED = (b"content-length", b"transfer-encoding")


class Reply(NamedTuple):
    """An answer as it came: the body still packed, if it was packed."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Connection(asyncio.Protocol):
    """`usable`: nothing that came forbids another request. `idle_since`: by the loop's clock, for whoever keeps it."""

    def __init__(self) -> None:
        self.usable = True
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._asked: asyncio.Future[Reply] | None = None
        self._heard = self._ends = self._silence = 0.0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._status = 0  # of the answer that is being read; 0: its head is not whole yet

    @property
    def stands(self) -> bool:
        """Whether another request may go over it. The loop knows of an end a turn before it tells."""
        return self.usable and self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes, *, silence: float, whole: float) -> Reply:
        """Send `request` before anything else can happen, and wait for the whole answer: `whole` seconds at most, and
        `silence` seconds at most without a byte. Raises `httpx.ConnectError` when nothing left, `httpx.ReadTimeout` or
        `httpx.ReadError` when it may have; then, and when it is cancelled, nothing leaves any more, not even what the
        kernel still holds."""
        if self._asked is not None:
            raise RuntimeError("a connection carries one request at a time")
        if self._transport is None or not self.stands:
            raise httpx.ConnectError("the connection ended before the request could leave")
        now = self._loop.time()
        self._heard, self._ends, self._silence = now, now + whole, silence
        self._asked = asked = self._loop.create_future()
        self._timer = self._loop.call_at(min(now + silence, self._ends), self._look)
        try:
            self._transport.write(request)
            reply: Reply = await asked
        except BaseException:
            self.abandon()
            raise
        finally:
            self._timer.cancel()
            self._asked = None
        if not self.usable:
            self.close()
        return reply

    def abandon(self) -> None:
        """Close at once, with a reset."""
        self.usable = False
        if self._transport is None:
            return
        with suppress(OSError, ValueError, AttributeError):  # the socket may be closed, or gone, already
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def close(self) -> None:
        """Close politely."""
        self.usable = False
        if self._transport is not None:
            self._transport.close()

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._asked is None or self._asked.done():
            self.close()  # nobody had asked: whatever comes next would be taken for another request's answer
            return
        self._heard = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(f"the answer is not HTTP: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if error is None and self._status and not self._is_framed():
            self._end()
        self._fail(str(error) if error else "the connection ended before the answer did")

    def _look(self) -> None:
        due = min(self._heard + self._silence, self._ends)
        if self._loop.time() < due:
            self._timer = self._loop.call_at(due, self._look)
        elif self._asked is not None and not self._asked.done():
            self._asked.set_exception(httpx.ReadTimeout("no whole answer in time"))

    def _fail(self, why: str) -> None:
        self.usable = False
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(httpx.ReadError(why))

    # what the parser calls

    def on_message_begin(self) -> None:
        self._headers, self._body, self._status = [], [], 0
        if self._asked is None or self._asked.done():
            self.usable = False  # a second answer to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()

    def on_body(self, chunk: bytes) -> None:
        self._body.append(chunk)

    def on_message_complete(self) -> None:
        if self._status >= 200:  # else it is an interim answer, and the answer follows
            self.usable = self.usable and self._parser.should_keep_alive()
            self._end()

    def _end(self) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(Reply(self._status, self._headers, b"".join(self._body)))

    def _is_framed(self) -> bool:
        """Whether the answer says where it ends; else it ends with the connection."""
        return self._status in _NO_BODY or any(name.lower() in _FRAMED for name, _ in self._headers)
