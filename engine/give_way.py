"""Before the walk: what cannot be changed in place gives way to what the walk will make. It is superseded, or taken
down, dependents first, so that never two of them live (rule 10)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine import changes, upkeep
from engine.active import Active, Shared, StepFailed
from engine.destroy import deletable, delete_doomed, doom, settle_intents
from engine.errors import Rejected
from engine.model import Failure, Origin, StepState, replace
from engine.sentinel import hold
from engine.step_change import StepChange


async def give_way(run: Active, shared: Shared) -> bool:
    """Supersede or take down whatever cannot become what the inputs say. Returns False when another journal turns out
    to know the run: then nothing goes before it is known what there is. Raises `StepFailed` when something would have
    to be taken down, and nobody allowed that."""
    await _release_shared(run)
    if any(run.asking(name) is not run.inputs for name in run.steps):
        await settle_intents(run, shared)
    found = await _compare(run, shared)
    await _allowed(run, [change for change in found if change.destroys])
    if any(change.destroys or change.superseded for change in found):
        await settle_intents(run, shared)  # rule 9: what is open is finished as it was begun
        await hold(run)  # the sentinel may have been found by that
        if run.state.suspect:
            return False
        found = await _compare(run, shared)
    doomed = [change for change in found if change.destroys]
    superseded = [change for change in found if change.superseded]
    if doomed:
        leaving = {change.step: change for change in doomed if change.stays or not deletable(run, change.step)}
        for name, change in leaving.items():
            if run.made_by_us(name):
                run.note(name, "left", id=change.id)
                run.session.tell("step_left", run.state, name, id=change.id, kept=True)
        gone = [change.step for change in doomed if change.step not in leaving]
        await doom(run, gone, [_released(run.step(name)) for name in leaving])
        await delete_doomed(run)
        await run.write(doomed=())
    if superseded:
        await _supersede(run, [change.step for change in superseded])
    if doomed or superseded:
        await hold(run)  # the sentinel says the generation before anything of it is made (rule 2)
    return True


async def _release_shared(run: Active) -> None:
    """Let go of what the run adopted for steps that it shares now: it must not come back when they are not shared."""
    adopted = [
        step
        for name, step in run.steps.items()
        if step.receipt and step.receipt.origin is Origin.ADOPTED and not run.owns(name)
    ]
    if adopted:
        await run.write(*map(_released, adopted))


async def _compare(run: Active, shared: Shared) -> Sequence[StepChange]:
    states: dict[str, StepState] = {}
    for name in run.plan.shared:
        if any(name in run.plan.steps[other].needs for other in run.plan.steps if other in run.receipts):
            run.receipts[name] = await shared(run, name)
            states[name] = StepState(name=name, receipt=run.receipts[name])
    try:
        return changes.changes(
            run.workflow,
            run.now(),
            run.inputs,
            run.session.resources,
            now=run.session.clock.wall(),
            shared=states,
            delete_data=run.session.delete_data,
            seen=run.seen,
        )
    except Rejected as refusal:
        raise StepFailed(refusal.failure, "") from refusal


async def _allowed(run: Active, doomed: Sequence[StepChange]) -> None:
    """Nothing is taken down unasked. Raises `StepFailed`."""
    refused = next((change for change in doomed if change.refused), None)
    if not doomed or (refused is None and run.session.replace):
        return
    names = ", ".join(change.step.replace("_", " ") for change in doomed)
    message = refused.refused if refused else f"{names} cannot be changed in place"
    hint = "give the source another name, or destroy it first" if refused else "allow it with headway run --replace"
    name = refused.step if refused else doomed[0].step
    failure = Failure(kind="needs_replace", message=message, hint=hint)
    run.note(name, failure.kind, **failure.details)
    await run.write(replace(run.step(name), failure=failure))
    run.session.tell("step_failed", run.state, name, kind=failure.kind, message=message)
    raise StepFailed(failure, name)


def _released(step: StepState) -> StepState:
    """A step that lets go of an object that stays: one that others may need, or that was never ours."""
    return upkeep.superseded(step) if step.ours else replace(upkeep.lost(step), spec=None)


async def _supersede(run: Active, names: Collection[str]) -> None:
    """Let go of objects that cannot be deleted; the new ones get names of a generation that none of them has."""
    steps = [run.step(name) for name in names]
    for step in steps:
        run.note(step.name, "superseded", id=step.receipt.id if step.receipt else None)
    newest = max(step.generation for step in steps)
    generation = max(run.state.generation, newest + 1)
    await run.write(*map(upkeep.superseded, steps), generation=generation)
