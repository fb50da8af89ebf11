"""Switching what a run made off and on again: an effect with its intent (rule 10).

The journal says first how the object is to be, then one conditional request is sent; a lost answer is resolved by
reading how it is, and a late request meets another etag than it asks for.
"""

from __future__ import annotations

from engine import upkeep
from engine.active import Active
from engine.effect import admit
from engine.errors import Answer, Conflict, Halt, InDoubt, NotApplied, Rejected
from engine.model import Attempt, Failure, Receipt, RunState, StepState, Verb, replace
from engine.resource import SWITCH, View
from engine.retry import next_delay
from engine.sentinel import look_at


async def switch(run: Active, *, on: bool) -> RunState:
    """Switch on or off every object of the run that can be and is nobody else's. Raises `StepFailed` for one that
    cannot be now."""
    for name in run.plan.steps:
        if run.owns(name) and run.made_by_us(name) and hasattr(run.resource(name), "switch"):
            await switch_step(run, name, on=on)
    return run.state


async def keep_switched(run: Active, *, sure: bool) -> None:
    """What took the place of an object that was switched off is switched off, too; the journal says so before it is, so
    it is looked at. What was begun is finished. A suspect run knows nothing better than another journal, until it is
    `sure`. Raises `StepFailed` for one that cannot be now."""
    if run.state.suspect and not sure:
        return
    for name, step in list(run.steps.items()):
        if step.ours and (step.off or upkeep.open_switches(step)):
            await switch_step(run, name, on=not step.off)


async def switch_step(run: Active, name: str, *, on: bool) -> None:
    """Switch one object on or off. Raises `StepFailed` when it cannot be now."""
    await _Switching(run, name, on=on).go()


class _Switching:
    """The way of one object to being on, or off."""

    def __init__(self, run: Active, name: str, *, on: bool) -> None:
        self.run, self.name, self.resource, self.on = run, name, run.resource(name), on
        self.tries = 0
        self.fresh = False

    async def go(self) -> None:
        """Until it is. Raises `StepFailed`."""
        run, name, clock, timing = self.run, self.name, self.run.session.clock, self.run.session.timing
        while True:
            if upkeep.open_switches(run.step(name)):
                # A read may be stale: it must show at least what an open request could have met.
                await run.sleep(run.last_possible_send(name) + timing.read_lag - clock.boot())
            asked_at = clock.boot()
            view = await self._look()
            if view.data.get(SWITCH) is not self.on:
                answer = await self._send(view)
                if isinstance(answer, Receipt) and answer.etag is not None:
                    return
            elif not self.fresh and view.etag != run.receipts[name].etag:
                await run.sleep(timing.read_lag)  # perhaps it is of before our last request
                self.fresh = True
            elif self._settled(view, asked_at):
                await self._write(upkeep.switched(run.step(name), view.etag, on=self.on))
                return
            else:
                await run.sleep(run.last_possible_send(name) + timing.settle - clock.boot())

    def _settled(self, view: View, asked_at: float) -> bool:
        """Whether no request can have an effect any more: each depends on the etag that it met, or is too old."""
        run, name = self.run, self.name
        if not any(attempt.condition == view.etag for attempt in upkeep.open_switches(run.step(name))):
            return True
        return asked_at >= run.last_possible_send(name) + run.session.timing.settle

    async def _look(self) -> View:
        """How the object is now; while it is between two states, wait."""
        run, name, looks = self.run, self.name, 0
        while True:
            view, _ = await look_at(run, name)
            if view is None:
                hint = "run again with --refresh to make it anew"
                message = f"there is no {run.receipts[name].id} on the platform"
                await run.fail(name, Failure(kind="gone", message=message, hint=hint))
            if SWITCH in view.data:
                return view
            looks += 1
            await run.sleep(next_delay(run.plan.steps[name].retry, looks, run.session.rng))

    async def _send(self, view: View) -> Receipt | None:
        """Try once; None: look again. Raises `StepFailed` when it is to end here."""
        run, name, session = self.run, self.name, self.run.session
        await admit(run, name)
        try:
            attempt, started = replace(run.attempt(Verb.SWITCH), condition=view.etag or ""), session.clock.boot()
            run.note(name, "intent", verb="switch", to="on" if self.on else "off")
            await self._write(upkeep.switching(run.step(name), attempt, on=self.on))
            send_within = session.timing.send_window - (session.clock.boot() - started)
            if send_within <= 0:
                late = Failure(kind="late", message="the request was not sent: its intent was too old")
                await self._write(upkeep.not_amended(run.step(name), attempt.tag, late))
                return None
            run.sends[name] = started + session.timing.send_window
            answer = await self._request(view, attempt, send_within)
        finally:
            session.gate.leave(self.resource.family)
        if isinstance(answer, Receipt):
            return answer
        await self._weigh(answer, attempt)
        return None

    async def _request(self, view: View, attempt: Attempt, send_within: float) -> Receipt | Answer:
        """Exactly one request; when it was cut off by a stop, the next look tells."""
        run, name = self.run, self.name
        answer: Receipt | Answer = InDoubt("interrupted")
        with run.session.sending():
            try:
                receipt: Receipt = await self.resource.switch(view, self.on, send_within)
            except Answer as refused:
                answer = refused
            except Halt as halt:
                never = Failure(kind="halt", message=str(halt))
                await self._write(upkeep.not_amended(run.step(name), attempt.tag, never))
                raise
            else:
                answer = receipt
                run.note(name, "switched", to="on" if self.on else "off")
                await self._write(upkeep.switched(run.step(name), receipt.etag, on=self.on))
        return answer

    async def _weigh(self, answer: Answer, attempt: Attempt) -> None:
        """Journal what an answer other than success means, and wait. Raises `StepFailed` when it is to end here."""
        run, name, session, failure = self.run, self.name, self.run.session, answer.failure
        run.note(name, answer.kind, verb="switch", **failure.details)
        if not isinstance(answer, InDoubt):
            await self._write(upkeep.not_amended(run.step(name), attempt.tag, failure))
        if isinstance(answer, Rejected):
            await run.fail(name, failure)
        if isinstance(answer, Conflict):
            hint = "somebody is changing it at the same time: run again later"
            failure = replace(failure, kind="conflict_of_changes", hint=hint)
        step = run.plan.steps[name]
        self.tries += session.charges(answer, self.resource.family)
        if self.tries >= session.policy(step).max_attempts:
            await run.fail(name, failure)
        if isinstance(answer, Conflict):
            await run.sleep(session.timing.read_lag)  # what is read next is what the condition met
            return
        floor = answer.retry_after if isinstance(answer, NotApplied) else None
        await run.sleep(next_delay(step.retry, self.tries + 1, session.rng, floor))

    async def _write(self, step: StepState) -> None:
        await self.run.write(step, status=self.run.state.status)  # it does not begin a run that is done
