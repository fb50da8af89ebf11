"""The moment at which a request leaves: asked for when its connection stands, and not later than its window allows."""

from __future__ import annotations

from math import inf

import httpx
import pytest

from tests.aep.support import OK, Clock, Gate, Wire, client_of, once
from workflows.aep import FLOW_SERVICE, WindowClosed, make_transport
from workflows.aep.transport import DEPARTS, Departing


@pytest.mark.parametrize("kind", ["ours", "another"])
async def test_a_request_asks_when_its_connection_stands_and_waits_until_it_may_leave(kind: str) -> None:
    asked: list[tuple[int, int]] = []

    def departs() -> float:
        asked.append((wire.connections, len(wire.requests)))
        return 0.01 if len(asked) < 3 else 0.0

    transport = make_transport(1) if kind == "ours" else Departing(httpx.AsyncHTTPTransport())
    async with Wire(OK) as wire:
        assert (await once(transport, wire.url, **{DEPARTS: departs})).status_code == 200
        assert (len(asked), len(wire.requests), wire.connections) == (3, 1, 1)
        assert asked[1:] == [(int(kind == "ours"), 0)] * 2
    await transport.aclose()


@pytest.mark.parametrize("kind", ["ours", "another"])
async def test_what_may_never_leave_does_not(kind: str) -> None:
    waits = [0.01, inf]
    transport = make_transport(1) if kind == "ours" else Departing(httpx.AsyncHTTPTransport())
    async with Wire(OK) as wire:
        with pytest.raises(WindowClosed):
            await once(transport, wire.url, **{DEPARTS: lambda: waits.pop(0)})
        assert (waits, wire.requests) == ([], [])
        assert (await once(transport, wire.url)).status_code == 200
        assert wire.connections == 1
    await transport.aclose()


async def test_an_effect_does_not_wait_for_what_lies_beyond_its_window() -> None:
    async with Wire(OK) as wire, client_of(wire.url, gate=Gate(waits=[30.0]), clock=Clock()) as client:
        with pytest.raises(WindowClosed):
            await client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}", send_within=5.0)
        assert wire.requests == []


async def test_a_process_that_was_frozen_while_it_connected_does_not_send() -> None:
    class Frozen(Clock):
        """Each look at this clock is four seconds after the one before."""

        def boot(self) -> float:
            self.at += 4.0
            return self.at

    async with Wire(OK) as wire, client_of(wire.url, clock=Frozen()) as client:
        await client.prepare()
        with pytest.raises(WindowClosed):
            await client.effect("POST", FLOW_SERVICE, "/flows", content=b"{}", send_within=3.0)
        assert wire.requests == []
