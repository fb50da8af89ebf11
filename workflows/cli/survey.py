"""A manifest compared with the journal: what is new, unfinished, finished, changed, or gone. Writes nothing."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio

from engine.api import Engine
from engine.identity import run_id
from engine.model import Known, RunState, RunStatus, Scope
from engine.orphans import Orphan
from engine.ports import Standing
from engine.step_change import StepChange
from engine.together import together
from engine.wanted import Item, new_run
from workflows.cli.failures import Refusal
from workflows.cli.foreseen import kind_of, print_of
from workflows.cli.selecting import Selection, Subject, codes_of
from workflows.onboarding.chains import onboarding
from workflows.onboarding.inputs import Inputs
from workflows.onboarding.manifest import Spool, Spooled

BATCH = 500
"""Sources held in memory at once."""
TO_DO = frozenset({Standing.NEW, Standing.CONTINUED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One source of the manifest and how it stands in the journal. `changes`: what the manifest means for the steps of
    a run that is there; `left`: why the run is left as it is in spite of them."""

    item: Item
    standing: Standing
    known: Known | None
    selected: bool
    changes: Sequence[StepChange] = ()
    left: str = ""
    looking: bool = False
    """Whether its run is to look at what it has though nothing is to be put back: the journal learns of an etag that
    moved, and what no sentinel guards may have a twin."""

    @property
    def changing(self) -> bool:
        """Whether it is finished, and the manifest or somebody's hand has changed what it should be."""
        return self.standing not in TO_DO and bool(self.left or kind_of(self.changes) != "unchanged")

    @property
    def moving(self) -> bool:
        """Whether it is to get other inputs, as far as nothing but a missing --replace speaks against it."""
        return self.standing is not Standing.UNCHANGED and (not self.left or kind_of(self.changes) == "replace")

    @property
    def inputs(self) -> Inputs:
        """What the manifest says of it."""
        inputs: Inputs = self.item.workflow.decode(self.item.text or "")
        return inputs

    @property
    def renamed(self) -> bool:
        """Whether its run has another name, which the journal must learn even where no object bears it."""
        return self.known is not None and self.known.source != self.item.source

    @property
    def to_do(self) -> bool:
        """Whether there is something to send for it, or to write down."""
        return self.selected and (
            self.standing in TO_DO or ((self.changing or self.renamed or self.looking) and not self.left)
        )


