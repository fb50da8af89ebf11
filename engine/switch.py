"""Switching what a run made off and on again: an effect with its intent, which may be repeated (rule 10).

The journal says first how the object is to be, then one conditional request is sent; a lost answer is resolved by
reading how it is, and a late request meets another etag than it asks for.
"""

from __future__ import annotations

from engine.active import Active, describe
from engine.effect import admit
from engine.errors import Answer, NotApplied, Rejected
from engine.model import Failure, Origin, Receipt, RunState, StepState, replace
from engine.resource import SWITCH, View
from engine.retry import next_delay


async def switch(run: Active, *, on: bool) -> RunState:
    """Switch on or off every object of the run that can be and is nobody else's. Raises `StepFailed` for one that
    cannot be now."""
    for name in run.plan.steps:
        made = name in run.receipts and run.receipts[name].origin is not Origin.ADOPTED
        if made and name not in run.plan.shared and hasattr(run.resource(name), "switch"):
            await switch_step(run, name, on=on)
    return run.state


async def keep_off(run: Active) -> None:
    """What took the place of an object that was switched off is switched off, too; the journal says so before it is, so
    it is looked at. Raises `StepFailed` for one that cannot be now."""
    for name, step in list(run.steps.items()):
        if step.off and step.receipt and step.receipt.origin is not Origin.ADOPTED:
            await switch_step(run, name, on=False)


async def switch_step(run: Active, name: str, *, on: bool) -> None:
    """Switch one object on or off. Raises `StepFailed` when it cannot be now."""
    session, resource, tries = run.session, run.resource(name), 0
    while True:
        view = await _look(run, name)
        if view.data.get(SWITCH) is on:
            await run.write(_known(run.step(name), on=on, etag=view.etag), status=run.state.status)
            return
        await admit(run, name)
        try:
            started = session.clock.boot()
            run.note(name, "intent", verb="switch", to="on" if on else "off")
            await run.write(_known(run.step(name), on=on, etag=view.etag), status=run.state.status)
            left = session.timing.send_window - (session.clock.boot() - started)
            answer = await _send(run, name, view, on=on, left=left) if left > 0 else None
        finally:
            session.gate.leave(resource.family)
        if isinstance(answer, Rejected):
            await run.fail(name, answer.failure)
        if isinstance(answer, Answer):
            tries += session.charges(answer, resource.family)
            if tries >= session.policy(run.plan.steps[name]).max_attempts:
                await run.fail(name, answer.failure)
            floor = answer.retry_after if isinstance(answer, NotApplied) else None
            await run.sleep(next_delay(run.plan.steps[name].retry, tries + 1, session.rng, floor))


async def _look(run: Active, name: str) -> View:
    """How the object is now; while it is between two states, wait."""
    id, resource, looks = run.receipts[name].id, run.resource(name), 0
    while True:
        view: View | None = await run.ask(name, lambda: resource.read(id))
        if view is None:
            hint = "run again with --refresh to make it anew"
            await run.fail(name, Failure(kind="gone", message=f"there is no {id} on the platform", hint=hint))
        if SWITCH in view.data:
            return view
        looks += 1
        await run.sleep(next_delay(run.plan.steps[name].retry, looks, run.session.rng))


async def _send(run: Active, name: str, view: View, *, on: bool, left: float) -> Answer | None:
    """One request; None when it was done, or when it was cut off by a stop: the next look tells."""
    with run.session.sending():
        try:
            receipt: Receipt = await run.resource(name).switch(view, on, left)
        except Answer as answer:
            run.note(name, answer.kind, verb="switch", **describe(answer.failure))
            return answer
        run.note(name, "switched", to="on" if on else "off")
        await run.write(_known(run.step(name), on=on, etag=receipt.etag), status=run.state.status)
    return None


def _known(step: StepState, *, on: bool, etag: str | None) -> StepState:
    """The step whose object is to be, or is, on or off."""
    if step.receipt is None:
        raise ValueError(f"step {step.name}: nothing to switch")
    receipt = replace(step.receipt, etag=etag, data={**step.receipt.data, SWITCH: on})
    return replace(step, receipt=receipt, off=not on, failure=None)
