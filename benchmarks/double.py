"""A platform double that is never what is measured: one process that answers from texts made beforehand.

It checks nothing and keeps only counts, and the schemas: runs look at them again when they last long. `python -m
benchmarks.double` serves until its stdin ends. `--latency` delays every answer, `--rate` is a token bucket for all
requests to all services, beyond which they are answered 429 with `Retry-After` in both forms in turn. `GET /__double`
gives the counts as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import sys
import time
from collections import Counter, deque
from email.utils import formatdate
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import orjson
import uvloop

BURST = 10
"""Requests that the token bucket lets pass at once."""
ON_ITS_WAY = 0.25
"""Seconds that a request may have been on its way when a Retry-After was sent: it left before that could be read."""

SCHEMAS = b" /data/foundation/schemaregistry/tenant/schemas"
BASE_CONNECTION = "GET /data/foundation/flowservice/connections/60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"
NAME = (
    '{"person":{"type":"object","properties":{"name":{"type":"object","properties":{"fullName":{"type":"string"}}}}}}'
)
EMAIL = '{"personalEmail":{"type":"object","properties":{"address":{"type":"string"}}}}'

ANSWERS: dict[str, tuple[int, str]] = {
    "POST /ims/token/v3": (200, '{"access_token":"double","token_type":"bearer","expires_in":86399}'),
    "GET /data/foundation/sandbox-management/": (
        200,
        """{"sandboxes":[{"name":"dev","title":"Dev","state":"active","type":"development","isDefault":true,"eTag":1,
        "createdDate":"2024-01-15 09:30:00"}],"_page":{"limit":100,"count":1},"_links":{}}""",
    ),
    "GET /data/foundation/flowservice/flowSpecs": (
        200,
        """{"items":[{"id":"14518937-270c-4525-bdec-c2ba7cce3860","name":"CRMToAEP","version":"1.0",
        "transformationSpecs":[{"name":"Copy","spec":{"type":"object"}},{"name":"Mapping","spec":{"type":"object"}}],
        "scheduleSpec":{"name":"PeriodicSchedule","type":"Periodic","spec":{"type":"object"}},
        "sourceConnectionSpecIds":["eb13cb25-47ab-407f-ba89-c0125281c563"],
        "targetConnectionSpecIds":["c604ff05-7f1a-43c0-8e18-33bf874cb11c"]}]}""",
    ),
    "GET /data/foundation/flowservice/connections": (200, '{"items":[],"_links":{}}'),
    f"{BASE_CONNECTION}/explore": (
        200,
        """{"format":"flat","schema":{"columns":[
        {"name":"sys_id","type":"string","xdm":{"type":"string"}},
        {"name":"caller_name","type":"string","xdm":{"type":"string"}},
        {"name":"caller_email","type":"string","xdm":{"type":"string"}},
        {"name":"priority","type":"integer","xdm":{"type":"integer"}},
        {"name":"sys_updated_on","type":"string","xdm":{"type":"string","format":"date-time"}}]}}""",
    ),
    BASE_CONNECTION: (
        200,
        """{"items":[{"id":"60a5c8b9-3c30-43ba-a5c8-b93c3093ba66","name":"ServiceNow","state":"enabled",
        "connectionSpec":{"id":"eb13cb25-47ab-407f-ba89-c0125281c563","version":"1.0"}}]}""",
    ),
    **{
        f"GET /data/foundation/schemaregistry/global/{kind}https%3A%2F%2Fns.adobe.com%2Fxdm%2Fcontext%2Fprofile{end}": (
            200,
            f'{{"properties":{fields}}}',
        )
        for kind, end, fields in (
            ("classes/", "", '{"_id":{"type":"string"}}'),
            ("fieldgroups/", "-person-details", NAME),
            ("fieldgroups/", "-personal-details", EMAIL),
        )
    },
    "POST /data/foundation/conversion/mappingSets/validate": (200, '{"validationResponse":[{"status":"SUCCESS"}]}'),
    "POST /data/foundation/conversion/mappingSets": (200, '{"id":"0123456789abcdef0123456@@@@@@@@@","version":0}'),
    "POST /data/foundation/catalog/dataSets": (201, '["@/dataSets/0123456789abcde@@@@@@@@@"]'),
    **{
        f"POST /data/foundation/schemaregistry/tenant/{kind}": (
            201,
            f"""{{"$id":"https://ns.adobe.com/double/{kind}/0123456789abcdef0123456789abcdef012345@@@@@@@@@",
            "meta:altId":"_double.{kind}.0123456789abcdef0123456789abcdef012345@@@@@@@@@","version":"1.0",
            "meta:registryMetadata":{{"eTag":"mqovy2AnRkistdVsp46/sjsoPkU="}}}}""",
        )
        for kind in ("classes", "schemas")
    },
    **{
        f"POST /data/foundation/flowservice/{kind}": (
            201,
            '{"id":"01234567-89ab-4def-8123-456@@@@@@@@@","etag":"\\"e4d81577-0000-0200-0000-6b0a04950000\\""}',
        )
        for kind in ("connections", "sourceConnections", "targetConnections", "flows")
    },
}
"""By method and path; each run of @ in an answer becomes a number that no other answer has."""


def _whole(status: int, body: bytes, *fields: bytes) -> bytes:
    head = (b"HTTP/1.1 %d OK" % status, b"content-type: application/json", b"content-length: %d" % len(body), *fields)
    return b"\r\n".join((*head, b"", body))


class Double:
    """The answers, the token bucket and the counts."""

    def __init__(self, *, latency: float, rate: float) -> None:
        self.latency, self.rate = latency, rate
        self.answers = {key.encode(): _whole(status, text.encode()) for key, (status, text) in ANSWERS.items()}
        self.numbers = itertools.count()
        self.schemas: dict[bytes, bytes] = {}
        self.clear()

    def clear(self) -> None:
        """Counts and bucket as at the start."""
        self.requests: Counter[str] = Counter()
        self.refused = self.premature = self.in_flight = self.most_in_flight = 0
        self.tokens, self.filled = float(BURST), time.monotonic()
        self.pauses: deque[tuple[float, float]] = deque()
        self.arrived: deque[float] = deque()
        self.most_in_a_second = 0
        self.began = self.first = self.last = 0.0

    def answer(self, key: bytes, body: bytes) -> bytes:
        """The whole answer to a request."""
        now = time.monotonic()
        if b" /data/" in key and self.rate and (wait := self._wait(now)):
            self.refused += 1
            return self._refusal(now, wait)
        known = self.answers.get(key)
        if known is None and (made := self.schemas.get(key[-9:])) and key.startswith(b"GET" + SCHEMAS):
            return _whole(200, b'{"$id":"%s",' % unquote_to_bytes(key.rpartition(b"/")[2]) + made[1:])
        if known is None:
            self.requests["unknown " + key.decode()] += 1
            return _whole(404, b"{}")
        self._count(key, now)
        number = b"%09d" % next(self.numbers)
        if key.endswith(SCHEMAS):
            self.schemas[number] = body
        return known.replace(b"@@@@@@@@@", number)

    def _count(self, key: bytes, now: float) -> None:
        self.requests[key.decode()] += 1
        self.began = self.began or now
        if key.startswith(b"POST /data/"):
            self.first, self.last = self.first or now, now

    def _wait(self, now: float) -> float:
        """0, or the seconds until there is a token again."""
        self.tokens = min(float(BURST), self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate

    def _refusal(self, now: float, wait: float) -> bytes:
        """Both forms in turn; both are whole seconds, so that they ask for more than is needed."""
        if self.refused % 2:
            seconds, said = float(math.ceil(wait)), b"%d" % math.ceil(wait)
        else:
            until = math.ceil(time.time() + wait)
            seconds, said = until - time.time(), formatdate(until, usegmt=True).encode()
        self.pauses.append((now + ON_ITS_WAY, now + seconds))
        return _whole(429, b'{"error_code":"429050","message":"Too many requests"}', b"retry-after: " + said)

    def arrive(self, key: bytes) -> None:
        """Note when a request came: within a pause that it must have known of, and how many in one second."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        now = time.monotonic()
        while self.pauses and self.pauses[0][1] <= now:
            self.pauses.popleft()
        if key.startswith(b"POST /data/"):
            self.premature += any(start < now < end for start, end in self.pauses)
            self.arrived.append(now)
            while self.arrived[0] <= now - 1.0:
                self.arrived.popleft()
            self.most_in_a_second = max(self.most_in_a_second, len(self.arrived))

    def account(self) -> dict[str, Any]:
        """The counts."""
        return {
            "requests": dict(self.requests),
            "effects": sum(n for key, n in self.requests.items() if key.startswith("POST /data/")),
            "refused": self.refused,
            "premature": self.premature,
            "most_in_flight": self.most_in_flight,
            "most_in_a_second": self.most_in_a_second,
            "until_first_effect": self.first - self.began,
            "seconds": self.last - self.first,
            "cpu_s": time.process_time(),
        }