@dataclass(slots=True)
class Survey:
    """One pass over a manifest; afterwards the counts, and which sources are to be worked on."""

    engine: Engine
    scope: Scope
    spool: Spool
    selection: Selection
    look: bool = False
    """Whether the platform is asked how what runs made is now."""
    standings: Counter[Standing] = field(default_factory=Counter)
    """Of the selected sources."""
    to_do: int = 0
    """How many sources there is something to send for."""
    changed: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    """Finished sources that are left as they are though the manifest changed: the reason, by name."""
    renamed: dict[str, str] = field(default_factory=dict)
    """New name by old name, for sources that say `previously` and whose run has the old name."""
    _outdated: set[str] = field(default_factory=set)
    """Shared steps whose secrets were changed, by the ids of their runs; one of the sources that share it sends
    them."""
    _moving: set[str] = field(default_factory=set)
    """The runs, by id, of the selected sources that are."""
    _prints: Any = field(default_factory=hashlib.blake2b)
    _missed: set[str] | None = None
    """Names that were asked for and that no source so far has; None: none was seen yet."""
    _known: int = 0
    _wanted: bytearray = field(default_factory=bytearray)

    @property
    def selected(self) -> int:
        """How many sources the command is about."""
        return sum(self.standings.values())

    async def sources(self) -> AsyncIterator[Found]:
        """Every source, in the manifest's order."""
        codes = await self._codes() if self.selection.by_error else {}
        self._outdated = await self.engine.wanted.outdated()
        for batch in self.spool.batches(BATCH):
            await self._check_names(batch)
            items = [_item(said) for said in batch]
            missed = self.selection.missed([item.source for item in items])
            self._missed = missed if self._missed is None else self._missed & missed
            runs = [new_run(self.scope, item) for item in items]
            compared = await self.engine.journal.compare(runs)
            batch_found = list[Found]()
            for item, run, (standing, known) in zip(items, runs, compared, strict=True):
                state = known.status.value if known else RunStatus.PENDING.value
                subject = Subject(source=item.source, state=state, codes=codes.get(run.run_id, ()))
                found = Found(item=item, standing=standing, known=known, selected=self.selection.takes(subject))
                if known and found.renamed:
                    self.renamed[known.source] = item.source
                batch_found.append(found)
            for found in await self._all_foreseen(batch_found):
                self._count(found)
                yield found

    async def _all_foreseen(self, batch: list[Found]) -> list[Found]:
        """What the manifest, and the platform, mean for the steps of runs that are there."""
        results, places = dict(enumerate(batch)), anyio.CapacityLimiter(self.engine.window)

        async def foresee(place: int, found: Found, known: Known) -> None:
            async with places:
                run = await self.engine.journal.load(known.run_id)
                changes, left = await self.engine.wanted.foresee(found.item, run, look=self.look)
                unguarded = found.item.workflow.plan(found.inputs).sentinel is None
                looking = self.look and (unguarded or any(change.moved for change in changes))
                results[place] = replace(found, changes=changes, left=left, looking=looking)

        due = [
            partial(foresee, place, found, found.known)
            for place, found in results.items()
            if found.selected and found.known and (self.look or self._is_due(found))
        ]
        await together(*due)
        return list(results.values())

    def _is_due(self, found: Found) -> bool:
        """Whether there may be something to do for a source that is there."""
        if found.standing is not Standing.UNCHANGED or not self._outdated:
            return found.standing is not Standing.UNCHANGED
        workflow = found.item.workflow
        keys = workflow.plan(found.inputs).shared.values()
        shared = {run_id(workflow.name, self.scope, key, shared=True) for key in keys} & self._outdated
        self._outdated -= shared
        return bool(shared)

    def check_named(self, file: str, gone: int) -> None:
        """Once all were seen: a manifest names no sources only where the last of them was taken out, and it names those
        that were asked for. Raises `Refusal`."""
        if not self.spool.count and not gone:
            raise Refusal(f"{file}  names no sources, so there is nothing to do", "`headway init` writes an example")
        if self._missed:
            names = ", ".join(map(repr, sorted(self._missed)))
            raise Refusal(
                f"{file}  has no source that --only {names} means", "nothing was sent; look at the names there"
            )

    def batches(self) -> Iterator[list[Item]]:
        """The sources that there is something to send for, once all were seen."""
        place = 0
        for batch in self.spool.batches(BATCH):
            wanted = self._wanted[place : place + len(batch)]
            place += len(batch)
            if items := [_item(said) for said, yes in zip(batch, wanted, strict=True) if yes]:
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

    async def unshared(self) -> list[Orphan]:
        """What sources shared, and none shares once all are what the manifest says; once all were seen."""
        found = await self.engine.unshared(self.scope, self._moving, look=self.look)
        if not found:
            return []
        wanted = set[str]()
        for said in itertools.chain.from_iterable(self.spool.batches(BATCH)):
            item = _item(said)
            keys = item.workflow.plan(item.workflow.decode(item.text or "")).shared.values()
            wanted |= {run_id(item.workflow.name, self.scope, key, shared=True) for key in keys}
        return [orphan for orphan in found if orphan.id not in wanted]

    def note(self, found: Found, action: str) -> None:
        """Remember what is foreseen for a source, for `print_of`."""
        text = found.item.text or ""
        self._prints.update(print_of(found.item.source, action, text, found.changes).encode())

    def print_of(self) -> str:
        """A print of everything that was foreseen, in the manifest's order."""
        return str(self._prints.hexdigest()[:32])

    def _count(self, found: Found) -> None:
        self._known += found.known is not None
        self._wanted.append(found.to_do)
        self.to_do += found.to_do
        if found.selected:
            self.standings[found.standing] += 1
            if found.known and found.moving:
                self._moving.add(found.known.run_id)
            if found.changing:
                self.changed.append(found.item.source)
                if found.left:
                    self.left[found.item.source] = found.left

    async def _check_names(self, batch: list[Spooled]) -> None:
        """A source cannot take over the run of its previous name when it has one already. Raises `Refusal`."""
        asking = [said for said in batch if said.previously]
        if not asking:
            return
        alone = [replace(_item(said), previously=None) for said in asking]
        items = [*(replace(item, source=str(s.previously)) for item, s in zip(alone, asking, strict=True)), *alone]
        found = await self.engine.journal.compare([new_run(self.scope, item) for item in items])
        for said, (_, before), (_, now) in zip(asking, found[: len(asking)], found[len(asking) :], strict=True):
            if before and now and before.status is not RunStatus.DESTROYED and now.status is not RunStatus.DESTROYED:
                line = self.spool.line_of(said.source)
                raise Refusal(
                    f"line {line}: {said.source} cannot take the place of {said.previously}: the journal has both",
                    f"leave out `previously`, or destroy one of them; `headway status {said.previously}` shows it",
                )

    async def _codes(self) -> dict[str, set[str]]:
        """What went wrong in each run in which something did, by run id."""
        unhappy = (RunStatus.FAILED, RunStatus.IN_DOUBT)
        return {run.run_id: codes_of(run) async for run in self.engine.journal.stream(statuses=unhappy)}


def _item(said: Spooled) -> Item:
    """A name that the source had before says how its run is found, not what it is to be."""
    text = onboarding.encode(said.inputs) if said.previously else said.text
    return Item(
        workflow=onboarding, source=said.source, inputs=None, text=text, variant=said.chain, previously=said.previously
    )
