"""One effect: permit, intent, send window, one request, receipt (rule 1). Here it creates; `alter` takes the same
steps to change, switch and delete what is there already, `sentinel` to sign it.

    admit ──> intend (durable) ──> still fresh, still ours, not paused? ──> create ──> created | the five answers

Every answer settles the attempt that it answers, and only that one (rule 3).
"""

from __future__ import annotations

from typing import Any

import anyio
import orjson
from anyio.lowlevel import checkpoint_if_cancelled

from engine import labels, machine
from engine.active import Active, StepFailed
from engine.errors import Answer, Conflict, Halt, InDoubt, NotApplied, Rejected, TooLate
from engine.evidence import take
from engine.model import Attempt, Failure, Receipt, StepState, StepStatus, replace, value
from engine.prints import same_needs, source_of
from engine.retry import next_delay
from engine.sentinel import lease, leased, others_fresh
from engine.work import Work


class RejectedInDoubt(Exception):
    """The request was refused for good while an earlier attempt is still in doubt (rule 3)."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@value
class Intended:
    """An intent that may be sent: a permit is held, `at` is when its journal write began (boot clock)."""

    spec: Any
    name: str
    attempt: Attempt
    state: StepState
    at: float


def draft(run: Active, name: str, spec: Any) -> Intended:
    """The intent of a new attempt, not yet durable. An attempt that follows an open one keeps its inputs (rule 9), its
    name and its generation, apart from what must be fresh at each send, unless what it refers to is another object by
    now (rule 7). Raises `Rejected` for what cannot be sent."""
    session, step, resource = run.session, run.step(name), run.resource(name)
    attempt, started = run.attempt(), session.clock.boot()
    named, asked = run.state, run.printed(name)
    kept = step.body if step.attempts and step.spec != asked and same_needs(step.spec, asked) else None
    if kept is not None:
        named = replace(named, generation=step.generation, source=source_of(run.state, step))
    sentinel_of = session.journal.name if name == run.plan.sentinel else None
    label = labels.label(named, name, attempt.tag, unique=resource.unique, sentinel_of=sentinel_of)
    if kept is None:
        body = orjson.dumps(resource.body(spec, label, attempt.at)).decode()
    else:
        body, asked = kept.replace(step.attempts[-1].tag, attempt.tag), step.spec or asked
        if hasattr(resource, "refresh"):
            body = orjson.dumps(resource.refresh(orjson.loads(body), spec, attempt.at)).decode()
    state = machine.intend(step, attempt, body, asked, named.generation)
    return Intended(spec=spec, name=label.name, attempt=attempt, state=state, at=started)


async def admit(run: Active, name: str) -> None:
    """Take a permit while the sentinel is known to name us. The permit comes before the intent, so that an intent
    does not age while it waits."""
    gate, family, again = run.session.gate, run.resource(name).family, False
    while True:
        await lease(run, name)
        await gate.enter(family, 0 if again else run.turn(name))
        if leased(run, name):
            return
        gate.leave(family)
        again = True  # at the end of a long queue the next look would be too old as well, for ever


async def create(
    work: Work, scope: anyio.CancelScope, *, proven: bool, since: float, intended: Intended | None
) -> Failure | None:
    """Try once to create the step's object. Returns None when the step has its receipt, or when it is to go on as if
    nothing had been tried; the failure when it is to be tried again. Raises `StepFailed` for a rejection that leaves
    nothing open, else `RejectedInDoubt`.

    `since`: `run.alone_since` when the evidence was judged; nothing is sent if another journal was met after that.
    `proven`: no earlier attempt can have had an effect. `scope` is this task's own: a stop lets the request, and the
    record of its answer, finish for a while.
    """
    run, name, session = work.run, work.name, work.run.session
    if intended is None or run.stopping.begun or not fresh(run, name, intended):
        intended = await _make_ready(work, intended)
    if outdated(work, since):
        await _take_back(work, intended, why="another journal knew this run")
        return None
    run.stopping.shield(scope)
    try:
        sent, at = session.clock.boot(), session.clock.wall()
        run.sends[name] = until = intended.at + session.timing.send_window
        answer: Receipt | Answer
        try:
            answer = await work.resource.create(intended.state.body, until - sent)
        except Answer as refused:
            answer = refused
        except Halt as halt:
            never = Failure(kind="halt", message=str(halt))
            await run.write(machine.not_applied(run.step(name), intended.attempt.tag, never, None))
            raise
        finally:
            session.gate.leave(work.resource.family)
        if not isinstance(answer, Answer):
            await work.finish(_created(work, intended, answer, sent=sent, at=at, proven=proven))
            return None
        failure = await _settle(work, answer, intended.attempt.tag, at)
    finally:
        run.stopping.expose(scope)
    if isinstance(answer, Conflict):
        await _meet(work, answer)
        return None if work.step.receipt else failure
    return failure


async def _make_ready(work: Work, intended: Intended | None) -> Intended:
    """An intent that may be sent at this very moment. One that may not is withdrawn, and another one waits for its
    turn; when a stop comes first, there is none."""
    while True:
        intended = intended or await _intend(work)
        try:
            if work.run.stopping.begun:
                await anyio.sleep_forever()
            await checkpoint_if_cancelled()
        except anyio.get_cancelled_exc_class():
            await _take_back(work, intended, why="stopped")
            raise
        if fresh(work.run, work.name, intended):
            return intended
        await _take_back(work, intended, why="not sent in time")
        intended = None


async def _take_back(work: Work, intended: Intended, why: str) -> None:
    """Give the permit back, and withdraw the intent."""
    work.run.session.gate.leave(work.resource.family)
    with work.run.stopping.sending():
        await withdraw(work.run, intended, why=why)


async def _intend(work: Work) -> Intended:
    """Make an intent durable, with a permit in hand."""
    run, resource = work.run, work.resource
    await run.ask(work.name, lambda: resource.prepare(work.spec))
    await admit(run, work.name)
    try:
        intended = draft(run, work.name, work.spec)
        with run.stopping.sending():
            await run.write(intended.state)
    except BaseException:
        run.session.gate.leave(resource.family)
        raise
    return intended


def fresh(run: Active, name: str, intended: Intended) -> bool:
    """Whether an intent may be sent at this very moment: young enough, lease held, family not paused."""
    session = run.session
    if session.clock.boot() - intended.at > session.timing.send_window / 2:
        return False
    return leased(run, name) and session.gate.paused(run.resource(name).family) <= 0


def outdated(work: Work, since: float) -> bool:
    """Whether another journal was met, or turned out to have held the run for longer, after this step was looked for or
    was found to need no look: that journal may know more of this step, too (rule 7). Where the platform refuses a
    second one, sending is looking."""
    return work.run.alone_since > since and not work.run.unique(work.name)


async def withdraw(run: Active, *unsent: Intended, why: str) -> None:
    """Take back intents of which nothing has left, so that nobody need look for what they made."""
    for intended in unsent:
        run.note(intended.state.name, "withdrawn", why=why)
    await run.write(*(machine.withdrawn(run.step(i.state.name), i.attempt.tag) for i in unsent))


def _created(work: Work, intended: Intended, receipt: Receipt, *, sent: float, at: float, proven: bool) -> StepState:
    """The request created the object; `sent` on the boot clock, `at` on the wall's."""
    run, name, session, now = work.run, work.name, work.run.session, work.run.session.clock.wall()
    run.made.add(name)
    session.remember(work.resource.kind, sent=sent, name=intended.name, id=receipt.id)
    if name in run.plan.guards:
        run.guard_sent[name] = sent
    if name == run.plan.sentinel:
        ours = labels.parse(intended.state.body or "").journal == session.journal.name  # else it was no sentinel then
        known = ours and others_fresh(run, sent)
        run.lease_seen, run.told_generation = sent if known else float("-inf"), run.state.generation
    step = run.step(name)
    run.note(name, "created", attempt=step.tries, took=round(now - at, 3), id=receipt.id)
    return machine.created(step, intended.attempt.tag, receipt, now, proven=proven)


