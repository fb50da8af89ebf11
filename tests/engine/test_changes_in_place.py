"""Changing in place is an effect: no stale read makes an object other than the manifest says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import orjson

from engine import Conflict, Engine, Json, Receipt, Workflow
from engine.model import replace, value
from engine.resource import Change, View
from tests.engine import objects
from tests.engine.objects import Objects, Titled
from tests.pacing.virtual_time import in_virtual_time


@value
class Inputs:
    """Of a run: what its object is to say."""

    says: str


class Notes(Objects):
    """What they say can be changed. `stale`: how many reads show what was before the last change. Whose change meets
    another state than it asks for is stopped."""

    kind = "note"

    def __init__(self, there: dict[str, View], deleted: list[str]) -> None:
        super().__init__(there, deleted)
        self.before: dict[str, View] = {}
        self.stale = 0
        self.stop = lambda: None

    async def create(self, body: str, send_within: float) -> Receipt:
        receipt = await super().create(body, send_within)
        self.there[receipt.id] = replace(self.there[receipt.id], etag="1")
        return replace(receipt, etag="1")

    async def read(self, id: str) -> View | None:
        stale = self.stale > 0
        self.stale -= stale
        return self.before[id] if stale else await super().read(id)

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        return [replace(change, in_place=True) for change in super().changes(before, after, now) if change.path == "of"]

    def condition(self, view: View) -> str:
        return view.etag or ""

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:  # noqa: ARG002
        return body

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:  # noqa: ARG002
        old, sent = self.there[view.id], orjson.loads(amendment)
        if view.etag != old.etag:
            self.stop()
            raise Conflict("changed")
        etag = str(int(old.etag or 0) + 1)
        self.before[view.id] = old
        self.there[view.id] = replace(old, etag=etag, content={"name": old.name, "of": sent["of"]})
        return Receipt(id=view.id, etag=etag)


class Below(Objects):
    """What refers to a note."""

    kind = "below"


chain = Workflow("chain", inputs=Inputs, sentinels=("target",))


@chain.step(Titled)
def target(inputs: Inputs) -> str:  # noqa: ARG001
    return "target"


@chain.step(Notes)
def note(inputs: Inputs, target: Receipt) -> str:  # noqa: ARG001
    return inputs.says


@chain.step(Below)
def below(inputs: Inputs, note: Receipt) -> str:  # noqa: ARG001
    return note.id


class Person(objects.Person):
    """Somebody whose manifest changes."""

    def __init__(self) -> None:
        super().__init__(chain, Titled, Notes, Below)
        self.notes = cast("Notes", self.kinds[Notes])

    def engine(self, *, refresh: bool = False) -> Engine:
        engine = super().engine(refresh=refresh)
        self.notes.stop = engine.stop
        return engine


def test_a_stale_read_on_which_nothing_could_be_changed_is_not_believed_later() -> None:
    async def main() -> Json:
        person = Person()
        person.kinds[Below].refusing = True  # so the run does not come to its end, and may still have any of its inputs
        for says, stale in (("a", 0), ("b", 0), ("c", 1), ("a", 1)):
            person.notes.stale = stale
            await person.apply(Inputs(says=says))
        [note] = person.live("note")
        return person.there[note].content

    content = cast("dict[str, Json]", in_virtual_time(main))
    assert content["of"] == "a"
