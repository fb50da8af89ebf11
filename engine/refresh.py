"""Looking at what a run has made, so that what others did to it by hand is put back. Only the journal is written here.

What was deleted by hand is to be made anew: its id is a tombstone, and its successor gets the names of the next
generation. What was changed gives way or is changed in place like anything that is not as the inputs say (`revise`).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine import upkeep
from engine.active import Active
from engine.confirm import twins
from engine.model import Failure, Origin, RunChanges, RunStatus, replace
from engine.sentinel import hold, keep_up, look_at


async def refresh(run: Active) -> None:
    """Look at every object of the run; `run.seen` has those that are there. Raises `StepFailed` for an adopted one that
    is gone."""
    gone = list[str]()
    for name, receipt in list(run.receipts.items()):
        if not run.owns(name) or run.plan.steps[name].reads_only:
            continue
        view, _ = await look_at(run, name)
        if view is not None:
            run.seen[name] = view
            if receipt.origin is Origin.ADOPTED:  # it is never changed, so that nothing else looks at its etag
                await keep_up(run, name, view)
        elif receipt.origin is Origin.ADOPTED:
            hint = "name another one in the manifest"
            await run.fail(
                name, Failure(kind="gone", message=f"{receipt.id}, which was adopted, no longer exists", hint=hint)
            )
        else:
            gone.append(name)
        if view is not None and run.plan.sentinel is None and receipt.origin is not Origin.ADOPTED:
            await _doubt_twins(run, name)
    if gone:
        await lose(run, gone)


async def _doubt_twins(run: Active, name: str) -> None:
    """Where no sentinel keeps journals apart, another one may have made the same: what has a twin is looked after until
    that is gone. Of what is superseded a second one does no harm."""
    step = run.step(name)
    if step.receipt and not run.resource(name).superseding and await twins(run, name):
        await run.write(replace(step, receipt=replace(step.receipt, confirmed=False)))


async def lose(run: Active, names: Sequence[str]) -> None:
    """Let go of objects that somebody deleted. The sentinel says the generation first (rule 2)."""
    for name in names:
        run.note(name, "gone", id=run.receipts[name].id)
        run.session.tell("step_gone", run.state, name, id=run.receipts[name].id)
    begun_by = run.state.begun_by or run.session.journal.process
    raised = RunChanges(
        generation=run.state.generation + 1, status=RunStatus.RUNNING, begun_by=begun_by, finished_at=None
    )
    await run.write(*(upkeep.superseded(run.step(name)) for name in names), **raised)
    await hold(run)
