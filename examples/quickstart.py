"""A server in a network, on a cloud that loses an answer and then is cut off, and yet nothing is made twice.

python examples/quickstart.py
"""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine import Engine, Hit, InDoubt, Json, Label, Receipt, Resource, View, Workflow


@dataclass(frozen=True, kw_only=True)
class Wanted:  # plain data: the inputs of a run, and what a step asks for
    size: int
    network: str = ""


class PowerCut(BaseException): ...


class Things(Resource[Wanted]):
    kind, family = "thing", "cloud"

    def __init__(self) -> None:
        self.cloud: dict[str, dict[str, Any]] = {}
        self.troubles = [PowerCut("the power fails"), InDoubt("timeout, no answer comes")]

    def body(self, spec: Wanted, label: Label, now: float) -> Json:  # pure: journaled before it is sent
        return {"name": label.name, "note": label.note, "size": spec.size, "network": spec.network}

    async def create(self, body: str, send_within: float) -> Receipt:  # exactly one request
        id = f"thing-{len(self.cloud) + 1}"
        self.cloud[id] = json.loads(body)
        print(f"  the cloud makes {id}; {self.troubles[-1] if self.troubles else 'all is well'}")
        if self.troubles:
            raise self.troubles.pop()
        return Receipt(id=id)

    async def find(self, names: Sequence[str], since: float | None) -> Sequence[Hit]:
        return [Hit(id=id, name=thing["name"]) for id, thing in self.cloud.items() if thing["name"] in names]

    async def read(self, id: str) -> View | None:
        if (thing := self.cloud.get(id)) is None:
            return None
        return View(id=id, name=thing["name"], note=thing["note"], created=0, content={"size": thing["size"]})


site = Workflow("site", inputs=Wanted)


@site.step(Things)
def network(inputs: Wanted) -> Wanted:
    return inputs


@site.step(Things)
def server(inputs: Wanted, network: Receipt) -> Wanted:  # the parameter says: after the step `network`
    return Wanted(size=2 * inputs.size, network=network.id)


async def process(journal: str, things: Things) -> None:
    async with Engine(journal, workflows=[site], resources=[things], settle=1) as engine:
        run = await engine.start(site, Wanted(size=3), source="acme")  # the same call begins and continues
        for name, receipt in run.receipts.items():
            print(f"  {name} is {receipt.id}, {receipt.origin}")


if __name__ == "__main__":
    things = Things()  # the cloud outlives every process
    with tempfile.TemporaryDirectory() as folder:
        for number in (1, 2, 3):
            print(f"process {number}")
            try:
                asyncio.run(process(f"{folder}/journal.db", things))
            except* PowerCut:
                print("  is gone")
    print(f"{len(things.cloud)} things for 2 steps")
