"""One effect: permit, intent, send window, one request, receipt (rule 1). Nothing else in the engine sends anything.

    admit ──> intend (durable) ──> still fresh, still ours, not paused? ──> create ──> created | the five answers

Every answer settles the attempt that it answers, and only that one (rule 3).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import anyio
import orjson

from engine import codec, labels, machine
from engine.errors import Conflict, Halt, InDoubt, NotApplied, NotReady, Rejected
from engine.evidence import take
from engine.model import Attempt, Failure, Receipt, StepState, StepStatus
from engine.retry import next_delay
from engine.sentinel import lease, leased
from engine.session import Active, StepFailed, Witness, describe

Finish = Callable[[StepState], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """An intent that may be sent: a permit is held, `at` is when its journal write began (boot clock)."""

    attempt: Attempt
    state: StepState
    at: float


def draft(run: Active, name: str, spec: Any) -> Intended:
    """The intent of a new attempt, not yet durable. An attempt that follows an open one keeps its inputs (rule 9),
    apart from what must be fresh at each send. Raises `Rejected` for what cannot be sent."""
    session, step, resource = run.session, run.step(name), run.resource(name)
    attempt, started = run.attempt(), session.clock.boot()
    fingerprint = codec.fingerprint(spec)
    if step.attempts and step.body is not None and step.spec != fingerprint:
        body = step.body.replace(step.attempts[-1].tag, attempt.tag)
        if hasattr(resource, "refresh"):
            body = orjson.dumps(resource.refresh(orjson.loads(body), attempt.at)).decode()
        fingerprint = step.spec or fingerprint
    else:
        sentinel_of = session.journal.name if name == run.plan.sentinel else None
        label = labels.label(run.state, name, attempt.tag, unique=resource.unique, sentinel_of=sentinel_of)
        body = orjson.dumps(resource.body(spec, label, attempt.at)).decode()
    state = machine.intend(step, attempt, body, fingerprint, run.state.generation)
    return Intended(attempt=attempt, state=state, at=started)


async def admit(run: Active, name: str) -> None:
    """Take a permit while the sentinel is known to name us. The permit comes before the intent, so that an intent
    does not age while it waits."""
    gate, family = run.session.gate, run.resource(name).family
    while True:
        await lease(run, name)
        await gate.enter(family)
        if leased(run, name):
            return
        gate.leave(family)


async def create(
    run: Active, name: str, spec: Any, *, proven: bool, intended: Intended | None, finish: Finish
) -> Failure | None:
    """Try once to create the step's object. Returns None when the step has its receipt, the failure when it is to be
    tried again. Raises `StepFailed` for a rejection that leaves nothing open."""
    resource, family = run.resource(name), run.resource(name).family
    if intended is None:
        await resource.prepare(spec)
        await admit(run, name)
        try:
            intended = draft(run, name, spec)
            await run.write(intended.state)
        except BaseException:
            run.session.gate.leave(family)
            raise
    intended = await freshen(run, name, intended)
    return await _send(run, name, spec, intended, proven=proven, finish=finish)


async def freshen(run: Active, name: str, intended: Intended) -> Intended:
    """Renew an intent until it may be sent at this very moment: young enough, lease held, family not paused."""
    session, family = run.session, run.resource(name).family
    gate, clock, window = session.gate, session.clock, session.timing.send_window
    while True:
        pause = gate.paused(family)
        if pause <= 0 and leased(run, name) and clock.boot() - intended.at <= window / 2:
            return intended
        if pause > 0 or not leased(run, name):
            gate.leave(family)
            await run.sleep(pause)
            await admit(run, name)
        started = clock.boot()
        attempt = replace(intended.attempt, at=clock.wall())
        state = machine.intend(
            run.step(name), attempt, intended.state.body or "", intended.state.spec or "", run.state.generation
        )
        try:
            await run.write(state)
        except BaseException:
            gate.leave(family)
            raise
        intended = Intended(attempt=attempt, state=state, at=started)


async def _send(
    run: Active, name: str, spec: Any, intended: Intended, *, proven: bool, finish: Finish
) -> Failure | None:
    session, resource = run.session, run.resource(name)
    tag, clock = intended.attempt.tag, session.clock
    answer: NotApplied | InDoubt | Rejected | Conflict | NotReady
    with anyio.CancelScope(shield=True) as scope:
        session.inflight.add(scope)
        try:
            sent, at = clock.boot(), clock.wall()
            run.sends[name] = intended.at + session.timing.send_window
            try:
                receipt: Receipt = await resource.create(
                    intended.state.body, session.timing.send_window - (sent - intended.at)
                )
            except (NotApplied, InDoubt, Rejected, Conflict, NotReady) as told:
                answer = told
            except Halt as halt:
                await run.write(machine.not_applied(run.step(name), tag, Failure(kind="halt", message=str(halt)), None))
                raise
            else:
                run.made.add(name)
                session.remember(resource.kind, Witness(sent=sent, name=run.names(name)[-1], id=receipt.id))
                if name == run.plan.sentinel:
                    run.leased = sent
                run.note(name, "created", attempt=run.step(name).tries, took=round(clock.wall() - at, 3), id=receipt.id)
                await finish(machine.created(run.step(name), tag, receipt, clock.wall(), proven=proven))
                return None
            finally:
                session.gate.leave(resource.family)
            run.note(name, "intent", attempt=run.step(name).tries, tag=tag)
            run.note(name, "sent", took=round(clock.wall() - at, 3))
            return await _settle(run, name, spec, answer, tag, finish)
        finally:
            session.inflight.discard(scope)
    await anyio.sleep_forever()  # the answer did not come before the stop: the intent is journaled, the rest is cancelled
    return None


async def _settle(
    run: Active, name: str, spec: Any, answer: NotApplied | InDoubt | Rejected | Conflict | NotReady, tag: str,
    finish: Finish,
) -> Failure | None:
    """Journal what an answer other than *created* means."""
    session, step, failure = run.session, run.step(name), answer.failure
    now = session.clock.wall()
    run.note(name, answer.kind, **describe(failure))
    session.tell("step_" + answer.kind, run.state, name, message=failure.message)
    match answer:
        case NotApplied() | NotReady():
            floor = answer.retry_after if isinstance(answer, NotApplied) else None
            pause = next_delay(run.plan.steps[name].retry, max(step.tries, 1), session.rng, floor)
            await run.write(machine.not_applied(step, tag, failure, now + pause))
        case InDoubt():
            await run.write(machine.doubted(step, failure))
        case Rejected():
            await run.write(machine.rejected(step, tag, failure, now))
            if run.step(name).status is StepStatus.FAILED:
                raise StepFailed(failure)
        case Conflict():
            await _meet(run, name, spec, answer, tag, finish)
            if run.step(name).receipt:
                return None
    return failure


async def _meet(run: Active, name: str, spec: Any, answer: Conflict, tag: str, finish: Finish) -> None:
    """Somebody has our title: if it is ours, take it; if it only looks like it, a person must see (rules 4 and 5)."""
    resource, failure = run.resource(name), answer.failure
    existing = answer.existing
    if existing is None:
        hits = await run.ask(name, lambda: resource.find(run.names(name), None))
        existing = hits[0].id if hits else None
    await run.write(machine.not_applied(run.step(name), tag, failure, None))
    view = None if existing is None else await run.ask(name, lambda: resource.read(existing))
    if view is not None:
        await take(run, name, spec, view, finish)
