"""What a run finds again whose journal was lost is brought to what it is to be, like what it knew."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import orjson

from engine import Json, Receipt, Workflow
from engine.model import RunStatus, replace, value
from engine.resource import Change, Difference, View
from tests.engine.objects import Objects, Person, Titled
from tests.pacing.virtual_time import in_virtual_time


@value
class Inputs:
    """Of a run."""


class Sets(Objects):
    """Neither changed nor deleted: another one takes its place."""

    kind, superseding = "set", True


class Flows(Objects):
    """One can be pointed at another set."""

    kind = "flow"

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        return [one for one in super().differences(body, view) if one.path != "name"]

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:
        return [replace(change, in_place=True) for change in super().changes(before, after, now)]

    def condition(self, view: View) -> str:
        return str(view.content)

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:  # noqa: ARG002
        return body

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:  # noqa: ARG002
        sent = orjson.loads(amendment)
        self.there[view.id] = replace(view, content={"name": sent["name"], "of": sent["of"]})
        return Receipt(id=view.id, etag="another")


chain = Workflow("chain", inputs=Inputs, sentinels=("target",))


@chain.step(Titled)
def target(inputs: Inputs) -> str:  # noqa: ARG001
    return "target"


@chain.step(Sets)
def mapping(inputs: Inputs, target: Receipt) -> str:  # noqa: ARG001
    return target.id


@chain.step(Flows)
def flow(inputs: Inputs, mapping: Receipt) -> str:  # noqa: ARG001
    return mapping.id


def test_a_set_changed_by_hand_is_superseded_for_what_is_found_to_refer_to_it_too() -> None:
    async def main() -> tuple[list[RunStatus], list[str], list[Json]]:
        person = Person(chain, Titled, Sets, Flows)
        ended = [await person.apply(Inputs())]
        [old], [flow] = person.live("set"), person.live("flow")
        person.there[old] = replace(person.there[old], content={"of": "what somebody made of it"})
        person.store.restore(None)
        ended.append(await person.apply(Inputs()))
        new = [id for id in person.live("set") if id != old]
        content = cast("dict[str, Json]", person.there[flow].content)
        return ended, new, [content["of"]]

    ended, new, refers = in_virtual_time(main)
    assert (ended, refers) == ([RunStatus.DONE] * 2, new)
