"""Shared steps that no run needs any more: what destroying the last run that shared them leaves to be deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import UnknownRun
from engine.identity import run_id
from engine.model import Receipt, RunState, RunStatus
from engine.session import Session
from engine.workflow import Plan, Step, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A shared step whose last run was destroyed, with the inputs of that run. `needs`: the ids of the shared steps
    that it refers to, by name."""

    id: str
    step: Step
    workflow: Workflow[Any]
    inputs: Any
    needs: Mapping[str, str]

    async def receipts(self, session: Session) -> dict[str, Receipt]:
        """What it refers to."""
        found: dict[str, Receipt] = {}
        for name, id in self.needs.items():
            try:
                state = (await session.journal.load(id)).steps.get(name)
            except UnknownRun:
                continue
            if state and state.receipt:
                found[name] = state.receipt
        return found


async def orphans(
    session: Session, workflows: Mapping[tuple[str, str], Workflow[Any]], destroyed: Collection[str], *, data: bool
) -> list[Orphan]:
    """The shared steps of the `destroyed` runs that no other run needs, dependents first. Without `data`, those that
    hold data are left, and so is what they refer to."""
    found: dict[str, Orphan] = {}
    used = set[str]()
    async for state in session.journal.stream(statuses=tuple(RunStatus)):
        workflow = workflows.get((state.workflow, state.variant))
        if workflow is None:
            continue
        inputs = workflow.decode(state.inputs)
        plan = workflow.plan(inputs)
        ids = {name: run_id(state.workflow, state.scope, key, shared=True) for name, key in plan.shared.items()}
        needed = set(_kept(state, plan, data=data)) if state.status is RunStatus.DESTROYED else set(ids)
        used |= {ids[name] for name in needed & ids.keys()}
        if state.run_id in destroyed:
            for name, id in ids.items():
                step = plan.steps[name]
                needs = {need: ids[need] for need in step.needs if need in ids}
                found[id] = Orphan(id=id, step=step, workflow=workflow, inputs=inputs, needs=needs)
    order = {name: place for workflow in workflows.values() for place, name in enumerate(workflow.order)}
    return sorted((o for o in found.values() if o.id not in used), key=lambda o: -order[o.step.name])


def _kept(state: RunState, plan: Plan, *, data: bool) -> Iterator[str]:
    """What is left of a destroyed run, and all that it refers to."""
    queue = [name for name, step in state.steps.items() if step.receipt and name in plan.steps]
    if not data:
        queue += [name for name in plan.shared if getattr(plan.steps[name].resource, "holds_data", False)]
    while queue:
        name = queue.pop()
        yield name
        queue += [need for need in plan.steps[name].needs if need in plan.steps]