class Connection(asyncio.Protocol):
    """One client's connection: requests in, answers out, in order."""

    def __init__(self, double: Double, loop: asyncio.AbstractEventLoop) -> None:
        self.double, self.loop = double, loop
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            size = end + 4
            if (at := head.lower().find(b"\r\ncontent-length:")) >= 0:
                size += int(head[at + 17 :].split(b"\r\n", 1)[0])
            if len(self.buffer) < size:
                return
            body, self.buffer = self.buffer[end + 4 : size], self.buffer[size:]
            self.serve(head.split(b" HTTP/", 1)[0].partition(b"?")[0], body)

    def serve(self, key: bytes, body: bytes) -> None:
        """Answer one request."""
        double = self.double
        if key.endswith(b" /__double"):
            if key.startswith(b"DELETE"):
                double.clear()
            self.transport.write(_whole(200, orjson.dumps(double.account())))
            return
        double.arrive(key)
        if double.latency:
            self.loop.call_later(double.latency, self.reply, key, body)
        else:
            self.reply(key, body)

    def reply(self, key: bytes, body: bytes) -> None:
        """Send the answer, if anybody still wants it."""
        self.double.in_flight -= 1
        answer = self.double.answer(key, body)
        if not self.transport.is_closing():
            self.transport.write(answer)


async def serve(*, port: int, latency: float, rate: float) -> None:
    """Serve until stdin ends; says where as one line of JSON."""
    loop = asyncio.get_running_loop()
    double = Double(latency=latency, rate=rate)
    server = await loop.create_server(lambda: Connection(double, loop), "127.0.0.1", port, backlog=2048)
    where = server.sockets[0].getsockname()
    sys.stdout.write(orjson.dumps({"url": f"http://127.0.0.1:{where[1]}"}).decode() + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--rate", type=float, default=0.0, metavar="REQUESTS", help="per second; 0: any")
    uvloop.run(serve(**vars(parser.parse_args())))
