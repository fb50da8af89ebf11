"""A platform in memory for engines in virtual time: things, and titled ones, which are sentinels."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from engine import Receipt
from engine.model import Json, value
from engine.resource import Hit, Label, Resource, View
from tests.pacing.virtual_time import clock


@value
class Inputs:
    """Of a run."""


@value
class Spec:
    """Of a step."""


class Things(Resource[Spec]):
    """A platform that answers at once."""

    kind = "thing"
    family = "things"
    unique = False

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}

    def body(self, spec: Spec, label: Label, now: float) -> Json:  # noqa: ARG002
        return {"name": label.name, "note": label.note}

    async def create(self, body: str, send_within: float) -> Receipt:  # noqa: ARG002
        id = f"{self.kind}-{len(self.notes)}"
        self.notes[id] = orjson.loads(body)["note"]
        return Receipt(id=id)

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:  # noqa: ARG002
        return ()

    async def read(self, id: str) -> View | None:
        return View(id=id, name="", note=self.notes[id], created=0.0, left=clock())


class Titled(Things):
    """One that names the run that it belongs to: a sentinel."""

    kind = "titled"
    unique = True

    async def sign(self, view: View, note: str, send_within: float) -> Receipt:  # noqa: ARG002
        self.notes[view.id] = note
        return Receipt(id=view.id)
