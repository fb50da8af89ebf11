"""A run whose inputs make another step its sentinel: what it makes, what it lets go, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from random import Random
from typing import cast

import anyio

from engine import Adopt, InDoubt, NotApplied, Receipt, Workflow, labels
from engine.journal.memory import MemoryStore
from engine.model import RunStatus, value
from engine.resource import View
from tests.engine import objects
from tests.engine.objects import THEIRS, Objects, Titled
from tests.pacing.virtual_time import in_virtual_time


@value
class Inputs:
    """Of a run: whose the target is, and whether its chain has the source."""

    target: str = "own"
    source: bool = True


class Second(Titled):
    """Titled: the sentinel of whoever has no target of his own."""

    kind = "second"


class First(Titled):
    """Titled: the target, the sentinel if it is the run's own."""

    kind = "first"


class Below(Objects):
    """What refers to a target."""

    kind = "below"


chain = Workflow("chain", inputs=Inputs, sentinels=("target", "source"))


@chain.step(Second, when=lambda inputs: inputs.source)
def source(inputs: Inputs) -> str:  # noqa: ARG001
    return "source"


@chain.step(Objects)
def beside(inputs: Inputs, source: Receipt | None) -> str:  # noqa: ARG001
    return source.id if source else "beside"


@chain.step(First, shared=lambda inputs: "all" if inputs.target == "shared" else None)
def target(inputs: Inputs) -> str | Adopt:
    return Adopt(ref=THEIRS) if inputs.target == "adopted" else inputs.target


@chain.step(Below)
def below(inputs: Inputs, target: Receipt) -> str:  # noqa: ARG001
    return target.id


class Person(objects.Person):
    """Somebody whose target moves."""

    def __init__(self) -> None:
        super().__init__(chain, Objects, Second, First, Below)

    async def run(self, target: str, *, source: bool = True) -> RunStatus:
        return await self.apply(Inputs(target=target, source=source))


def test_what_was_adopted_is_not_the_runs_own_after_it_was_shared() -> None:
    async def main() -> tuple[list[str], list[RunStatus]]:
        person = Person()
        ended = [await person.run(target) for target in ("adopted", "shared", "own")]
        return [str(person.there[id].content["of"]) for id in person.live("first")], ended  # type: ignore[call-overload,index]

    assert in_virtual_time(main) == (["shared", "own"], [RunStatus.DONE] * 3)


def test_what_was_begun_of_its_own_is_not_left_behind_when_it_is_somebody_elses_by_now() -> None:
    async def main(target: str) -> tuple[list[RunStatus], list[str], list[View]]:
        person = Person()
        person.kinds[First].losing = True
        begun = await person.run("own")
        person.kinds[First].losing = False
        ended = [begun, await person.run(target)]
        left = [id for id in person.live("first") if person.there[id].content["of"] == "own"]  # type: ignore[call-overload,index]
        return ended, left, [person.there[THEIRS]]

    for target in ("shared", "adopted"):
        ended, left, [theirs] = in_virtual_time(lambda: main(target))  # noqa: B023 - awaited at once
        assert (ended, left) == ([RunStatus.IN_DOUBT, RunStatus.DONE], [])
        assert theirs.note == "by hand"


def test_what_is_found_to_refer_to_the_target_before_gives_way_at_once() -> None:
    async def main() -> tuple[list[RunStatus], list[bool]]:
        person = Person()
        person.kinds[Below].losing = True
        ended = [await person.run("adopted")]
        person.kinds[Below].losing = False
        ended.append(await person.run("shared"))
        [target], made = person.live("first"), person.live("below")
        return ended, [person.there[id].content["of"] == target for id in made]  # type: ignore[call-overload,index]

    assert in_virtual_time(main) == ([RunStatus.IN_DOUBT, RunStatus.DONE], [True])


def test_what_holds_the_run_is_deleted_last_though_it_is_not_to_be_its_sentinel() -> None:
    async def main() -> list[str]:
        person = Person()
        await person.run("adopted")
        person.kinds[First].refusing = True
        assert await person.run("own") is RunStatus.FAILED
        async with person.engine() as engine:
            await engine.destroy([person.id])
        return [id.partition("-")[0] for id in person.deleted]

    assert in_virtual_time(main) == ["below", "thing", "second"]


def test_what_was_begun_is_taken_down_though_somebody_deleted_the_sentinel() -> None:
    async def main() -> tuple[RunStatus, list[str]]:
        person = Person()
        person.kinds[Objects].losing = person.kinds[Below].refusing = True
        ended = await person.run("own")
        person.deleted += person.live("first")
        async with person.engine() as engine:
            await engine.destroy([person.id])
        return ended, [id for id in person.there if id not in (*person.deleted, THEIRS)]

    assert in_virtual_time(main) == (RunStatus.IN_DOUBT, [])


def test_a_restored_journal_makes_nothing_twice_of_which_its_adopted_sentinel_cannot_tell() -> None:
    async def main() -> tuple[list[RunStatus], bool]:
        person = Person()
        ended = [await person.run("adopted")]
        copy = person.store.snapshot()
        ended += [await person.run(target, source=False) for target in ("adopted", "own")]
        made = person.live("thing")
        person.store.restore(copy)
        ended.append(await person.run("own", source=False))
        return ended, person.live("thing") == made

    asked = [*[RunStatus.DONE] * 3, RunStatus.IN_DOUBT]  # what is below refers to another target than the copy knows
    assert in_virtual_time(main) == (asked, True)


