"""A platform in memory that remembers, and somebody with a journal and a manifest, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import orjson

from engine import Conflict, Engine, Hit, InDoubt, Item, Json, Label, Receipt, Rejected, Resource, View, Workflow
from engine.api import LOCAL
from engine.identity import run_id
from engine.journal.memory import MemoryJournal, MemoryStore
from engine.model import RunStatus, replace, value
from engine.resource import Change
from tests.engine.virtual import Clock
from tests.pacing.virtual_time import clock

THEIRS = "theirs"


class Objects(Resource[str]):
    """A platform. `refusing`, `losing`: the kinds whose next creation is refused, or not answered."""

    kind, family = "thing", "things"

    def __init__(self, there: dict[str, View], deleted: list[str]) -> None:
        self.there, self.deleted = there, deleted
        self.refusing = self.losing = False

    def body(self, spec: str, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name, "note": label.note, "of": spec}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        sent, id = orjson.loads(body), f"{self.kind}-{len(self.there)}"
        taken = next((view.id for view in self._live() if view.name == sent["name"]), None)
        if self.refusing:
            raise Rejected("not today")
        if self.unique and taken:
            raise Conflict("taken", taken)
        content = {"name": sent["name"], "of": sent["of"]}
        self.there[id] = View(id=id, name=sent["name"], note=sent["note"], created=clock(), content=content)
        if self.losing:
            raise InDoubt("no answer")
        return Receipt(id=id)

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        """The content does not show the note."""
        return [change for change in super().changes(before, after, now) if change.path != "note"]

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return [Hit(id=view.id, name=view.name) for view in self._live() if view.name in names]

    async def read(self, id: str) -> View | None:
        return None if id in self.deleted else self.there.get(id)

    async def delete(self, id: str, send_within: float) -> None:  # noqa: ARG002
        self.deleted.append(id)

    def _live(self) -> list[View]:
        return [view for id, view in self.there.items() if id.startswith(self.kind) and id not in self.deleted]


class Titled(Objects):
    """One of which the platform refuses a second, and whose note can be replaced: a sentinel."""

    unique = True

    async def sign(self, view: View, note: str, send_within: float) -> Receipt:  # noqa: ARG002
        signed = View(id=view.id, name=view.name, note=note, created=view.created, content=view.content)
        self.there[view.id] = signed
        return Receipt(id=view.id)


class Changeable(Objects):
    """What one is of can be changed in place, on condition that it is as it was seen."""

    async def create(self, body: str, send_within: float) -> Receipt:
        receipt = await super().create(body, send_within)
        self.there[receipt.id] = replace(self.there[receipt.id], etag="1")
        return replace(receipt, etag="1")

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        return [replace(change, in_place=True) for change in super().changes(before, after, now) if change.path == "of"]

    def condition(self, view: View) -> str:
        return view.etag or ""

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:  # noqa: ARG002
        return body

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:  # noqa: ARG002
        old, sent = self.there[view.id], orjson.loads(amendment)
        if view.etag != old.etag:
            raise Conflict("changed")
        etag = str(int(old.etag or 0) + 1)
        self.there[view.id] = replace(old, etag=etag, content={"name": old.name, "of": sent["of"]})
        return Receipt(id=view.id, etag=etag)


@value
class Says:
    """Inputs of a run: what the object below its target is to say."""

    says: str = ""


def chain_of(middle: type[Objects], last: type[Objects]) -> Workflow[Says]:
    """A titled target, below it what says what the inputs say, and what refers to that."""
    chain = Workflow("chain", inputs=Says, sentinels=("target",))

    @chain.step(Titled)
    def target(inputs: Says) -> str:  # noqa: ARG001
        return "target"

    @chain.step(middle, name="middle")
    def saying(inputs: Says, target: Receipt) -> str:  # noqa: ARG001
        return inputs.says

    @chain.step(last)
    def referring(inputs: Says, middle: Receipt) -> str:  # noqa: ARG001
        return middle.id

    return chain


class Person:
    """Somebody with a journal and a manifest that changes."""

    attempts = 1

    def __init__(self, workflow: Workflow[Any], *kinds: type[Objects]) -> None:
        self.there, self.deleted = {THEIRS: View(id=THEIRS, name="t", note="by hand", created=0.0)}, list[str]()
        self.kinds = {kind: kind(self.there, self.deleted) for kind in kinds}
        self.store, self.workflow = MemoryStore(rng=Random(1)), workflow
        self.id = run_id(workflow.name, LOCAL, "one")

    @asynccontextmanager
    async def _open(self, *_: object, **__: object) -> AsyncIterator[MemoryJournal]:
        journal = self.store.open(Clock())
        yield journal
        journal.close()

    def engine(self, *, refresh: bool = False) -> Engine:
        return Engine(
            "", workflows=[self.workflow], resources=self.kinds.values(), clock=Clock(), rng=Random(1),
            opener=self._open, replace=True, refresh=refresh, max_attempts=self.attempts,
        )  # fmt: skip

    async def apply(self, inputs: Any, *, refresh: bool = False) -> RunStatus:
        async with self.engine(refresh=refresh) as engine:
            items = [Item(workflow=self.workflow, source="one", inputs=inputs)]
            await engine.run((await engine.register(LOCAL, [items])).batch)
            return (await engine.journal.load(self.id)).status

    def live(self, kind: str) -> list[str]:
        return [id for id in self.there if id.startswith(kind) and id not in self.deleted]
