"""A manifest held against the journal: what is new, goes on, is finished, has changed, is gone. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

from engine.api import Engine, Item
from engine.model import Known, RunState, RunStatus, Scope
from engine.ports import Standing
from workflows.cli.selecting import Selection, Subject, codes_of
from workflows.onboarding.chains import CHAINS
from workflows.onboarding.inputs import Inputs
from workflows.onboarding.manifest import Spool, Spooled

BATCH = 500
"""Sources held in memory at once."""
TO_DO = frozenset({Standing.NEW, Standing.CONTINUED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One source of the manifest and how it stands. `inputs` carry the name that the run has in the journal."""

    item: Item
    standing: Standing
    known: Known | None
    selected: bool

    @property
    def inputs(self) -> Inputs:
        """What the manifest says of it."""
        inputs: Inputs = self.item.workflow.decode(self.item.text or "")
        return inputs

    @property
    def to_do(self) -> bool:
        """Whether there is something to send for it."""
        return self.selected and self.standing in TO_DO


@dataclass(slots=True)
class Survey:
    """One pass over a manifest; afterwards the counts, and which sources are to be worked on."""

    engine: Engine
    scope: Scope
    spool: Spool
    selection: Selection
    standings: Counter[Standing] = field(default_factory=Counter)
    """Of the selected sources."""
    changed: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    """New name by old name, for sources that say `previously` and whose run has the old name."""
    _known: int = 0
    _wanted: bytearray = field(default_factory=bytearray)

    @property
    def to_do(self) -> int:
        """How many sources there is something to send for."""
        return sum(self.standings[standing] for standing in TO_DO)

    @property
    def selected(self) -> int:
        """How many sources the command is about."""
        return sum(self.standings.values())

    async def sources(self) -> AsyncIterator[Found]:
        """Every source, in the manifest's order."""
        codes = await self._codes() if self.selection.by_error else {}
        for batch in self.spool.batches(BATCH):
            items = await self._items(batch)
            runs = [self.engine.new_run(self.scope, item) for item in items]
            compared = await self.engine.journal.compare(runs)
            for item, run, (standing, known) in zip(items, runs, compared, strict=True):
                state = known.status.value if known else RunStatus.PENDING.value
                subject = Subject(source=item.source, state=state, codes=codes.get(run.run_id, ()))
                found = Found(item=item, standing=standing, known=known, selected=self.selection.takes(subject))
                self._count(found)
                yield found

    def batches(self) -> Iterator[list[Item]]:
        """The sources that there is something to send for, once all were seen."""
        place = 0
        for batch in self.spool.batches(BATCH):
            wanted = self._wanted[place : place + len(batch)]
            place += len(batch)
            if items := [self._item(said) for said, yes in zip(batch, wanted, strict=True) if yes]:
                yield items

    async def gone(self) -> AsyncIterator[RunState]:
        """Runs of the journal that the manifest does not name any more, once all were seen."""
        if sum((await self.engine.journal.counts()).values()) <= self._known:
            return
        here = (self.scope.gateway, self.scope.org, self.scope.sandbox)
        living = tuple(status for status in RunStatus if status is not RunStatus.DESTROYED)
        async for run in self.engine.journal.stream(statuses=living):
            named = self.spool.line_of(self.renamed.get(run.source, run.source)) is not None
            if not named and (run.scope.gateway, run.scope.org, run.scope.sandbox) == here:
                yield run

    def _count(self, found: Found) -> None:
        self._known += found.known is not None
        self._wanted.append(found.to_do)
        if found.selected:
            self.standings[found.standing] += 1
            if found.standing is Standing.CHANGED:
                self.changed.append(found.item.source)

    async def _items(self, batch: list[Spooled]) -> list[Item]:
        """The items of a batch; a source whose run has its previous name keeps that one."""
        asking = [said for said in batch if said.previously]
        if asking:
            old = [_renamed(said) for said in asking]
            both = await self.engine.journal.compare(
                [self.engine.new_run(self.scope, item) for item in (*old, *map(_item, asking))]
            )
            for said, (_, before), (_, now) in zip(asking, both, both[len(asking) :], strict=False):
                if before is not None and now is None and said.previously:
                    self.renamed[said.previously] = said.source
        return [self._item(said) for said in batch]

    def _item(self, said: Spooled) -> Item:
        return _renamed(said) if self.renamed.get(said.previously or "") == said.source else _item(said)

    async def _codes(self) -> dict[str, set[str]]:
        """What went wrong in each run in which something did, by run id."""
        unhappy = (RunStatus.FAILED, RunStatus.IN_DOUBT)
        return {run.run_id: codes_of(run) async for run in self.engine.journal.stream(statuses=unhappy)}


def _item(said: Spooled) -> Item:
    return Item(workflow=CHAINS[said.chain], source=said.source, inputs=None, text=said.text)


def _renamed(said: Spooled) -> Item:
    source, workflow = said.previously or said.source, CHAINS[said.chain]
    inputs = replace(said.inputs, source=source, previously=None)
    return Item(workflow=workflow, source=source, inputs=inputs, text=workflow.encode(inputs))
