"""Deleting what a run made, in safe order (rule 10). DELETE is an effect: its intent goes first, its id is a tombstone.

Open intents are resolved before anything is deleted, and no attempt may still be in the gateway. Adopted objects and
shared steps are never touched; what holds data is kept unless asked for, and so is what it refers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from engine import machine, upkeep
from engine.active import Active, Shared
from engine.alter import Alteration, calm
from engine.confirm import confirm
from engine.ensure import ensure
from engine.errors import Answer, InDoubt, NotReady, Rejected
from engine.model import Attempt, Failure, Origin, RunState, RunStatus, StepState, Verb, replace
from engine.recover import find_sent
from engine.sentinel import look_at
from engine.workflow import Workflow


async def destroy(run: Active, shared: Shared, *, delete_data: bool) -> RunState:
    """Delete everything that the run created or recovered. Raises `StepFailed` for what cannot be deleted."""
    doomed = set(run.state.doomed)  # perhaps by a replacement, which is not all
    if not doomed or not _wanted(run, delete_data=delete_data) <= doomed:
        await settle_intents(run, shared)
        await doom(run, sorted(_wanted(run, delete_data=delete_data)))
    await delete_doomed(run)
    await forget(run)
    used = run.state.shared and any(step.receipt for step in run.steps.values())
    status, now = RunStatus.DONE if used else RunStatus.DESTROYED, run.session.clock.wall()
    await run.write(status=status, doomed=(), failure=None, finished_at=now)
    return run.state


def _wanted(run: Active, *, delete_data: bool) -> set[str]:
    """The steps whose objects are to be deleted."""
    spared = set() if delete_data else keeping(run)
    return {name for name in run.steps if deletable(run, name) and name not in spared}


async def settle_intents(run: Active, shared: Shared) -> None:
    """Finish every open attempt: a doubt is resolved by bringing the step to its receipt, and late requests are waited
    for. Steps that the run shares or adopts by now are finished, too, and those that it does not have any more: what
    was begun for them would be nobody's."""
    await _settle(run, shared, [name for name in run.workflow.order if name in run.steps and name in run.plan.steps])
    departed = [name for name, step in run.steps.items() if step.attempts and name not in run.plan.steps]
    for inputs in reversed(run.earlier_inputs) if departed else ():
        with run.as_before(inputs):
            begun = [name for name in run.plan.steps if name in departed and run.owns(name)]
            await _settle(run, shared, begun)
            for name in begun:
                if (step := run.step(name)).attempts and step.receipt is None:  # what it refers to is not there
                    await run.write(machine.absent(step))


async def _settle(run: Active, shared: Shared, names: Iterable[str]) -> None:
    for name in names:
        step = run.step(name)
        if step.attempts and step.receipt is None:
            needs = [need for need in run.plan.steps[name].needs if need in run.plan.steps]
            for need in needs:
                if need in run.plan.shared and need not in run.receipts:
                    run.receipts[need] = await shared(run, need)
            if all(need in run.receipts for need in needs):
                await ensure(run, name, run.write)
            elif not await find_sent(run, name):
                continue
        if (receipt := run.step(name).receipt) and not receipt.confirmed:
            await confirm(run, name)
        if run.step(name).attempts:
            await calm(run, name)


def keeping(run: Active) -> set[str]:
    """The steps whose objects hold data, and all that these refer to."""
    kept = set[str]()
    queue = [name for name in run.receipts if name in run.plan.steps and holds_data(run, name)]
    while queue:
        name = queue.pop()
        kept.add(name)
        queue += [need for need in run.plan.steps[name].needs if need in run.receipts and need not in kept]
    return kept


def holds_data(run: Active, name: str) -> bool:
    """Whether deleting the step's object would lose data that cannot be made again."""
    return bool(getattr(run.resource(name), "holds_data", False))  # what only reads has no such attribute


async def doom(run: Active, names: Iterable[str], released: Sequence[StepState] = ()) -> None:
    """Say durably which steps' objects will be deleted, and raise the generation, so that nothing old is ever taken
    again (rule 2). `released`: steps that let go of an object which stays."""
    generation = run.state.generation + 1
    await run.write(*released, doomed=tuple(names), generation=generation, status=RunStatus.RUNNING)


def deletable(run: Active, name: str) -> bool:
    """Whether the step has an object that is ours to delete."""
    return run.made_by_us(name) and hasattr(run.resource(name), "delete")


async def delete_doomed(run: Active) -> None:
    """Delete the doomed steps' objects, dependents first; tell what stays because it can only be superseded."""
    for name in _order(run):
        if name in run.state.doomed and (receipt := run.step(name).receipt):
            await _Deletion(run, name, receipt.id).go()
    for name, kept in remains(run.workflow, run.steps):
        if name in run.state.doomed and not kept:  # perhaps by a process that was lost before it could say so
            run.session.tell("step_left", run.state, name, id=run.step(name).tombstones[-1], kept=False)


