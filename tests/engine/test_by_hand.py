"""What somebody does by hand while a run is half done: the run comes to its end all the same, and leaves nothing."""

from __future__ import annotations

from typing import cast

import pytest

from engine import NotReady, Receipt, Rejected, Workflow
from engine.model import RunStatus
from engine.resource import View
from tests.engine import objects
from tests.engine.objects import THEIRS, Objects, Says, Titled, chain_of
from tests.pacing.virtual_time import in_virtual_time


class Stuck(Objects):
    """`refused`: whether its deletion is refused."""

    kind = "stuck"
    refused = False

    async def delete(self, id: str, send_within: float) -> None:
        if self.refused:
            raise Rejected("not today")
        await super().delete(id, send_within)


def test_a_sentinel_that_is_deleted_while_a_replacement_is_half_done_is_made_anew() -> None:
    async def main() -> tuple[list[RunStatus], list[str]]:
        person = objects.Person(chain_of(Objects, Stuck), Titled, Objects, Stuck)
        stuck, ended = cast("Stuck", person.kinds[Stuck]), list[RunStatus]()
        for says, stuck.refused in (("a", False), ("b", True), ("b", False)):
            if len(ended) == 2:
                person.deleted += [id for id, view in person.there.items() if "target" in view.name]
            ended.append(await person.apply(Says(says=says)))
        return ended, [person.there[id].name.split()[1] for id in person.there if id not in (*person.deleted, THEIRS)]

    ended, live = in_virtual_time(main)
    assert ended == [RunStatus.DONE, RunStatus.FAILED, RunStatus.DONE]
    assert sorted(live) == ["middle", "referring", "target"]


class Stale(Titled):
    """A sentinel. `stale`: which of the reads since it was signed shows what was there before."""

    stale = 0
    before: View | None = None

    async def sign(self, view: View, note: str, send_within: float) -> Receipt:
        self.before, self.reads = self.there[view.id], 0
        return await super().sign(view, note, send_within)

    async def read(self, id: str) -> View | None:
        if self.before is not None:
            self.reads += 1
            if self.reads == self.stale:
                return self.before
        return await super().read(id)


@pytest.mark.parametrize("stale", range(1, 7))
def test_a_read_from_before_the_sentinel_was_signed_is_not_taken_for_another_journal(stale: int) -> None:
    chain = Workflow("chain", inputs=Says, sentinels=("target",))

    @chain.step(Stale)
    def target(inputs: Says) -> str:
        return inputs.says

    @chain.step(Objects)
    def below(target: Receipt) -> str:
        return target.id

    async def main() -> RunStatus:
        person = objects.Person(chain, Stale, Objects)
        await person.apply(Says(says="a"))
        person.store.restore(None)
        cast("Stale", person.kinds[Stale]).stale = stale
        return await person.apply(Says(says="a"))

    assert in_virtual_time(main) is RunStatus.DONE


class Used(Objects):
    """The platform deletes none to which another one refers."""

    kind = "used"

    async def delete(self, id: str, send_within: float) -> None:
        if any(view.id not in self.deleted and id in str(view.content) for view in self.there.values()):
            raise NotReady("in use")
        await super().delete(id, send_within)


class Last(Objects):
    """What refers to all the others."""

    kind = "last"


def test_what_a_lost_request_has_made_is_found_though_somebody_deleted_what_it_refers_to() -> None:
    chain = Workflow("chain", inputs=Says, sentinels=("target",))

    @chain.step(Titled)
    def target(inputs: Says) -> str:  # noqa: ARG001
        return "target"

    @chain.step(Objects)
    def beside(inputs: Says) -> str:  # noqa: ARG001
        return "beside"

    @chain.step(Used)
    def middle(target: Receipt) -> str:
        return target.id

    @chain.step(Last)
    def last(middle: Receipt, beside: Receipt) -> str:
        return f"{middle.id} {beside.id}"

    async def main() -> tuple[list[RunStatus], list[str]]:
        person = objects.Person(chain, Titled, Objects, Used, Last)
        person.kinds[Last].losing = True
        ended = [await person.apply(Says())]
        person.kinds[Last].losing = False
        person.deleted += [id for id, view in person.there.items() if {"target", "beside"} & {*view.name.split()}]
        ended.append(await person.apply(Says(), refresh=True))
        return ended, [person.there[id].name.split()[1] for id in person.there if id not in (*person.deleted, THEIRS)]

    ended, live = in_virtual_time(main)
    assert ended == [RunStatus.IN_DOUBT, RunStatus.DONE]
    assert sorted(live) == ["beside", "last", "middle", "target"]