async def _settle(work: Work, answer: Answer, tag: str, at: float) -> Failure | None:
    """Journal what an answer other than *created* means to a request that was sent at `at` (wall clock)."""
    run, name, step, failure = work.run, work.name, work.step, answer.failure
    now, policy = run.session.clock.wall(), run.workflow.steps[name].retry
    run.note(name, "intent", attempt=step.tries, tag=tag)
    run.note(name, "sent", took=round(now - at, 3))
    run.note(name, answer.kind, **failure.details)
    run.session.tell("step_answered", run.state, name, kind=answer.kind, message=failure.message)
    match answer:
        case InDoubt():
            due = now + next_delay(policy, max(step.tries, 1), run.session.rng) if run.unique(name) else None
            await run.write(machine.doubted(step, failure, due))
        case Rejected():
            await run.write(machine.rejected(step, tag, failure, now))
            raise StepFailed(failure, name) if work.step.status is StepStatus.FAILED else RejectedInDoubt(failure)
        case Conflict():
            await run.write(machine.not_applied(step, tag, failure, None))
        case _:
            floor = answer.retry_after if isinstance(answer, NotApplied) else None
            pause = next_delay(policy, max(step.tries, 1), run.session.rng, floor)
            await run.write(machine.not_applied(step, tag, failure, now + pause))
            return None if isinstance(answer, TooLate) else failure
    return failure


async def _meet(work: Work, answer: Conflict) -> None:
    """Somebody has our title: if it is ours, take it; if it only looks like it, a person must see (rules 4 and 5)."""
    run, name, resource, existing = work.run, work.name, work.resource, answer.existing
    if existing is None:
        hits = await run.ask(name, lambda: resource.find(run.names(name), None))
        existing = hits[0].id if hits else None
    view = None if existing is None else await run.ask(name, lambda: resource.read(existing))
    if view is not None:
        await take(work, view)
