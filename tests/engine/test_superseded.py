"""What cannot be deleted is superseded, and stays; only names tell which of them counts."""

from __future__ import annotations

from collections.abc import Sequence

from engine import Adopt, Json, Receipt, Resource, Workflow, labels
from engine.model import RunStatus, replace, value
from engine.resource import Change, View
from tests.engine import objects
from tests.engine.objects import THEIRS, Objects
from tests.pacing.virtual_time import in_virtual_time


@value
class Inputs:
    """Of a run: whose the target is."""

    target: str = "adopted"


class Target(Objects):
    """What is mapped to; it has no title that would keep journals apart."""

    kind = "target"


class Mapping(Resource[str]):
    """There is no way to delete one."""

    kind, family, superseding = "mapping", "things", True
    unique = refusing = losing = False
    body, create, find, read = Objects.body, Objects.create, Objects.find, Objects.read
    _live = Objects._live  # noqa: SLF001 - of the same double

    def __init__(self, there: dict[str, View], deleted: list[str]) -> None:
        self.there, self.deleted = there, deleted

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        return [change for change in super().changes(before, after, now) if change.path != "note"]


class Flow(Objects):
    """What refers to the mapping."""

    kind = "flow"


chain = Workflow("chain", inputs=Inputs)


@chain.step(Target, shared=lambda inputs: "all" if inputs.target == "shared" else None)
def target(inputs: Inputs) -> str | Adopt:
    return Adopt(ref=THEIRS) if inputs.target == "adopted" else inputs.target


@chain.step(Mapping)
def mapping(inputs: Inputs, target: Receipt) -> str:  # noqa: ARG001
    return target.id


@chain.step(Flow)
def flow(inputs: Inputs, mapping: Receipt) -> str:  # noqa: ARG001
    return mapping.id


def test_a_journal_that_went_back_finds_what_took_the_place_of_what_it_knows() -> None:
    async def main() -> tuple[list[RunStatus], bool]:
        person = objects.Person(chain, Target, Mapping, Flow)  # type: ignore[arg-type] # the same double
        ended = [await person.apply(Inputs())]
        copy = person.store.snapshot()
        ended.append(await person.apply(Inputs(target="shared")))
        made = list(person.there)
        person.store.restore(copy)
        ended.append(await person.apply(Inputs(target="shared")))
        return ended, list(person.there) == made

    assert in_virtual_time(main) == ([RunStatus.DONE] * 3, True)


def test_what_a_person_says_it_is_keeps_the_name_of_its_generation() -> None:
    async def main() -> tuple[list[RunStatus], str, str]:
        person = objects.Person(chain, Target, Mapping, Flow)  # type: ignore[arg-type] # the same double
        ended = [await person.apply(Inputs())]
        copy = person.store.snapshot()
        ended.append(await person.apply(Inputs(target="shared")))
        [id] = person.live("flow")
        person.there[id] = replace(person.there[id], content={"name": person.there[id].name, "of": "by hand"})
        person.store.restore(copy)
        ended.append(await person.apply(Inputs(target="shared")))
        async with person.engine() as engine:
            await engine.resolve(person.id, "flow", adopt=id)
            run = await engine.journal.load(person.id)
        return ended, person.there[id].name, labels.name(run, "flow", run.steps["flow"].generation)

    ended, name, known = in_virtual_time(main)
    assert ended == [RunStatus.DONE, RunStatus.DONE, RunStatus.IN_DOUBT]
    assert name == known
