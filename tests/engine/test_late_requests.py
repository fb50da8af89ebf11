"""A request without an answer may still arrive: what keeps it from making a second object stays until it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import cast

import anyio
import orjson

from engine import Conflict, InDoubt, Item, Json, Receipt, View, Workflow
from engine.api import LOCAL
from engine.model import RunStatus, replace
from engine.resource import Change
from tests.engine.objects import Changeable, Person, Says
from tests.pacing.virtual_time import in_virtual_time

LATE = 50.0
"""Seconds after which the first request arrives, which nobody has answered."""


class Title(Changeable):
    """Its title can be changed in place, and the platform refuses a second one of a title."""

    kind, unique = "title", True
    losing_first = True

    async def create(self, body: str, send_within: float) -> Receipt:
        if self.losing_first:
            self.losing_first = False
            asyncio.get_running_loop().call_later(LATE, self._arrive, body)
            raise InDoubt("no answer")
        return await super().create(body, send_within)

    def _arrive(self, body: str) -> None:
        sent = orjson.loads(body)
        if all(view.name != sent["name"] for view in self._live()):
            self.there["title-late"] = View(id="title-late", name=sent["name"], note=sent["note"], created=0.0)

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:  # noqa: ARG002
        fields = [cast("dict[str, Json]", fields) for fields in (before, after)]
        titles = [fields["name"] for fields in fields]
        return [Change(path="name", before=titles[0], after=titles[1], in_place=True)] if len({*titles}) > 1 else []

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:  # noqa: ARG002
        return body

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        old, sent = self.there[view.id], orjson.loads(amendment)
        if any(other.name == sent["name"] for other in self._live() if other.id != view.id):
            raise Conflict("taken")
        receipt = await super().amend(view, amendment, send_within)
        content = {**cast("dict[str, Json]", self.there[view.id].content), "name": sent["name"]}
        self.there[view.id] = replace(self.there[view.id], name=sent["name"], note=old.note, content=content)
        return receipt


single = Workflow("chain", inputs=Says)


@single.step(Title)
def title(inputs: Says) -> str:
    return inputs.says


def test_a_title_is_not_given_up_while_a_request_for_it_may_still_arrive() -> None:
    async def main() -> list[str]:
        person = Person(single, Title)
        person.attempts = 5
        assert await person.apply(Says(says="a")) is RunStatus.DONE
        renamed = Item(workflow=single, source="two", inputs=Says(says="a"), previously="one")
        async with person.engine() as engine:
            counts = await engine.run((await engine.register(LOCAL, [[renamed]])).batch)
        assert counts == {RunStatus.DONE: 1}
        await anyio.sleep(LATE)
        return [person.there[id].name.split()[0] for id in person.live("title")]

    assert in_virtual_time(main) == ["two"]
