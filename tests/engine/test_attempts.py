"""What counts as one of a step's attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import anyio
import orjson
import pytest

from engine import Answer, Engine, InDoubt, NotApplied, Receipt, TooLate, Workflow
from engine.model import Json, RunStatus, value
from engine.resource import Hit, Label, Resource, View
from tests.engine.virtual import Clock, in_memory
from tests.pacing.virtual_time import clock, in_virtual_time


@value
class Inputs:
    """Of a run, and of its step."""


class Things(Resource[Inputs]):
    """A platform to which nothing gets through at first."""

    kind = "thing"
    family = "things"
    unique = False

    def __init__(self, troubles: list[Answer]) -> None:
        self.troubles = troubles

    def body(self, spec: Inputs, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        if self.troubles:
            raise self.troubles.pop()
        return Receipt(id="1")

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return ()

    async def read(self, id: str) -> View | None:  # noqa: ARG002
        return None


single = Workflow("single", inputs=Inputs)


@single.step(Things)
def thing(inputs: Inputs) -> Inputs:
    return inputs


@pytest.mark.parametrize(
    ("trouble", "ends"), [(NotApplied("no connection"), RunStatus.FAILED), (TooLate("too late"), RunStatus.DONE)]
)
def test_what_never_left_because_its_time_was_over_is_no_attempt(trouble: Answer, ends: RunStatus) -> None:
    async def main() -> RunStatus:
        async with Engine(
            "", workflows=[single], resources=[Things([trouble] * 5)], max_attempts=3, clock=Clock(), rng=Random(1),
            opener=in_memory,
        ) as engine:  # fmt: skip
            with anyio.fail_after(600):
                return (await engine.start(single, Inputs(), source="acme")).status

    assert in_virtual_time(main) is ends


class Elsewhere(Things):
    """The same kind of object on another platform."""

    async def create(self, body: str, send_within: float) -> Receipt:
        await super().create(body, send_within)
        return Receipt(id="elsewhere")


other = Workflow("other", inputs=Inputs)


@other.step(Elsewhere, name="thing")
def other_thing(inputs: Inputs) -> Inputs:
    return inputs


def test_workflows_of_the_same_steps_keep_their_resources_apart() -> None:
    async def main() -> list[str]:
        async with Engine(
            "", workflows=[single, other], resources=[Things([]), Elsewhere([])], clock=Clock(), rng=Random(1),
            opener=in_memory,
        ) as engine:  # fmt: skip
            runs = [await engine.start(one, Inputs(), source="acme") for one in (single, other)]
            return [run.receipts["thing"].id for run in runs]

    assert in_virtual_time(main) == ["1", "elsewhere"]


class Slow(Things):
    """Where the second effect comes half a minute after its request, which nobody answers."""

    def __init__(self) -> None:
        super().__init__([])
        self.there: dict[str, View] = {}
        self.creations = 0

    def body(self, spec: Inputs, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name, "note": label.note}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        self.creations += 1
        id, sent = str(self.creations), orjson.loads(body)
        view = View(id=id, name=sent["name"], note=sent["note"], created=clock(), content={"name": sent["name"]})
        if self.creations == 2:
            asyncio.get_running_loop().call_later(30, self.there.setdefault, id, view)
            raise InDoubt("no answer")
        self.there[id] = view
        return Receipt(id=id)

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return [Hit(id=view.id, name=view.name) for view in self.there.values() if view.name in names]

    async def read(self, id: str) -> View | None:
        return self.there.get(id)


slow = Workflow("slow", inputs=Inputs)


@slow.step(Slow, name="thing")
def slow_thing(inputs: Inputs) -> Inputs:
    return inputs


def test_what_the_same_process_sent_before_may_still_come() -> None:
    async def main() -> tuple[list[RunStatus], int]:
        things = Slow()
        async with Engine(
            "", workflows=[slow], resources=[things], max_attempts=1, clock=Clock(), rng=Random(1), opener=in_memory
        ) as engine:
            await engine.start(slow, Inputs(), source="witness")
            first = await engine.start(slow, Inputs(), source="acme")
            again = await engine.resume(first.run_id)
            return [first.status, again.status], things.creations

    assert in_virtual_time(main) == ([RunStatus.IN_DOUBT, RunStatus.DONE], 2)
