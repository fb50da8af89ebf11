"""What lies under HTTP: a protocol that hands the transport to the app, so that connections can really break."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST and drops what is unsent


class TransportProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the connection's transport in `scope["transport"]`."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]


def reset(transport: asyncio.Transport) -> None:
    """Reset a connection: the client sees ECONNRESET, not an orderly end."""
    handle = transport.get_extra_info("socket")
    if handle is not None and not transport.is_closing():
        with socket.socket(fileno=os.dup(handle.fileno())) as twin:  # uvloop's own socket object takes no options
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()


async def gone(receive: Any) -> None:
    """Wait until the client has gone (or the connection was closed here)."""
    while (await receive())["type"] != "http.disconnect":
        pass
