"""A relay between headway and the platform, which keeps every request that passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-encoding", "content-length", "date", "server"}


@dataclass(slots=True)
class Relay:
    """Where to find it, and what has passed."""

    url: str
    requests: list[httpx.Request] = field(default_factory=list)


@contextmanager
def relaying(to: str) -> Iterator[Relay]:
    """A relay to the platform at `to`."""
    client = httpx.Client(base_url=to, timeout=30)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP | {"host"}}
            request = client.build_request(self.command, f"{to}{self.path}", headers=kept, content=content)
            relayed.requests.append(request)
            answer = client.send(request)
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name.lower() not in HOP_BY_HOP - {"date"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = relay  # noqa: N815 - the library calls them so

        def log_message(self, *_: object) -> None:
            """It is quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    relayed = Relay(url=f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield relayed
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        client.close()
