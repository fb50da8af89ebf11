"""What users want, compared with what the journal has: registering it, and foreseeing what it changes."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import codec
from engine.changes import NOT_SEEN, changes
from engine.drift import views
from engine.errors import Answer, UnknownRun, WorkflowChanged
from engine.identity import run_id
from engine.model import Known, NewRun, RunState, RunStatus, Scope, StepState, replace
from engine.orphans import under_data
from engine.ports import Standing
from engine.resource import View
from engine.session import Session
from engine.step_change import Action, StepChange
from engine.workflow import Plan, Workflow

SHARED_KEPT = 1024
"""Shared steps that are remembered, so that a batch does not read them for each run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a user wants for one source: a workflow and its inputs. `text`: the inputs, if they are encoded already.
    `variant`: what people call the way that these inputs take through the workflow. `previously`: the name that the
    source had before."""

    workflow: Workflow[Any]
    source: str
    inputs: Any
    text: str | None = None
    variant: str = ""
    previously: str | None = None


@dataclass(slots=True, kw_only=True)
class Registration:
    """What registering found: the `batch` to run, how many sources have which standing, which finished ones are
    `changed` by it, and which are `left` as they are, by source with the reason."""

    batch: int
    standings: Counter[Standing] = field(default_factory=Counter)
    changed: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def new_run(scope: Scope, item: Item) -> NewRun:
    """What registering an item writes."""
    workflow = item.workflow
    text = workflow.encode(item.inputs) if item.text is None else item.text
    return NewRun(
        run_id=run_id(workflow.name, scope, item.source),
        workflow=workflow.name,
        variant=item.variant,
        scope=scope,
        source=item.source,
        inputs=text,
        inputs_print=codec.fingerprint(text),
        definition=workflow.fingerprint,
        previously=item.previously,
        previous_id=run_id(workflow.name, scope, item.previously) if item.previously else None,
    )


class Wanted:
    """The workflows that are known here, and the runs of them that the journal has."""

    def __init__(self, session: Session, workflows: Mapping[str, Workflow[Any]]) -> None:
        self.session, self.workflows = session, workflows
        self._shared: OrderedDict[str, RunState] = OrderedDict()

    async def register(self, scope: Scope, batches: Iterable[Sequence[Item]]) -> Registration:
        """Enter what is wanted into the journal; nothing is sent. Raises `StorageError`."""
        for workflow in self.workflows.values():
            await self.session.journal.define(workflow.fingerprint, workflow.definition)
        done = Registration(batch=await self.session.journal.new_batch())
        again = self.session.refresh or await self.outdated()
        due = (Standing.CHANGED, Standing.UNCHANGED) if again else (Standing.CHANGED,)
        for items in batches:
            found = await self.session.journal.register(done.batch, [new_run(scope, item) for item in items])
            done.standings.update(standing for standing, _ in found)
            if finished := [(i, s, k) for i, (s, k) in zip(items, found, strict=True) if s in due]:
                await self._change(scope, done, finished)
        return done

    async def _change(self, scope: Scope, done: Registration, finished: Sequence[tuple[Item, Standing, Known]]) -> None:
        """Give finished runs their new inputs, unless that would take down what nobody allowed to."""
        runs = []
        for item, standing, known in finished:
            found, reason = await self.foresee(item, await self.session.journal.load(known.run_id))
            if reason:
                done.left[item.source] = reason
            elif self.session.refresh or standing is Standing.CHANGED or any(change.due for change in found):
                done.changed.append(item.source)
                runs.append(new_run(scope, item))
        await self.session.journal.register(done.batch, runs, {run.run_id for run in runs})

    async def foresee(self, item: Item, run: RunState, *, look: bool = False) -> tuple[Sequence[StepChange], str]:
        """What an item means for each step of a run that the journal has, and why it cannot be done now. `look`:
        what the run made is read first; else nothing is sent."""
        try:
            seen = await views(self.session, *await self.declared(run), run) if look else NOT_SEEN
            found = await self._compare(item, run, seen)
        except Answer as refusal:
            return (), refusal.failure.message
        refused = next((f"{change.step.replace('_', ' ')}: {change.refused}" for change in found if change.refused), "")
        doomed = [change.step.replace("_", " ") for change in found if change.destroys]
        if refused or not doomed or self.session.replace:
            return found, refused
        return found, f"{', '.join(doomed)} cannot be changed in place: needs --replace"

    async def _compare(
        self, item: Item, run: RunState, seen: Mapping[str, View | None] = NOT_SEEN
    ) -> Sequence[StepChange]:
        """What an item means for each step of a run that the journal has, whose objects are as `seen`; nothing is sent.
        Raises `Rejected`."""
        inputs = item.inputs if item.text is None else item.workflow.decode(item.text)
        plan = item.workflow.plan(inputs)
        shared = {
            name: state for name, key in plan.shared.items() if (state := await self._shared_step(run, name, key))
        }
        former = {
            name: state
            for name, state in (await self.declared(run))[1].items()
            if name not in shared or shared[name].receipt != state.receipt
        }
        found = changes(
            item.workflow,
            run,
            inputs,
            self.session.resources,
            now=self.session.clock.wall(),
            shared=shared,
            source=item.source,
            delete_data=self.session.delete_data,
            seen=seen,
            outdated=[name for name, state in {**run.steps, **shared}.items() if await self._is_outdated(run, state)],
            former=former,
        )
        left = [name for name in former if name not in plan.shared and _leaves(name, former, item.workflow)]
        gone = (StepChange(step=name, action=Action.DELETE, shared=True) for name in left)
        return [_letting_go(change, former, item.workflow) for change in (*found, *gone)]

    async def outdated(self) -> set[str]:
        """The shared steps, by the ids of their runs, whose secrets were changed behind their references."""
        return {
            run.run_id
            async for run in self.session.journal.stream(shared=True)
            for state in run.steps.values()
            if await self._is_outdated(run, state)
        }

    async def _is_outdated(self, run: RunState, state: StepState) -> bool:
        workflow = self.workflows.get(run.workflow)
        step = workflow.steps.get(state.name) if workflow else None
        resource = self.session.resources.get(step.resource) if step else None
        if resource is None or state.receipt is None or not hasattr(resource, "current"):
            return False
        return not await resource.current(state.receipt)

    def known(self, run: RunState) -> Workflow[Any]:
        """The workflow of a run. Raises `WorkflowChanged` when it is not known here."""
        workflow = self.workflows.get(run.workflow)
        if workflow is None:
            raise WorkflowChanged(f"run {run.source!r} needs workflow {run.workflow!r}, unknown here")
        return workflow

    async def declared(self, run: RunState) -> tuple[Workflow[Any], dict[str, StepState]]:
        """The workflow of a run, and the states of its shared steps. Raises `WorkflowChanged`."""
        workflow = self.known(run)
        return workflow, await self.shared_steps(run, workflow.plan(workflow.decode(run.inputs)))

    async def shared_steps(self, run: RunState, plan: Plan) -> dict[str, StepState]:
        """The states of the steps that a run shares, as far as the journal has them."""
        return {name: state for name, key in plan.shared.items() if (state := await self._shared_step(run, name, key))}

    async def _shared_step(self, run: RunState, name: str, key: str) -> StepState | None:
        id = run_id(run.workflow, run.scope, key, shared=True)
        known = self._shared.get(id)
        if known is None or known.status is not RunStatus.DONE:
            try:
                known = await self.session.journal.load(id)
            except UnknownRun:
                return None
            self._shared[id] = known
            if len(self._shared) > SHARED_KEPT:
                self._shared.popitem(last=False)
        return known.steps.get(name)


def _letting_go(change: StepChange, former: Mapping[str, StepState], workflow: Workflow[Any]) -> StepChange:
    """A change of a shared step, naming the object that the run shared before, if that may be nobody's from now on."""
    before = former.get(change.step)
    if change.id or not change.shared or before is None or not _leaves(change.step, former, workflow):
        return change
    return replace(change, id=before.receipt.id if before.receipt else None, stays=True)


def _leaves(name: str, former: Mapping[str, StepState], workflow: Workflow[Any]) -> bool:
    """Whether a step that was shared made something that may be for nobody once it is not shared any more. What holds
    data, and what it may stand on, stays."""
    made = former[name].ours and not workflow.steps[name].reads_only
    return made and name not in under_data(workflow)
