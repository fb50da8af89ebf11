"""A wire between headway and the platform that can be cut: TCP, byte for byte, from a thread of its own.

The platform's memory is its state, so it cannot be killed and come back; what a client sees of that, it sees here.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""SO_LINGER, on and for no time: closing is a reset."""


class Relay:
    """Leads from `url` to the platform. Its port stays its own while nobody listens there."""

    def __init__(self, platform: str, loop: asyncio.AbstractEventLoop) -> None:
        parts = urlsplit(platform)
        self._target, self._loop = (parts.hostname, parts.port), loop
        self._kept = _bound(0)
        self._port: int = self._kept.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._deaf = False

    def mend(self) -> None:
        """All is well again."""
        self._deaf = False
        self._call(self._listen)

    def cut(self) -> None:
        """The platform is gone: connections are reset, nobody listens any more."""
        self._call(self._close)

    def lose_answers(self) -> None:
        """Requests still reach the platform, and no answer comes back."""
        self._deaf = True

    def close(self) -> None:
        """The end."""
        self.cut()
        self._kept.close()

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connect, sock=_bound(self._port))

    async def _close(self) -> None:
        if self._server is not None:
            # A server that closes while it lets somebody in loses that socket (Python 3.11): first nobody is let in.
            for listener in self._server.sockets:
                self._loop.remove_reader(listener)
            await asyncio.sleep(0)
            self._server.close()
            self._server = None
        for end in list(self._ends):
            end.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.transport.abort()
            return
        self._ends.add(writer)
        try:
            theirs, out = await asyncio.open_connection(*self._target)
            await asyncio.gather(self._pump(reader, out, lambda: False), self._pump(theirs, writer, lambda: self._deaf))
        except OSError:
            pass  # one end is gone
        finally:
            self._ends.discard(writer)
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: Callable[[], bool]) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._ends.add(writer)
        try:
            while data := await reader.read(2**16):
                if not lost():
                    writer.write(data)
        except OSError:
            pass  # one end was reset; the other one follows
        finally:
            self._ends.discard(writer)
            writer.close()

    def _call(self, function: Callable[[], object]) -> None:
        asyncio.run_coroutine_threadsafe(function(), self._loop).result()  # type: ignore[arg-type]


def _bound(port: int) -> socket.socket:
    """A socket at a port that is shared by those of ours alone."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


@contextmanager
def relaying(platform: str) -> Iterator[Relay]:
    """A relay that leads to the platform."""
    with asyncio.Runner() as runner:  # at the end it cancels whoever still connects, and thus lets go of the sockets
        loop, ended = runner.get_loop(), asyncio.Event()
        thread = threading.Thread(target=runner.run, args=[ended.wait()])
        thread.start()
        relay = Relay(platform, loop)
        try:
            relay.mend()
            yield relay
        finally:
            relay.close()
            loop.call_soon_threadsafe(ended.set)
            thread.join()