def test_another_journal_that_holds_the_run_by_another_sentinel_is_met_before_anything_is_made_twice() -> None:
    async def main() -> tuple[list[RunStatus], bool]:
        person = Person()
        ended = [await person.run("adopted")]
        made = person.live("below") + person.live("thing")
        person.store.restore(None)
        for refusing in (True, False):
            person.kinds[Second].refusing = refusing
            ended.append(await person.run("own"))
        return ended, person.live("below") + person.live("thing") == made

    asked = [RunStatus.DONE, RunStatus.FAILED, RunStatus.IN_DOUBT]  # what is below refers to another target
    assert in_virtual_time(main) == (asked, True)


def test_a_sentinel_that_is_gone_since_the_target_moved_in_another_journal_is_not_made_anew() -> None:
    async def main() -> tuple[list[RunStatus], bool]:
        person = Person()
        first, second = person.store, MemoryStore(rng=Random(2))
        ended = [await person.run("own")]
        person.store = second
        ended += [await person.run(target) for target in ("own", "adopted")]
        made = list(person.there)
        person.store = first
        ended.append(await person.apply(Inputs(), refresh=True))
        return ended, list(person.there) == made

    assert in_virtual_time(main) == ([*[RunStatus.DONE] * 3, RunStatus.FAILED], True)


def test_a_sentinel_whose_journal_was_lost_before_it_knew_the_generation_does_not_hide_what_is_there() -> None:
    async def main() -> tuple[list[RunStatus], bool]:
        person = Person()
        ended = [await person.run(target) for target in ("own", "shared")]
        made = person.live("below")
        for refusing in (True, False):
            person.store.restore(None)
            person.kinds[Below].refusing = refusing
            ended.append(await person.run("own", source=False))
        return ended, person.live("below") == made

    asked = [RunStatus.DONE] * 2 + [RunStatus.FAILED, RunStatus.IN_DOUBT]  # it refers to another target
    assert in_virtual_time(main) == (asked, True)


class Late(Titled):
    """The target. `busy`: how many requests are to be tried again."""

    kind = "first"
    busy = 0

    async def create(self, body: str, send_within: float) -> Receipt:
        if self.busy:
            self.busy -= 1
            raise NotApplied("busy", 30.0)
        return await super().create(body, send_within)


class Beside(Objects):
    """`lost`: the next request never arrives, and nobody answers. `held_by`: the journal that the target named when one
    arrived."""

    lost = False
    held_by: str | None = None

    async def create(self, body: str, send_within: float) -> Receipt:
        if self.lost:
            raise InDoubt("no answer")
        notes = [labels.parse(view.note) for id, view in self.there.items() if id.startswith("first")]
        self.held_by = notes[0].journal if notes else None
        return await super().create(body, send_within)


class Rivals(objects.Person):
    """Two people with a journal each, of whom the second always has a target of his own."""

    def __init__(self, last: type[Objects], step: Callable[..., str]) -> None:
        chain = Workflow("chain", inputs=Inputs, sentinels=("target", "source"))
        chain.step(Second, name="source")(source)
        chain.step(Late, name="target")(target)
        chain.step(last)(step)
        super().__init__(chain, Second, Late, last)
        self.first, self.mine, self.theirs = cast("Late", self.kinds[Late]), self.store, MemoryStore(rng=Random(2))

    async def my(self, target: str, *, after: float = 0.0) -> RunStatus:
        await anyio.sleep(after)
        self.store, self.attempts = self.mine, 1
        return await self.apply(Inputs(target=target))

    async def their(self) -> RunStatus:
        self.store, self.attempts = self.theirs, 100
        return await self.apply(Inputs())

    async def both(self) -> list[RunStatus]:
        """They begin, but their target is made long after I have taken over what they had made before."""
        self.first.busy, ended = 20, list[RunStatus]()

        async def one(coming: Coroutine[None, None, RunStatus]) -> None:
            ended.append(await coming)

        async with anyio.create_task_group() as group:
            group.start_soon(one, self.their())
            group.start_soon(one, self.my("adopted", after=1.0))
        return ended


def test_what_is_sent_again_before_the_sentinel_is_made_leaves_only_when_nobody_holds_the_run_by_that() -> None:
    async def main() -> tuple[list[RunStatus], str | None, str]:
        rivals = Rivals(Beside, beside)
        sent = cast("Beside", rivals.kinds[Beside])
        sent.lost = True
        ended = await rivals.both()
        sent.lost = False
        ended.append(await rivals.my("own"))
        return ended, sent.held_by, rivals.mine.contents.name

    ended, held_by, mine = in_virtual_time(main)
    assert (ended[-1], held_by) == (RunStatus.DONE, mine)


def test_who_made_only_one_guard_looks_whether_another_journal_holds_the_run_by_that() -> None:
    async def main() -> tuple[list[RunStatus], int]:
        rivals = Rivals(Below, below)
        rivals.first.refusing = True
        ended = [await rivals.their()]
        rivals.first.refusing = False
        ended += [await rivals.my("adopted"), await rivals.their()]
        return ended, len(rivals.live("below"))

    assert in_virtual_time(main) == ([RunStatus.FAILED, RunStatus.DONE, RunStatus.FAILED], 1)


def test_who_makes_the_sentinel_long_after_another_guard_looks_at_that_again() -> None:
    async def main() -> tuple[list[RunStatus], int]:
        rivals = Rivals(Below, below)
        return await rivals.both(), len(rivals.live("below"))

    assert in_virtual_time(main) == ([RunStatus.DONE, RunStatus.FAILED], 1)
