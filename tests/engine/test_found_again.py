"""What a run finds again whose journal was lost is brought to what it is to be, like what it knew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from engine import Json
from engine.model import RunStatus, replace
from engine.resource import Difference, View
from tests.engine.objects import Changeable, Objects, Person, Says, Titled, chain_of
from tests.pacing.virtual_time import in_virtual_time


class Sets(Objects):
    """Neither changed nor deleted: another one takes its place."""

    kind, superseding = "set", True


class Flows(Changeable):
    """One can be pointed at another set."""

    kind = "flow"

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        return [one for one in super().differences(body, view) if one.path != "name"]


def test_a_set_changed_by_hand_is_superseded_for_what_is_found_to_refer_to_it_too() -> None:
    async def main() -> tuple[list[RunStatus], list[str], list[Json]]:
        person = Person(chain_of(Sets, Flows), Titled, Sets, Flows)
        ended = [await person.apply(Says())]
        [old], [flow] = person.live("set"), person.live("flow")
        person.there[old] = replace(person.there[old], content={"of": "what somebody made of it"})
        person.store.restore(None)
        ended.append(await person.apply(Says()))
        new = [id for id in person.live("set") if id != old]
        content = cast("dict[str, Json]", person.there[flow].content)
        return ended, new, [content["of"]]

    ended, new, refers = in_virtual_time(main)
    assert (ended, refers) == ([RunStatus.DONE] * 2, new)
