"""One request that alters what a step has made: permit, intent, send window, request, record (rules 1 and 10).

    admit ──> intend (durable) ──> still fresh, still ours? ──> change, switch or delete ──> done | the five answers

`revise`, `switch` and `destroy` say what is intended, what is sent and when it is done; `effect` is the way of what
there is not yet. What goes out changes nothing that it was not meant for: a change and a switch depend on the state in
which the object was seen, an id that was deleted is never another's. So a lost answer is settled by looking again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from engine import upkeep
from engine.active import Active
from engine.effect import admit
from engine.errors import Answer, Conflict, Halt, InDoubt, NotApplied, Rejected, TooLate
from engine.model import Attempt, Failure, StepState, Verb, replace
from engine.resource import View
from engine.retry import next_delay
from engine.sentinel import leased

T = TypeVar("T")


async def calm(run: Active, name: str) -> None:
    """Wait until none of the step's open requests can arrive any more: what is there no longer keeps them away."""
    due = run.last_possible_send(name) + run.session.timing.settle
    await run.sleep(due - run.session.clock.boot())
    await run.write(upkeep.calmed(run.step(name)))


class Alteration:
    """One object on its way to what it is to be. `tries`: requests that failed; `fresh`: a stale read was ruled out by
    waiting."""

    verb: Verb

    def __init__(self, run: Active, name: str) -> None:
        self.run, self.name, self.resource = run, name, run.resource(name)
        self.tries = 0
        self.fresh = False

    async def once(
        self, intend: Callable[[Attempt], StepState], send: Callable[[float], Awaitable[T]], condition: str = ""
    ) -> T | None:
        """Send exactly one request, or none where its intent got too old. `intend`: the step with the intent; `send`:
        the request, which leaves within so many seconds. Returns what `send` does; None after any other answer, when it
        is time to look again. Raises `StepFailed` when it is to end here."""
        run, name, session = self.run, self.name, self.run.session
        await admit(run, name)
        try:
            attempt, started = replace(run.attempt(self.verb), condition=condition), session.clock.boot()
            await self.write(intend(attempt))
            send_within = session.timing.send_window - (session.clock.boot() - started)
            if send_within > 0 and leased(run, name):
                run.sends[name] = started + session.timing.send_window
                answer = await self._send(send, send_within, attempt)
            else:
                answer = TooLate("the request was not sent: its intent was too old")
        finally:
            session.gate.leave(self.resource.family)
        if not isinstance(answer, Answer):
            return answer
        run.note(name, answer.kind, verb=attempt.verb, **answer.failure.details)
        await self.weigh(answer, attempt)
        return None

    async def _send(self, send: Callable[[float], Awaitable[T]], send_within: float, attempt: Attempt) -> T | Answer:
        """The request and its record; in doubt, when a stop cuts them off."""
        answer: T | Answer = InDoubt("interrupted")
        with self.run.stopping.sending():
            try:
                done = await send(send_within)
            except Answer as refused:
                answer = refused
            except Halt as halt:
                await self.not_applied(attempt, Failure(kind="halt", message=str(halt)))
                raise
            else:
                await self.applied(done)
                answer = done
        return answer

    async def weigh(self, answer: Answer, attempt: Attempt) -> None:
        """Journal what an answer other than success means, and wait until the next try. Raises `StepFailed` when there
        is none."""
        run, name, session = self.run, self.name, self.run.session
        if not isinstance(answer, InDoubt):
            await self.not_applied(attempt, answer.failure)
        step = run.workflow.steps[name]
        self.tries += session.charges(answer, self.resource.family)
        if isinstance(answer, Rejected) or self.tries >= session.policy(step).max_attempts:
            await self.give_up(answer)
        elif isinstance(answer, Conflict):
            await run.sleep(session.timing.read_lag)  # what is read next is what the condition met
        else:
            floor = answer.retry_after if isinstance(answer, NotApplied) else None
            await run.sleep(next_delay(step.retry, self.tries + 1, session.rng, floor))

    async def give_up(self, answer: Answer) -> None:
        """It cannot be done, or not now. Raises `StepFailed`."""
        failure = answer.failure
        if isinstance(answer, Conflict):
            hint = "somebody is changing it at the same time: run again later"
            failure = replace(failure, kind="conflict_of_changes", hint=hint)
        elif not isinstance(answer, Rejected):
            failure = replace(failure, hint=failure.hint or "run again to go on trying")
        await self.run.fail(self.name, failure)

    async def applied(self, answer: Any) -> None:
        """Record what the request, which returned `answer`, has done; a stop does not come between."""

    async def not_applied(self, attempt: Attempt, failure: Failure) -> None:
        """Forget an attempt that had no effect and never will."""
        await self.write(upkeep.not_amended(self.run.step(self.name), attempt.tag, failure))

    async def write(self, step: StepState) -> None:
        """Make the step's state durable."""
        await self.run.write(step)

    # what a look tells

    def condition(self, view: View) -> str:
        """What a request depends on, so that it has no effect on an object that has become another: the etag."""
        return view.etag or ""

    async def catch_up(self, open: Sequence[Attempt]) -> None:
        """A read may be stale: wait until it must show at least what an open request could have met."""
        if open:
            timing, clock = self.run.session.timing, self.run.session.clock
            await self.run.sleep(self.run.last_possible_send(self.name) + timing.read_lag - clock.boot())

    async def settled(self, open: Sequence[Attempt], view: View, asked_at: float) -> bool:
        """Whether none of the open requests could have an effect any more when the object was looked at (boot clock):
        each depends on what the object was like, or is too old. If not, it is so after this."""
        due = self.run.last_possible_send(self.name) + self.run.session.timing.settle
        if asked_at >= due or all(attempt.condition != self.condition(view) for attempt in open):
            return True
        await self.run.sleep(due - self.run.session.clock.boot())
        return False

    async def look_again(self) -> None:
        """Wait until a read cannot show any more what was before our last request."""
        await self.run.sleep(self.run.session.timing.read_lag)
        self.fresh = True
