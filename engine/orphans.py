"""Shared steps that no run needs any more: because the last run that shared them was destroyed, or shares another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import Answer, UnknownRun
from engine.identity import run_id
from engine.model import Receipt, RunState, RunStatus, Scope
from engine.session import Session
from engine.workflow import Plan, Step, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A shared step that no run needs, with the inputs of the last one that did, if that is known. `needs`: the ids of
    the shared steps that it refers to, by name. `kept`: it stays, for its data or for data that stands on it. `made`:
    the id of its object, if that is known."""

    id: str
    key: str
    step: Step
    workflow: Workflow[Any]
    inputs: Any
    needs: Mapping[str, str]
    kept: bool = False
    made: str = ""

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
    session: Session, workflows: Mapping[str, Workflow[Any]], destroyed: Collection[str], *, data: bool
) -> list[Orphan]:
    """The shared steps of the `destroyed` runs that no other run needs, dependents first. Without `data`, those that
    hold data are kept, and so is what they refer to."""
    found: dict[str, Orphan] = {}
    used, kept = set[str](), set[str]()
    async for state in session.journal.stream(statuses=tuple(RunStatus)):
        workflow = workflows.get(state.workflow)
        if workflow is None:
            continue
        inputs = workflow.decode(state.inputs)
        plan = workflow.plan(inputs)
        ids = {name: _id(state, plan, name) for name in plan.shared}
        if state.status is RunStatus.DESTROYED:
            kept |= {ids[name] for name in _kept(state, plan, data=data) if name in ids}
        else:
            used |= set(ids.values())
        if state.run_id in destroyed:
            for name, id in ids.items():
                step = plan.steps[name]
                needs = {need: ids[need] for need in step.needs if need in ids}
                key = plan.shared[name]
                found[id] = Orphan(id=id, key=key, step=step, workflow=workflow, inputs=inputs, needs=needs)
    unused = (replace(orphan, kept=orphan.id in kept) for orphan in found.values() if orphan.id not in used)
    return _dependents_first(unused, workflows)


async def unshared(
    session: Session,
    workflows: Mapping[str, Workflow[Any]],
    scope: Scope,
    moving: Collection[str] = (),
    of: Collection[str] | None = None,
) -> list[Orphan]:
    """The shared steps of a sandbox whose objects no run there shares or names any more, dependents first.

    Those that hold data, or that data may stand on, are marked `kept`; they are left out where a run that was destroyed
    shared them, since data is meant to outlive its runs. `moving`: runs (ids) that are about to get other inputs, so
    that what they share now does not count. `of`: only what these runs (ids) shared.
    """
    found = {orphan.id: orphan async for orphan in _made(session, workflows, scope)}
    if found and of is not None:
        theirs = {id async for id in _shared_by(session, workflows, of)}
        found = {id: orphan for id, orphan in found.items() if id in theirs}
    if not found:
        return []
    async for state in session.journal.stream(statuses=tuple(RunStatus)):
        workflow = workflows.get(state.workflow)
        if workflow is None or state.run_id in moving:
            continue
        destroyed = state.status is RunStatus.DESTROYED
        for inputs in (*state.was, state.inputs):
            plan = workflow.plan(workflow.decode(inputs))
            shared = {_id(state, plan, name) for name in plan.shared}
            for id, orphan in list(found.items()):
                if (id in shared or orphan.made in inputs) and (orphan.kept or not destroyed):
                    del found[id]
        if not found:  # as a rule after the first run
            break
    return _dependents_first(found.values(), workflows)


async def present(session: Session, found: Iterable[Orphan]) -> list[Orphan]:
    """Those of them that nobody deleted by hand meanwhile, as what is kept is for a person to delete."""
    return [orphan for orphan in found if not (orphan.kept and await _is_gone(session, orphan))]


async def _is_gone(session: Session, orphan: Orphan) -> bool:
    resource = session.resources[orphan.step.resource]
    try:
        return await session.ask(resource.family, lambda: resource.read(orphan.made)) is None
    except Answer:  # what cannot be read is not known to be gone
        return False


async def _shared_by(
    session: Session, workflows: Mapping[str, Workflow[Any]], run_ids: Collection[str]
) -> AsyncIterator[str]:
    async for state in session.journal.stream(statuses=tuple(RunStatus), run_ids=run_ids):
        if workflow := workflows.get(state.workflow):
            plan = workflow.plan(workflow.decode(state.inputs))
            for name in plan.shared:
                yield _id(state, plan, name)


async def _made(session: Session, workflows: Mapping[str, Workflow[Any]], scope: Scope) -> AsyncIterator[Orphan]:
    """What shared steps of a sandbox made for sure."""
    async for state in session.journal.stream(shared=True, statuses=tuple(RunStatus)):
        workflow = workflows.get(state.workflow)
        if workflow is None or not state.scope.same_sandbox(scope):
            continue
        for name, step in state.steps.items():
            made = step.receipt if step.ours else None
            if made and made.confirmed and name in workflow.steps:
                declared, key, kept = workflow.steps[name], state.source, name in under_data(workflow)
                yield Orphan(
                    id=state.run_id, key=key, step=declared, workflow=workflow, inputs=None, needs={}, kept=kept,
                    made=made.id,
                )  # fmt: skip


def under_data(workflow: Workflow[Any]) -> set[str]:
    """The steps that hold data, and all that these refer to."""
    found = set[str]()
    queue = [name for name, step in workflow.steps.items() if _holds_data(step)]
    while queue:
        name = queue.pop()
        found.add(name)
        queue += workflow.steps[name].needs
    return found


def _id(state: RunState, plan: Plan, name: str) -> str:
    return run_id(state.workflow, state.scope, plan.shared[name], shared=True)


def _dependents_first(found: Iterable[Orphan], workflows: Mapping[str, Workflow[Any]]) -> list[Orphan]:
    order = {name: place for workflow in workflows.values() for place, name in enumerate(workflow.order)}
    return sorted((o for o in found if not o.step.reads_only), key=lambda o: -order[o.step.name])


def _holds_data(step: Step) -> bool:
    return bool(getattr(step.resource, "holds_data", False))


def _kept(state: RunState, plan: Plan, *, data: bool) -> Iterator[str]:
    """What is left of a destroyed run, and all that it refers to."""
    queue = [name for name, step in state.steps.items() if step.receipt and name in plan.steps]
    if not data:
        queue += [name for name in plan.shared if _holds_data(plan.steps[name])]
    while queue:
        name = queue.pop()
        yield name
        queue += [need for need in plan.steps[name].needs if need in plan.steps]