def remains(workflow: Workflow[Any], steps: Mapping[str, StepState]) -> Iterator[tuple[str, bool]]:
    """What is left on the platform of a run that was destroyed, by step, and whether it was kept for its data."""
    for name, step in steps.items():
        if step.receipt:
            yield name, True
        elif step.tombstones and getattr(workflow.steps[name].resource, "superseding", False):
            yield name, False


async def forget(run: Active) -> None:
    """Once all that was to be deleted is gone: let go of what was adopted, and tell what stays for its data."""
    for name, step in list(run.steps.items()):
        if step.receipt is None or name in run.plan.shared:
            continue
        if deletable(run, name):
            run.session.tell("step_left", run.state, name, id=step.receipt.id, kept=True)
            continue
        if step.receipt.origin is Origin.ADOPTED:
            run.session.tell("step_released", run.state, name, id=step.receipt.id)
        await run.write(upkeep.deleted(step, run.session.clock.wall()))


def _order(run: Active) -> list[str]:
    """Dependents before what they refer to. The sentinel, and whatever holds the run in its place, go as late as their
    dependents allow: while they stand, they guard the rest. What the inputs no longer ask for goes as early as
    possible: if the journal were lost meanwhile, nobody would look for it. What merely differs from what the inputs ask
    for can wait: a person would be told of it."""
    names = list(reversed(run.workflow.order))
    guards = {name for name in (run.plan.sentinel, run.holder) if name and name in run.plan.steps}
    last = guards.union(*map(run.plan.before, guards))
    first = run.steps.keys() - run.plan.steps.keys()
    for name in run.workflow.order:
        if first.intersection(run.workflow.steps[name].needs):
            first.add(name)
    return sorted(names, key=lambda name: (name in last, name not in first))


class _Deletion(Alteration):
    """The way of one object to being gone. `doubted`: when the last request that may still delete it left at the latest
    (boot clock); `over`: it is gone, or spared."""

    verb = Verb.DELETE

    def __init__(self, run: Active, name: str, id: str) -> None:
        super().__init__(run, name)
        self.id, self.doubted, self.over = id, run.last_possible_send(name), False

    async def go(self) -> None:
        """Until it is over. Raises `StepFailed` when it cannot be deleted."""
        delete = partial(self.resource.delete, self.id)
        while not self.over:
            await self.once(lambda attempt: upkeep.deleting(self.run.step(self.name), attempt), delete)

    async def applied(self, answer: None = None) -> None:
        """Gone, by this request or by an earlier one."""
        del answer
        run, name = self.run, self.name
        run.session.forget(self.resource.kind, self.id)
        run.note(name, "deleted", id=self.id)
        await run.write(upkeep.deleted(run.step(name), run.session.clock.wall()))
        self.over = True

    async def weigh(self, answer: Answer, attempt: Attempt) -> None:
        """As for any alteration; but somebody may use the object who will not let go of it by himself."""
        run, name = self.run, self.name
        if isinstance(answer, InDoubt):
            self.doubted = run.sends[name]
        if isinstance(answer, NotReady) and hasattr(self.resource, "used"):
            user = await run.ask(name, lambda: self.resource.used(self.id))
            answer = Rejected(user) if user else answer
        first = self.tries == 0 and not isinstance(answer, Rejected)
        if run.state.shared and first:  # the runs have ended by now, so that nothing else shows
            run.session.tell("run_waiting", run.state, name, why=answer.failure.message)
        await super().weigh(answer, attempt)

    async def not_applied(self, attempt: Attempt, failure: Failure) -> None:
        """The id stays a tombstone, and the intent with it, until the object is gone or spared."""

    async def give_up(self, answer: Answer) -> None:
        """It cannot be deleted. Something shared stays, as somebody else uses it, perhaps a run of another journal.
        Raises `StepFailed` for anything else."""
        if self.run.state.shared and isinstance(answer, Rejected | NotReady):
            await self._spare(answer.failure)
        elif isinstance(answer, Rejected) and not answer.failure.hint:
            await super().give_up(Rejected(replace(answer.failure, hint="delete it by hand")))
        else:
            await super().give_up(answer)

    async def _spare(self, why: Failure) -> None:
        """The deletion of a shared object was refused: somebody else may use it. If it is still there when no request
        can delete it any more, it stays what it was."""
        run, name, self.over = self.run, self.name, True
        await run.sleep(self.doubted + run.session.timing.settle - run.session.clock.boot())
        view, _ = await look_at(run, name)
        if view is None:
            await self.applied()
            return
        run.note(name, "spared", id=self.id)
        run.session.tell("step_spared", run.state, name, id=self.id, message=why.message)
        await run.write(upkeep.spared(run.step(name), self.id), doomed=())
