"""What runs share, made by one of two processes on one journal: who may write of it, and from when it is used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random

import anyio

from engine import Engine, Hit, InDoubt, Item, Receipt, Rejected, View, Workflow
from engine.api import LOCAL
from engine.identity import run_id
from engine.journal.memory import MemoryJournal, MemoryStore
from engine.model import RunState, RunStatus
from engine.pacing import Pacing
from tests.engine.objects import Objects
from tests.engine.things import Inputs
from tests.engine.virtual import Clock
from tests.pacing.virtual_time import clock, in_virtual_time

SETTLE = 120.0
LONG = 10_000.0
"""Seconds in which everything that was begun comes to its end."""


class Lake(Objects):
    """What all runs share. `losing`: the next request comes to nothing, `answerless`: its answer is lost, `made`: one
    was answered, `refusing`: none is made any more. Lists show nothing until `listed`, and from then on also what was
    deleted."""

    kind = family = "lake"

    def __init__(self, there: dict[str, View], deleted: list[str]) -> None:
        super().__init__(there, deleted)
        self.answerless, self.listed, self.made, self.refusing = False, 0.0, anyio.Event(), False

    async def create(self, body: str, send_within: float) -> Receipt:
        if self.refusing:
            raise Rejected("no more lakes")
        if self.losing:
            self.losing = False
            raise InDoubt("no answer")
        receipt = await super().create(body, send_within)
        if self.answerless:
            self.answerless = False
            raise InDoubt("no answer")
        self.made.set()
        return receipt

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        lakes = [view for view in self.there.values() if view.id.startswith(self.kind) and view.name in names]
        return [Hit(id=view.id, name=view.name) for view in lakes if clock() >= self.listed]


chain = Workflow("chain", inputs=Inputs)


@chain.step(Lake, shared="lake")
def lake() -> str:
    return "lake"


@chain.step(Objects)
def above(lake: Receipt) -> str:
    return lake.id


class Place:
    """A platform, and a journal that several processes may open."""

    def __init__(self) -> None:
        self.there, self.deleted = dict[str, View](), list[str]()
        self.lake = Lake(self.there, self.deleted)
        self.store = MemoryStore(exclusive=False, rng=Random(1))

    @asynccontextmanager
    async def _open(self, *_: object, **__: object) -> AsyncIterator[MemoryJournal]:
        journal = self.store.open(Clock())
        yield journal
        journal.close()

    async def run(self, *items: Item, lingers: float = 0.0, refresh: bool = False) -> Mapping[RunStatus, int]:
        """Run these in a process of their own, which lives on for so many seconds."""
        async with Engine(
            "", workflows=[chain], resources=[self.lake, Objects(self.there, self.deleted)], settle=SETTLE,
            gate=Pacing(boot=clock, rng=Random(1)), clock=Clock(), rng=Random(1), opener=self._open, refresh=refresh,
        ) as engine:  # fmt: skip
            counts = await engine.run((await engine.register(LOCAL, [items])).batch)
            await anyio.sleep(lingers)
            return counts

    def shared(self) -> RunState:
        """What the journal says of the lake."""
        contents = self.store.contents
        return contents.runs[contents.keys[run_id(chain.name, LOCAL, "lake", shared=True)]]

    def known(self) -> list[str]:
        """The ids of its receipt."""
        return [receipt.id for receipt in self.shared().receipts.values()]

    def lakes(self) -> list[str]:
        """The ids of what there is."""
        return [id for id in self.there if id.startswith("lake") and id not in self.deleted]


def item(source: str, previously: str | None = None) -> Item:
    return Item(workflow=chain, source=source, inputs=Inputs(), previously=previously)


RENAMED = item("renamed", previously="before")
"""A new run that had another name, so that another journal may know it, and what it shares (rule 7)."""


def test_what_a_living_process_has_finished_stays_its_own() -> None:
    async def main() -> tuple[Mapping[RunStatus, int], bool]:
        place = Place()
        async with anyio.create_task_group() as processes:
            processes.start_soon(lambda: place.run(item("first"), lingers=LONG))
            await anyio.sleep(1)
            before = place.shared()
            ended = await place.run(item("second"))
            processes.cancel_scope.cancel()
        return ended, place.shared() == before

    assert in_virtual_time(main) == ({RunStatus.DONE: 1}, True)


def test_who_doubts_what_a_living_process_has_finished_takes_it_over_before_it_makes_another() -> None:
    async def main() -> tuple[bool, list[str], list[str]]:
        place = Place()
        async with anyio.create_task_group() as processes:
            processes.start_soon(lambda: place.run(item("first"), lingers=LONG))
            await anyio.sleep(1)
            before = place.shared()
            place.deleted += place.lakes()
            assert await place.run(RENAMED) == {RunStatus.DONE: 1}
            after = place.shared()
            processes.cancel_scope.cancel()
        return after.owner != before.owner and after.epoch > before.epoch, place.known(), place.lakes()

    taken, known, there = in_virtual_time(main)
    assert (taken, known, len(there)) == (True, there, 1)


def test_what_a_living_process_still_looks_after_is_not_made_anew_under_it() -> None:
    async def main() -> tuple[list[str], list[str]]:
        place = Place()
        place.lake.losing, place.lake.listed = True, 400.0
        async with anyio.create_task_group() as processes:
            processes.start_soon(lambda: place.run(item("first"), lingers=LONG))
            await place.lake.made.wait()  # sent again without proof, and not listed yet
            await anyio.sleep(1)
            place.deleted += place.lakes()
            await place.run(RENAMED)
            await anyio.sleep(600)
            processes.cancel_scope.cancel()
        return place.known(), place.lakes()

    known, there = in_virtual_time(main)
    assert (known, len(there)) == (there, 1)


def test_whoever_shares_what_was_made_twice_is_told() -> None:
    async def main() -> tuple[list[Mapping[RunStatus, int]], list[str], list[str]]:
        place, items = Place(), [item("first"), item("second")]
        place.lake.answerless, place.lake.listed = True, 200.0
        ended = [await place.run(*items) for _ in range(2)]
        place.deleted.append(place.lakes()[0])
        ended.append(await place.run(*items))
        return ended, place.known(), place.lakes()

    ended, known, there = in_virtual_time(main)
    assert ended == [{RunStatus.IN_DOUBT: 2}, {RunStatus.IN_DOUBT: 2}, {RunStatus.DONE: 2}]
    assert known == there


def test_what_is_not_proven_yet_is_not_used_by_another_process_either() -> None:
    async def main() -> tuple[list[Mapping[RunStatus, int]], list[str]]:
        place, ended = Place(), list[Mapping[RunStatus, int]]()
        place.lake.answerless, place.lake.listed = True, 400.0

        async def run(source: str) -> None:
            ended.append(await place.run(item(source)))

        async with anyio.create_task_group() as processes:
            processes.start_soon(run, "first")
            await place.lake.made.wait()
            processes.start_soon(run, "second")
        return ended, [id for id in place.there if id.startswith("thing")]

    assert in_virtual_time(main) == ([{RunStatus.IN_DOUBT: 1}] * 2, [])


def test_a_source_tells_of_the_shared_step_that_was_refused() -> None:
    """It is asked for before the source's own steps are compared: no step of the source is to blame."""

    async def main() -> str:
        place = Place()
        assert await place.run(item("first")) == {RunStatus.DONE: 1}
        place.deleted += place.lakes()
        place.lake.refusing = True
        assert await place.run(item("first"), refresh=True) == {RunStatus.FAILED: 1}
        contents = place.store.contents
        failure = contents.runs[contents.keys[run_id(chain.name, LOCAL, "first")]].failure
        return failure.message if failure else ""

    assert in_virtual_time(main) == "lake: shared lake: no more lakes"
