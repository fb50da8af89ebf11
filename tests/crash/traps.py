"""Traps: where a process stops itself, without the product knowing.

A point is `WHAT:MOMENT`; the product has no hooks, so each trap wraps the function that the product calls there.

| what | moments |
| --- | --- |
| `intent`, `receipt`: a record with one | `before` it is handed to the journal, `after` it is durable |
| `pause`: what a service asked for | `after` it is durable |
| `commit`: any transaction of the journal | `before` COMMIT, `inside` it (while it syncs), `after` it |
| `POST`, `PATCH` (signing), `DELETE` | `leaving`: before the last check; `sent`: no answer is there; `answered` |
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from signal import SIGKILL
from typing import Any

import httpx
from sqlalchemy import Engine, event

from engine.journal.postgres import PostgresPlace
from engine.journal.sql_journal import SqlJournal
from engine.journal.sqlite import SqlitePlace
from engine.model import Record, RunStatus, StepStatus
from workflows.aep import AepClient, transport
from workflows.aep.connection import Connection, Reply

IN_FLIGHT = 0.03
"""Seconds from the last byte of a request to its `sent` trap; less than the platform takes to answer."""
SYNC = 0.003
"""Seconds that a commit may take at most, of which a part has passed when the `inside` trap goes off."""

WRITES = ("intent:before", "intent:after", "receipt:before", "receipt:after")
COMMITS = ("commit:before", "commit:inside", "commit:after")
SENDS = ("POST:leaving", "POST:sent", "POST:answered")
POINTS = WRITES + COMMITS + SENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """The `nth` time that a process comes to `point`, it sends itself `number`, by default SIGKILL.

    Times are counted once so many `shared` steps have their receipts: another process waits for those of one that is
    frozen and thus lives.
    """

    point: str
    nth: int = 1
    number: int = SIGKILL
    shared: int = 0


class _Armed:
    """A trap that counts."""

    def __init__(self, trap: Trap) -> None:
        self.trap, self.count, self.shared = trap, 0, set[str]()

    def step_on(self) -> bool:
        """Whether this is the time."""
        if len(self.shared) < self.trap.shared:
            return False
        self.count += 1
        return self.count == self.trap.nth

    def spring(self) -> None:
        os.kill(os.getpid(), self.trap.number)

    def __call__(self) -> None:
        if self.step_on():
            self.spring()


def arm(trap: Trap) -> None:
    """Set a trap in this process."""
    what, moment = trap.point.split(":")
    armed = _Armed(trap)
    if trap.shared:
        _count_shared(armed)
    if what == "commit":
        _on_commit(armed, moment)
    elif what == "pause":
        _after(SqlJournal, "pause", armed)
    elif what in ("intent", "receipt"):
        _on_record(armed, moment, has_intent if what == "intent" else has_receipt)
    else:
        _on_request(armed, moment, what)


def has_intent(record: Record) -> bool:
    """Whether a request may leave once this is durable."""
    return any(step.status is StepStatus.INTENT and step.receipt is None for step in record.steps)


def has_receipt(record: Record) -> bool:
    """Whether a step gets its receipt by this."""
    return any(step.receipt is not None for step in record.steps)


def _count_shared(armed: _Armed) -> None:
    inner = SqlJournal.write

    async def write(self: SqlJournal, record: Record) -> None:
        await inner(self, record)
        if record.run.shared and record.run.status is RunStatus.DONE:
            armed.shared.add(record.run.source)

    setattr(SqlJournal, "write", write)  # noqa: B010 - as below


def _on_record(armed: _Armed, moment: str, wanted: Callable[[Record], bool]) -> None:
    inner = SqlJournal.write

    async def write(self: SqlJournal, record: Record) -> None:
        if moment == "before" and wanted(record):
            armed()
        await inner(self, record)
        if moment == "after" and wanted(record):
            armed()

    setattr(SqlJournal, "write", write)  # noqa: B010 - the wrapped method has the same signature


def _on_commit(armed: _Armed, moment: str) -> None:
    if moment == "after":
        for place in (SqlitePlace, PostgresPlace):
            _after(place, "transact", armed)
        return

    def committing(_connection: Any) -> None:
        if moment == "before":
            armed()
        elif armed.step_on():
            threading.Timer(random.Random().uniform(0, SYNC), armed.spring).start()

    event.listen(Engine, "commit", committing)


def _after(owner: type[Any], name: str, armed: _Armed) -> None:
    inner = getattr(owner, name)

    async def call(*arguments: Any, **named: Any) -> Any:
        result = await inner(*arguments, **named)
        armed()
        return result

    setattr(owner, name, call)


def _on_request(armed: _Armed, moment: str, method: str) -> None:
    on = {"leaving": _on_leaving, "sent": _on_sent, "answered": _on_answer}
    on[moment](armed, method)


def _on_leaving(armed: _Armed, method: str) -> None:
    """Just before the transport asks for the last time whether the request may leave."""
    inner = transport._departs  # noqa: SLF001 - the product has no hooks

    def departs(request: httpx.Request) -> Callable[[], float]:
        ask = inner(request)

        def asked() -> float:
            if request.method == method and request.url.path.startswith("/data/"):
                armed()
            return ask()

        return asked

    setattr(transport, "_departs", departs)  # noqa: B010 - as above


def _on_sent(armed: _Armed, method: str) -> None:
    inner, line = Connection.exchange, f"{method} /data/".encode()

    async def exchange(self: Connection, request: bytes, **bounds: float) -> Reply:
        if request.startswith(line) and armed.step_on():
            asyncio.get_running_loop().call_later(IN_FLIGHT, armed.spring)
        return await inner(self, request, **bounds)

    setattr(Connection, "exchange", exchange)  # noqa: B010 - as above


def _on_answer(armed: _Armed, method: str) -> None:
    inner = AepClient.effect

    async def effect(self: AepClient, verb: str, *arguments: Any, **named: Any) -> Any:
        try:
            return await inner(self, verb, *arguments, **named)
        finally:
            if verb == method:
                armed()

    setattr(AepClient, "effect", effect)  # noqa: B010 - as above
