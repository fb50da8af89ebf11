"""Changing in place is an effect: no stale read makes an object other than the manifest says."""

from __future__ import annotations

from typing import cast

import pytest

from engine import Engine, Json, Receipt, Workflow
from engine.model import RunStatus, replace
from engine.resource import View
from tests.engine import objects
from tests.engine.objects import Changeable, Objects, Says, Titled, chain_of
from tests.pacing.virtual_time import in_virtual_time


class Notes(Changeable):
    """`stale`: how many reads show what was before the last change. Whose change meets another state than it asks for
    is stopped."""

    kind = "note"

    def __init__(self, there: dict[str, View], deleted: list[str]) -> None:
        super().__init__(there, deleted)
        self.before: dict[str, View] = {}
        self.stale = 0
        self.stop = lambda: None

    async def read(self, id: str) -> View | None:
        stale = self.stale > 0
        self.stale -= stale
        return self.before[id] if stale else await super().read(id)

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        old = self.there[view.id]
        if view.etag != old.etag:
            self.stop()
        receipt = await super().amend(view, amendment, send_within)
        self.before[view.id] = old
        return receipt


class Below(Objects):
    """What refers to a note."""

    kind = "below"


class Person(objects.Person):
    """Somebody whose manifest changes."""

    def __init__(self) -> None:
        super().__init__(chain_of(Notes, Below), Titled, Notes, Below)
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
            await person.apply(Says(says=says))
        [note] = person.live("note")
        return person.there[note].content

    content = cast("dict[str, Json]", in_virtual_time(main))
    assert content["of"] == "a"


class Busy(Changeable):
    """Somebody else changes it each time just before our change arrives."""

    kind = "note"
    busy = 0

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        if self.busy:
            self.busy -= 1
            there = self.there[view.id]
            self.there[view.id] = replace(there, etag=f"{there.etag}0")
        return await super().amend(view, amendment, send_within)


@pytest.mark.parametrize(("busy", "says", "ends"), [(3, "b", RunStatus.DONE), (100, "a", RunStatus.FAILED)])
def test_a_change_that_meets_another_is_tried_again_as_often_as_any_request(
    busy: int, says: str, ends: RunStatus
) -> None:
    async def main() -> tuple[Json, RunStatus]:
        person = objects.Person(chain_of(Busy, Below), Titled, Busy, Below)
        person.attempts = 5
        await person.apply(Says(says="a"))
        cast("Busy", person.kinds[Busy]).busy = busy
        status = await person.apply(Says(says="b"))
        [note] = person.live("note")
        return person.there[note].content, status

    content, told = in_virtual_time(main)
    assert (cast("dict[str, Json]", content)["of"], told) == (says, ends)


class Title(Changeable, Titled):
    """A sentinel that changes in place. `stale`: how many reads show what was before the last change."""

    kind = "title"
    stale = 0
    before: View

    async def read(self, id: str) -> View | None:
        stale = self.stale > 0
        self.stale -= stale
        return self.before if stale else await super().read(id)

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        self.before = self.there[view.id]
        return await super().amend(view, amendment, send_within)


def test_a_stale_read_of_the_sentinel_does_not_change_what_the_journal_says_of_it() -> None:
    async def main() -> tuple[RunStatus, str | None, str | None]:
        chain = Workflow("chain", inputs=Says, sentinels=("title",))

        @chain.step(Title)
        def title(inputs: Says) -> str:
            return inputs.says

        @chain.step(Below)
        def below(inputs: Says, title: Receipt) -> str:  # noqa: ARG001
            return title.id

        person = objects.Person(chain, Title, Below)
        person.kinds[Below].refusing = True
        for says in ("a", "b"):
            await person.apply(Says(says=says))
        person.kinds[Below].refusing = False
        cast("Title", person.kinds[Title]).stale = 1
        ended, [id] = await person.apply(Says(says="b")), person.live("title")
        async with person.engine() as engine:
            receipt = (await engine.journal.load(person.id)).steps["title"].receipt
        return ended, receipt and receipt.etag, person.there[id].etag

    assert in_virtual_time(main) == (RunStatus.DONE, "2", "2")
