"""A mistake in a workflow's own code stops everything; what was made before is written down, and permits come back."""

from __future__ import annotations

from random import Random

import anyio
import pytest

from engine import Engine, Receipt, Workflow
from engine.api import LOCAL
from engine.identity import run_id
from engine.model import Json
from engine.resource import Label
from tests.engine.things import Inputs, Spec, Things, Titled
from tests.engine.virtual import Clock, in_memory
from tests.pacing.virtual_time import in_virtual_time


class Bodiless(Things):
    """Objects that nobody can write down: the resource has a mistake."""

    def body(self, spec: Spec, label: Label, now: float) -> Json:  # noqa: ARG002
        raise KeyError("body")


function = Workflow("function", inputs=Inputs)


@function.step(Titled, name="before")
def before_function(inputs: Inputs) -> Spec:  # noqa: ARG001
    return Spec()


@function.step(Things, name="after")
def mistaken(before: Receipt) -> Spec:  # noqa: ARG001
    raise KeyError("function")


body = Workflow("body", inputs=Inputs)
body.step(Titled, name="before")(before_function)


@body.step(Bodiless, name="after")
def bodiless(before: Receipt) -> Spec:  # noqa: ARG001
    return Spec()


sound = Workflow("sound", inputs=Inputs)
sound.step(Things, name="before")(before_function)


@pytest.mark.parametrize("workflow", [function, body], ids=lambda workflow: workflow.name)
def test_a_mistake_in_a_step_leaves_the_id_before_it_in_the_journal(workflow: Workflow[Inputs]) -> None:
    async def main() -> tuple[list[str], dict[str, str]]:
        titled, things = Titled(), Things()
        async with Engine(
            "", workflows=[workflow, sound], resources=[titled, things, Bodiless()], concurrency=1, clock=Clock(),
            rng=Random(1), opener=in_memory,
        ) as engine:  # fmt: skip
            with pytest.raises(KeyError, match=workflow.name), anyio.fail_after(600):
                await engine.start(workflow, Inputs(), source="acme")
            run = await engine.journal.load(run_id(workflow.name, LOCAL, "acme"))
            with anyio.fail_after(600):
                await engine.start(sound, Inputs(), source="other")  # with the only permit
            return [*titled.notes], {name: receipt.id for name, receipt in run.receipts.items()}

    assert in_virtual_time(main) == (["titled-0"], {"before": "titled-0"})
