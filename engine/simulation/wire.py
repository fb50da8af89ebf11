"""The client of a simulated process, and the wire before it: what waits there leaves within its send window, or never.

A request whose permit was given and whose intent is durable may still wait, for a place on the wire, a name, a
handshake. So the window is looked at where the request leaves, in the same breath (rule 1), as by the real transport.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import TYPE_CHECKING, cast

from engine.simulation.platform import Answer, Request
from engine.simulation.weather import TIMEOUT

if TYPE_CHECKING:
    from engine.simulation.process import Process

FAMILY = "platform"
"""All that is sent is of one service."""
READS = frozenset({"GET", "LIST"})

Send = Callable[[Request, float], Awaitable[tuple[Answer, float]]]
"""Sends one request that leaves within so many seconds or never; its answer, and when it left (boot clock)."""


class Wire:
    """The wire of one process."""

    def __init__(self, process: Process) -> None:
        self.process, self.world = process, process.world
        self._rng = self.world.stream(f"wire {process.name}")

    async def send(self, request: Request, within: float = inf) -> tuple[Answer, float]:
        """See `Send`. The answer is `late` if it never left; it is given up after `TIMEOUT`, and what the request does
        on the platform goes on."""
        process = self.process
        if process.dead:
            raise asyncio.CancelledError
        if request.verb == "POST":
            process.operator.watch.handed(request)
        left = await self._departed(request, process.clock.boot() + within)
        return (("late",) if left is None else await self._answered(request)), left or 0.0

    async def _departed(self, request: Request, until: float) -> float | None:
        """Wait until the request may leave, and say when it does; None: it is too late for it."""
        process, wait = self.process, 0.0
        if self.world.strikes(f"wire {process.name}", self.world.wire_rate):
            wait = self._rng.choice(self.world.weather.wires)
            self.world.fault(process.name, f"wire waits {wait} s: {request}")
        self._stall(request)
        while True:
            await asyncio.sleep(wait)
            now = process.clock.boot()
            wait = process.gate.paused(FAMILY)
            if now + wait > until:
                self.world.say(process.name, f"too late for {request}")
                return None
            if not wait:
                return now

    async def _answered(self, request: Request) -> Answer:
        process, world = self.process, self.world
        future: asyncio.Future[Answer] = world.loop.create_future()

        def first(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)

        world.say(process.name, str(request))
        if process.expired:
            world.fault(process.name, "token expired")
            world.after(0.05, first, ("unauthorised",))
        else:
            process.operator.watch.sent(process, request)
            process.platform.receive(request, first)
            if request.verb not in READS and world.strikes(f"kill {process.name}", world.kill_rate):
                process.crash()
        self._stall(request)
        world.after(TIMEOUT, first, ("in_doubt",))
        answer = await future
        if answer[0] == "not_applied" and answer[1] is not None:
            process.gate.pause(cast("float", answer[1]))
        return answer

    def _stall(self, request: Request) -> None:
        process, world = self.process, self.world
        able = not process.dead and not process.frozen and world.stalls in ("", request.verb)
        if able and world.strikes(f"stall {process.name}", world.stall_rate / 2):
            process.freeze()
