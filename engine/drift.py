"""What the platform has, compared with what the journal says it has. Only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from engine import labels
from engine.changes import restoring, visible
from engine.errors import Answer
from engine.model import Json, Origin, Receipt, RunState, StepState, replace, value
from engine.prints import source_of
from engine.resource import Adopt, Change, View
from engine.session import Session
from engine.together import together
from engine.workflow import Plan, Step, Workflow


@value
class StepDrift:
    """How one object differs from what the journal says: it is `gone`, or other in these `fields` (`before`: as it is
    on the platform, `after`: as it should be), or `unknown`: why it could not be compared. `staying`: the paths of
    what was added and cannot be taken back. `twins`: the ids of others that bear its marker, of a run that has no
    sentinel which would keep journals apart."""

    step: str
    id: str
    shared: bool = False
    gone: bool = False
    fields: tuple[Change, ...] = ()
    staying: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()
    unknown: str = ""


async def drift(
    session: Session, workflow: Workflow[Any], shared: Mapping[str, StepState], state: RunState
) -> tuple[StepDrift, ...]:
    """Every object of a run that is not as it should be, in the order of its steps; all are read at once.

    `shared`: the states of the run's shared steps. What was adopted must be there, and may be as its owner likes.
    """
    inputs = workflow.decode(state.inputs)
    plan = workflow.plan(inputs)
    steps = {name: (shared if name in plan.shared else state.steps).get(name) for name in plan.steps}
    receipts = {name: step.receipt for name, step in steps.items() if step and step.receipt}
    comparison = _Comparison(
        session=session, workflow=workflow, plan=plan, inputs=inputs, state=state, receipts=receipts
    )
    await together(
        *(
            partial(comparison.compare, plan.steps[name], step, step.receipt)
            for name, step in steps.items()
            if step and step.receipt and not plan.steps[name].reads_only
        )
    )
    return tuple(comparison.found[name] for name in plan.steps if name in comparison.found)


async def views(
    session: Session, workflow: Workflow[Any], shared: Mapping[str, StepState], state: RunState
) -> dict[str, View | None]:
    """How every object of a run is now, None: gone. Raises `Answer` for one that cannot be read."""
    plan = workflow.plan(workflow.decode(state.inputs))
    found = dict[str, View | Answer | None]()

    async def look(name: str, receipt: Receipt) -> None:
        resource = session.resources[workflow.steps[name].resource]
        try:
            found[name] = await session.ask(resource.family, lambda: resource.read(receipt.id))
        except Answer as answer:
            found[name] = answer

    await together(
        *(
            partial(look, name, step.receipt)
            for name, step in {**state.steps, **shared}.items()
            if step.receipt and (name not in plan.shared or name in shared) and not workflow.steps[name].reads_only
        )
    )
    for answer in found.values():
        if isinstance(answer, Answer):
            raise answer
    return {name: view for name, view in found.items() if not isinstance(view, Answer)}


@dataclass(slots=True, kw_only=True)
class _Comparison:
    """One run being compared."""

    session: Session
    workflow: Workflow[Any]
    plan: Plan
    inputs: Any
    state: RunState
    receipts: Mapping[str, Receipt]
    found: dict[str, StepDrift] = field(default_factory=dict)

    async def compare(self, step: Step, state: StepState, receipt: Receipt) -> None:
        """Look at the object of one step."""
        resource = self.session.resources[step.resource]
        found = StepDrift(step=step.name, id=receipt.id, shared=step.name in self.plan.shared)
        try:
            view = await self.session.ask(resource.family, lambda: resource.read(receipt.id))
            if view is None:
                self.found[step.name] = replace(found, gone=True)
                return
            fields, staying = self._fields(step, state, receipt, view.content, view.data)
            twins = await self._twins(step, state, receipt)
        except Answer as answer:
            self.found[step.name] = replace(found, unknown=answer.failure.message)
            return
        if fields or twins:
            self.found[step.name] = replace(found, fields=fields, staying=staying, twins=twins)

    async def _twins(self, step: Step, state: StepState, receipt: Receipt) -> tuple[str, ...]:
        resource = self.session.resources[step.resource]
        guarded = self.plan.sentinel is not None or step.name in self.plan.shared
        if guarded or receipt.origin is Origin.ADOPTED or resource.superseding:
            return ()
        names = labels.names(self.state, step.name, unique=resource.unique)
        hits = await self.session.ask(resource.family, lambda: resource.find(names, None))
        known = {receipt.id, *state.tombstones}
        others = [hit.id for hit in hits if hit.name in names and hit.id not in known]
        live = [id for id in others if await self._is_there(resource, id)]
        return tuple(dict.fromkeys(live))

    async def _is_there(self, resource: Any, id: str) -> bool:
        return await self.session.ask(resource.family, lambda: resource.read(id)) is not None

    def _fields(
        self, step: Step, state: StepState, receipt: Receipt, content: Json, data: Mapping[str, Json]
    ) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        spec = self.workflow.spec(step, self.inputs, self.receipts)
        if receipt.origin is Origin.ADOPTED or isinstance(spec, Adopt):
            return (), ()
        resource, now = self.session.resources[step.resource], self.session.clock.wall()
        key = self.plan.shared.get(step.name)
        source = source_of(self.state, state) if key is None else key
        run = replace(self.state, source=source, generation=state.generation, shared=key is not None)
        label = labels.label(run, step.name, "", unique=resource.unique, sentinel_of=None)
        body = resource.body(spec, label, state.finished_at or now)
        differing = {one.path: one for one in visible(resource, spec, resource.changes(content, body, now), now)}
        restored = {change.path: change for change in restoring(resource, spec, content, body, now)}
        switched = (
            Change(path=key, before=data[key], after=wanted)
            for key, wanted in receipt.data.items()
            if key in data and data[key] != wanted
        )
        staying = tuple(path for path in differing if path not in restored)
        return (*{**restored, **differing}.values(), *switched), staying
