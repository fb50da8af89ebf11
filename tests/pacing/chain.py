"""Sources of eight steps over four services, in virtual time: the demand that a batch makes of the platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

import anyio

from engine.pacing import Pacing
from tests.pacing.service import Batch, Service
from tests.pacing.virtual_time import clock, in_virtual_time

REGISTRY, FLOWS, CATALOG, MAPPINGS = FAMILIES = ("registry", "flows", "catalog", "mappings")
STEPS = {
    "class": (REGISTRY, ()),
    "schema": (REGISTRY, ("class",)),
    "target": (REGISTRY, ()),
    "source": (FLOWS, ("schema",)),
    "dataset": (CATALOG, ("target",)),
    "connection": (FLOWS, ("dataset",)),
    "mapping": (MAPPINGS, ("target",)),
    "flow": (FLOWS, ("source", "connection", "mapping")),
}
"""Each step's service and what it needs."""
ACTIVE, LOOKING = 128, 8


@dataclass
class Chains:
    """So many sources, each of whose tables is looked at beforehand: then only one service is asked."""

    services: Mapping[str, Service]
    sources: int
    looks: int
    seed: int = 1

    def run(self) -> float:
        """Seconds that it took."""
        return in_virtual_time(self._main)

    @property
    def premature(self) -> int:
        return sum(batch.premature for batch in self.batches.values())

    async def _main(self) -> float:
        gate = Pacing(boot=clock, rng=Random(self.seed))
        self.batches = {
            family: Batch(gate=gate, service=service, size=0, family=family)
            for family, service in self.services.items()
        }
        looks, sources = iter(range(self.looks)), iter(range(self.sources))

        async def look() -> None:
            for _ in looks:
                await self.batches[FLOWS].one()

        async def chain() -> None:
            for source in sources:
                await self._source(source)

        for work, workers in ((look, LOOKING), (chain, ACTIVE)):
            async with anyio.create_task_group() as group:
                for _ in range(workers):
                    group.start_soon(work)
        return clock()

    async def _source(self, turn: int) -> None:
        done = {name: anyio.Event() for name in STEPS}

        async def step(name: str) -> None:
            family, needs = STEPS[name]
            for need in needs:
                await done[need].wait()
            await self.batches[family].one(turn)
            done[name].set()

        async with anyio.create_task_group() as group:
            for name in STEPS:
                group.start_soon(step, name)


def one_bucket(service: Service) -> dict[str, Service]:
    """All services behind one."""
    return dict.fromkeys(FAMILIES, service)
