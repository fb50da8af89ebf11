"""Of what cannot be deleted, one more does no harm: a lost answer never ends in a question, whatever lists show."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import orjson
import pytest

from engine import Engine, InDoubt, Receipt, Rejected, Workflow
from engine.model import Json, RunState, RunStatus, value
from engine.resource import Difference, Hit, Label, Resource, View
from tests.engine.virtual import Clock, in_memory
from tests.pacing.virtual_time import clock, in_virtual_time

SETTLE = 120.0


@value
class Inputs:
    """Of a run, and of its step."""


class Sets(Resource[Inputs]):
    """The first `lost` answers are lost; then it `refuses`, or makes another one. Of what was planted it shows the
    fields `shown`, and that in lists after `lag` seconds."""

    kind = "set"
    family = "sets"
    superseding = True

    def __init__(self, *shown: str, lost: int = 1, lag: float = 0.0, refuses: bool = False) -> None:
        self.shown, self.lost, self.lag, self.refuses = shown, lost, lag, refuses
        self.made: list[View] = []

    def body(self, spec: Inputs, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name, "note": label.note}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        if self.refuses and len(self.made) == self.lost:
            raise Rejected("not another one")
        planted = {key: text for key, text in orjson.loads(body).items() if key in self.shown}
        made = View(id=str(len(self.made)), created=clock(), **{"name": "", "note": "", **planted})
        self.made.append(made)
        if len(self.made) <= self.lost:
            raise InDoubt("no answer")
        return Receipt(id=made.id)

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return [
            Hit(id=view.id, name=view.name)
            for view in self.made
            if view.name in names and view.created + self.lag <= clock()
        ]

    async def read(self, id: str) -> View | None:
        return self.made[int(id)]

    def differences(self, body: Json, view: View) -> Sequence[Difference]:  # noqa: ARG002
        return ()


single = Workflow("single", inputs=Inputs)


@single.step(Sets)
def one(inputs: Inputs) -> Inputs:
    return inputs


def run(sets: Sets) -> tuple[RunState, float]:
    """The run at its end, and how many seconds it took."""

    async def main() -> tuple[RunState, float]:
        async with Engine(
            "", workflows=[single], resources=[sets], clock=Clock(), rng=Random(1), settle=SETTLE, opener=in_memory
        ) as engine:
            return await engine.start(single, Inputs(), source="acme"), clock()

    return in_virtual_time(main)


@pytest.mark.parametrize("lag", [0.0, 30.0, 5 * SETTLE])
@pytest.mark.parametrize("shown", [("name", "note"), ("name",), ()])
@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_answer_is_no_question(shown: tuple[str, ...], lost: int, lag: float) -> None:
    sets = Sets(*shown, lost=lost, lag=lag)
    ended, took = run(sets)
    assert ended.status is RunStatus.DONE, ended.failure
    assert took < 2 * (lost + 1) * SETTLE
    if "name" in shown and lag < SETTLE:
        assert len(sets.made) == 1


def test_looks_come_when_settle_ends_not_up_to_a_minute_later() -> None:
    """Once before it is sent again, and once more for what became of the first."""
    ended, took = run(Sets("name", lag=5 * SETTLE))
    assert ended.status is RunStatus.DONE
    assert took < 2 * SETTLE + 15


@pytest.mark.parametrize("shown", [("name", "note"), ()])
def test_a_refusal_after_a_lost_answer_stands(shown: tuple[str, ...]) -> None:
    ended, _ = run(Sets(*shown, refuses=True, lag=5 * SETTLE))
    assert ended.status is RunStatus.FAILED
    assert ended.failure
    assert ended.failure.message == "one: not another one"
