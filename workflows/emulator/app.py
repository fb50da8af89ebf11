"""The ASGI application: finds the route, lets the faults have their way, calls the handler, keeps the books.

Handlers are plain functions: a request takes effect in one piece, between two awaits, whatever becomes of its client.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from workflows.emulator import control
from workflows.emulator.books import Books
from workflows.emulator.chaos import Chaos
from workflows.emulator.config import EmulatorConfig
from workflows.emulator.errors import Problem, platform, trouble
from workflows.emulator.faults import Faults, Rule
from workflows.emulator.gateway import authorise, enter
from workflows.emulator.http import Call, Reply, Route, answer
from workflows.emulator.services import ROUTERS, connections, prepare
from workflows.emulator.wire import gone, reset
from workflows.emulator.world import Platform

QUESTION = b"{ }"
"""What `headway doctor` sends to learn whether it might create, and no serialiser does: no mistake when refused."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class _Line:
    """The connection that a request came over."""

    scope: Scope
    receive: Receive
    send: Send

    async def answer(self, reply: Reply, request_id: str) -> None:
        headers = [*reply.headers, (b"x-request-id", request_id.encode()), (b"date", _date(int(time.time())))]
        if reply.status != 204:
            headers.append(_length(len(reply.body)))
        await self.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": reply.body})

    async def truncate(self, reply: Reply) -> None:
        """Promise the whole answer, send half of it, hang up."""
        headers = [*reply.headers, _length(max(2, len(reply.body)))]
        await self.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        half = reply.body[: len(reply.body) // 2]
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        self.scope["transport"].close()
        await gone(self.receive)

    async def reset(self) -> None:
        reset(self.scope["transport"])
        await gone(self.receive)


class Emulator:
    """One emulated platform as an ASGI application."""

    def __init__(self, config: EmulatorConfig) -> None:
        self.config = config
        seed = config.faults.seed
        self.seed = secrets.randbelow(2**32) if seed is None else seed
        self._request_ids = random.Random(f"requests {self.seed}")
        self._late: set[asyncio.Task[None]] = set()
        self._starts = 0
        self._ended = asyncio.Event()
        self._control = control.Control(self).app()
        self._begin(config.faults)

    def _begin(self, faults: Faults) -> None:
        self._starts += 1
        books = Books(self.config.premature_grace)
        self.chaos = Chaos(faults, self.seed, books)
        self.platform = Platform(self.config, f"{self.seed} {self._starts}", books, self.chaos.index_lag)
        prepare(self.platform)

    def restart(self) -> None:
        """An empty platform and new books; tokens stay valid and faults in force, late effects are dropped."""
        self._drop_late()
        before = self.platform
        self._begin(self.chaos.faults)
        self.platform.tokens = before.tokens

    def end(self) -> None:
        """Let nothing wait any longer: what sleeps in the gateway goes on, late effects are dropped."""
        self._ended.set()
        self._drop_late()

    def _drop_late(self) -> None:
        for task in self._late:
            task.cancel()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["path"].startswith(control.PREFIX):
            await self._control(scope, receive, send)
            return
        call = Call(
            id=f"{self._request_ids.getrandbits(128):032x}",
            method=scope["method"],
            raw_path=scope["raw_path"],
            query=scope["query_string"],
            headers=dict(scope["headers"]),
        )
        call.platform = self.platform
        body = await _body(receive)
        if body is None:
            return
        call.body = body
        call.arrived = time.time()
        _locate(call)
        chaos, line = self.chaos, _Line(scope, receive, send)
        self.platform.books.request(call.service, call.method, call.path, call.org)
        chaos.inside[call.service] += 1
        try:
            await self._serve(call, line)
        finally:
            chaos.inside[call.service] -= 1

    async def _serve(self, call: Call, line: _Line) -> None:
        chaos = self.chaos
        seconds = chaos.wait()
        if seconds:
            await self._pause(seconds)
        outage = chaos.outage(call.service)
        if outage is not None and outage.reset:
            await line.reset()
            return
        try:
            if outage is not None:
                raise trouble(503, call.service, retry_after=outage.retry_after)
            chaos.admit(call)
            route = _route(call)
        except Problem as problem:
            await line.answer(self._refusal(call, problem), call.id)
            return
        rule = chaos.draw(call, route.op)
        if rule is None:
            await line.answer(self._process(call, route), call.id)
        else:
            await self._disturb(rule, call, route, line)

    def _process(self, call: Call, route: Route) -> Reply:
        """Let a request take effect, and say what is to be answered."""
        self.chaos.look(call)
        try:
            if call.service != "ims":
                enter(self.platform, call, authorise(self.platform, call), route)
            return route.handler(call)
        except Problem as problem:
            return self._refusal(call, problem)

    def _refusal(self, call: Call, problem: Problem) -> Reply:
        books = self.platform.books
        if problem.blame == "client":
            if call.body != QUESTION:
                books.mistake(call.method, call.path, problem.status, problem.code, problem.detail)
        elif problem.blame != "platform":
            books.conflicts[problem.code] += 1
        reply = answer(problem.body(call.id, older=self.config.older_errors), problem.status)
        if problem.retry_after is not None:
            seconds = math.ceil(problem.retry_after)
            until = formatdate(time.time() + seconds, usegmt=True) if problem.as_date else str(seconds)
            reply.headers.append((b"retry-after", until.encode()))
            # an HTTP date has whole seconds: it may end up to one second earlier
            books.pause(call.service, call.org, seconds - time.time() % 1 if problem.as_date else seconds)
        return reply

    async def _disturb(self, rule: Rule, call: Call, route: Route, line: _Line) -> None:
        """Carry out a fault."""
        if rule.kind == "expire":
            self.platform.expire_tokens()
        if rule.kind == "late":
            await self._late_effect(rule, call, route, line)
            return
        if rule.kind == "delay":
            await self._pause(self.chaos.delay(rule))
        unaffected = rule.kind in {"status", "reset", "hang"} and not rule.after
        reply = Reply() if unaffected else self._process(call, route)
        if rule.kind in {"status", "echo"}:
            reply = self._refusal(call, _trouble(rule, call))
        if rule.kind == "reset":
            await line.reset()
        elif rule.kind == "hang":
            await gone(line.receive)
        elif rule.kind == "truncate":
            await line.truncate(reply)
        else:
            if rule.kind == "empty":
                reply.body = b""
            elif rule.kind == "malformed":
                reply.body = b"<html><body>upstream error</body></html>"
            await line.answer(reply, call.id)

    async def _late_effect(self, rule: Rule, call: Call, route: Route, line: _Line) -> None:
        effect = asyncio.create_task(self._later(self.chaos.delay(rule), call, route))
        self._late.add(effect)
        effect.add_done_callback(self._late.discard)
        if rule.cut is not None:
            await self._pause(rule.cut)
        else:
            client = asyncio.create_task(gone(line.receive))
            await asyncio.wait({effect, client}, return_when=asyncio.FIRST_COMPLETED)
            client.cancel()
        await line.reset()

    async def _later(self, seconds: float, call: Call, route: Route) -> None:
        await asyncio.sleep(seconds)
        self._process(call, route)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when the client went before it had sent it."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


def _trouble(rule: Rule, call: Call) -> Problem:
    if rule.kind == "echo":
        return connections.echo(call, rule.status)
    return trouble(rule.status, call.service, retry_after=rule.retry_after, as_date=rule.date)


def _locate(call: Call) -> None:
    """Find out which service a path belongs to, and what it says below it."""
    segments = call.segments
    if segments[:2] == ["data", "foundation"] and len(segments) > 2 and segments[2] in ROUTERS:
        call.service, call.segments = segments[2], segments[3:]
    elif segments[:1] == ["ims"]:
        call.service, call.segments = "ims", segments[1:]


def _route(call: Call) -> Route:
    router = ROUTERS.get(call.service)
    if router is None:
        raise platform(404, f"No such resource: {call.path}")
    return router.find(call)


def _length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", str(size).encode()
