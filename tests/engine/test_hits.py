"""What a list shows of one object is one object, however often it shows it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import orjson

from engine import Engine, InDoubt, Receipt, Workflow
from engine.model import Json, Origin, RunState, RunStatus, value
from engine.resource import Hit, Label, Resource, View
from tests.engine.virtual import Clock, in_memory
from tests.pacing.virtual_time import in_virtual_time


@value
class Inputs:
    """Of a run, and of its step."""


class Things(Resource[Inputs]):
    """Answers to what it makes are lost; its list moves while it is read, so that each object is on two pages."""

    kind = "thing"
    family = "things"
    unique = False

    def __init__(self) -> None:
        self.made: dict[str, dict[str, str]] = {}

    def body(self, spec: Inputs, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name, "note": label.note}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        self.made[str(len(self.made))] = orjson.loads(body)
        raise InDoubt("no answer")

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        shown = [Hit(id=id, name=thing["name"]) for id, thing in self.made.items() if thing["name"] in names]
        return [*shown, *shown]

    async def read(self, id: str) -> View | None:
        thing = self.made[id]
        return View(id=id, name=thing["name"], note=thing["note"], created=float(id), content=thing)


single = Workflow("single", inputs=Inputs)


@single.step(Things)
def thing(inputs: Inputs) -> Inputs:
    return inputs


def test_an_object_that_a_list_shows_twice_is_no_twin() -> None:
    things = Things()

    async def main() -> RunState:
        async with Engine(
            "", workflows=[single], resources=[things], clock=Clock(), rng=Random(1), opener=in_memory
        ) as engine:
            return await engine.start(single, Inputs(), source="acme")

    run = in_virtual_time(main)
    assert (run.status, len(things.made)) == (RunStatus.DONE, 1), run.failure
    assert run.receipts["thing"].origin is Origin.RECOVERED
