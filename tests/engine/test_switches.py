"""Switching off and on is an effect: no stale read, late request or older journal makes it other than people said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import orjson
import pytest

from engine import Engine, InDoubt, Item, Receipt, Workflow
from engine.api import LOCAL
from engine.errors import Conflict
from engine.identity import run_id
from engine.journal.memory import MemoryJournal, MemoryStore
from engine.model import Json, RunStatus, value
from engine.resource import SWITCH, Change, Hit, Label, Resource, View
from tests.engine import things
from tests.engine.virtual import Clock
from tests.pacing.virtual_time import clock, in_virtual_time

SETTLE = 120.0
LATE = 50.0
"""Seconds that a late request waits in the gateway, of the sixty that it may."""


@value
class Inputs:
    """Of a run: what cannot be changed in place."""

    table: int = 0


@dataclass(kw_only=True, eq=False)
class Flow:
    """One object: whether it is on, as often as that was changed."""

    id: str
    name: str
    body: Json
    states: list[bool] = field(default_factory=lambda: [True])
    gone: bool = False

    def view(self, version: int) -> View:
        """As it was at some time."""
        on, now = self.states[version], len(self.states) + version + 1
        return View(id=self.id, name=self.name, note="", created=0.0, etag=str(now), left=clock(), content=self.body,
                    data={SWITCH: on})  # fmt: skip


class Flows(Resource[int]):
    """A platform of flows. `stale`: how many reads show what was before the last change; `late`: how many switches are
    done late, and not answered. Whose switch meets another state than it asks for is stopped."""

    kind, family = "flow", "flows"

    def __init__(self) -> None:
        self.flows: list[Flow] = []
        self.stale = self.late = 0
        self.stop = lambda: None

    @property
    def on(self) -> bool:
        """Of the one that lives."""
        [alive] = [flow for flow in self.flows if not flow.gone]
        return alive.states[-1]

    def body(self, spec: int, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name, "table": spec}

    def differences(self, body: Json, view: View) -> Sequence[Change]:  # type: ignore[override]
        return self.changes(view.content, body, 0.0)

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        sent = orjson.loads(body)
        self.flows.append(Flow(id=f"flow-{len(self.flows)}", name=sent["name"], body=sent))
        return Receipt(id=self.flows[-1].id, etag="1", data={SWITCH: True})

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return [Hit(id=flow.id, name=flow.name) for flow in self.flows if flow.name in names and not flow.gone]

    async def read(self, id: str) -> View | None:
        flow = self._flow(id)
        stale = self.stale > 0 and len(flow.states) > 1
        self.stale -= stale
        return None if flow.gone else flow.view(-2 if stale else -1)

    async def delete(self, id: str, send_within: float) -> None:  # noqa: ARG002
        self._flow(id).gone = True

    async def switch(self, view: View, on: bool, send_within: float) -> Receipt:  # noqa: ARG002
        if self.late:
            self.late -= 1
            asyncio.get_running_loop().call_later(LATE, self._switch, view, on)
            self.stop()
            raise InDoubt("no answer")
        if not self._switch(view, on):
            self.stop()
            raise Conflict("changed")
        return Receipt(id=view.id, etag=str(len(self._flow(view.id).states)))

    def _switch(self, view: View, on: bool) -> bool:
        flow = self._flow(view.id)
        fits = view.etag == str(len(flow.states)) and not flow.gone
        if fits and flow.states[-1] is not on:
            flow.states.append(on)
        return fits

    def _flow(self, id: str) -> Flow:
        return next(flow for flow in self.flows if flow.id == id)


chain = Workflow("chain", inputs=Inputs, sentinels=("title",))


@chain.step(things.Titled)
def title(inputs: Inputs) -> things.Spec:  # noqa: ARG001
    return things.Spec()


@chain.step(Flows)
def flow(inputs: Inputs, title: Receipt) -> int:  # noqa: ARG001
    return inputs.table


class Person:
    """Somebody with a journal, who runs one command after the other, each in a process of its own."""

    def __init__(self) -> None:
        self.platform, self.titled = Flows(), things.Titled()
        self.store, self.ids = MemoryStore(rng=Random(1)), [run_id("chain", LOCAL, "one")]

    @asynccontextmanager
    async def _open(self, *_: object, **__: object) -> AsyncIterator[MemoryJournal]:
        journal = self.store.open(Clock())
        yield journal
        journal.close()

    def engine(self) -> Engine:
        engine = Engine(
            "", workflows=[chain], resources=[self.platform, self.titled], settle=SETTLE, clock=Clock(), rng=Random(1),
            opener=self._open, replace=True,
        )  # fmt: skip
        self.platform.stop = engine.stop
        return engine

    async def run(self, table: int = 0) -> None:
        async with self.engine() as engine:
            registered = await engine.register(
                LOCAL, [[Item(workflow=chain, source="one", inputs=Inputs(table=table))]]
            )
            await engine.run(registered.batch)
            assert (await engine.journal.load(*self.ids)).status is RunStatus.DONE

    async def switch(self, *, on: bool, stopped: bool = False) -> None:
        async with self.engine() as engine:
            counts = await engine.switch(self.ids, on=on)
            assert counts[RunStatus.DONE] == (not stopped)


def test_what_is_paused_can_be_unpaused_at_once_though_a_read_shows_it_as_it_was() -> None:
    async def main() -> bool:
        person = Person()
        await person.run()
        await person.switch(on=False)
        person.platform.stale = 1
        await person.switch(on=True)
        return person.platform.on

    assert in_virtual_time(main) is True


def test_a_stale_read_on_which_nothing_could_be_done_is_not_believed_later() -> None:
    async def main() -> bool:
        person = Person()
        await person.run()
        await person.switch(on=False)
        person.platform.stale = 1
        await person.switch(on=False, stopped=True)
        person.platform.stale = 1
        await person.switch(on=True)
        return person.platform.on

    assert in_virtual_time(main) is True


def test_a_pause_that_comes_late_does_not_undo_the_unpause_that_followed_it() -> None:
    async def main() -> bool:
        person = Person()
        await person.run()
        person.platform.late = 1
        await person.switch(on=False, stopped=True)
        await person.switch(on=True)
        await asyncio.sleep(LATE)
        return person.platform.on

    assert in_virtual_time(main) is True


@pytest.mark.parametrize("on", [False, True])
def test_an_older_journal_does_not_undo_what_was_switched_since(*, on: bool) -> None:
    async def main() -> tuple[bool, bool]:
        person = Person()
        await person.run()
        if on:
            await person.switch(on=False)
        older = person.store.snapshot()
        await person.switch(on=on)
        person.store.restore(older)
        await person.run()
        there = person.platform.on
        await person.run(table=1)
        return there, person.platform.on

    assert in_virtual_time(main) == (on, on)


def test_an_older_journal_can_pause() -> None:
    async def main() -> bool:
        person = Person()
        await person.run()
        person.store.restore(person.store.snapshot())
        await person.switch(on=False)
        return person.platform.on

    assert in_virtual_time(main) is False
