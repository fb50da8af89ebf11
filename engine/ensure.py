"""Bring one step to its receipt, whatever that takes: look, send, look again, wait."""

from __future__ import annotations

from dataclasses import replace

import anyio

from engine import codec, machine
from engine.effect import Finish, Intended, create
from engine.errors import Rejected
from engine.evidence import look, take
from engine.machine import Move, Verdict
from engine.model import Failure, Origin, StepStatus
from engine.ports import Adopt
from engine.retry import pause_between_looks
from engine.session import Active, StepFailed

LONGEST_WAIT = 3600.0
"""A wait found in the journal is never longer than this, however the wall clock was moved meanwhile."""


async def ensure(run: Active, name: str, intended: Intended | None, finish: Finish) -> None:
    """Bring the step to its receipt. `intended`: an intent that is durable already and holds a permit.

    `finish` journals the state that has the receipt. Raises `StepFailed` when the step ends without one.
    """
    try:
        spec = run.spec(name)
    except Rejected as refusal:
        await run.fail(name, refusal.failure)
    resource = run.resource(name)
    if run.plan.steps[name].reads_only or isinstance(spec, Adopt):
        await _read(run, name, spec, finish)
        return
    spent, looks, began, refused = 0, 0, run.session.clock.boot(), None
    while run.step(name).receipt is None:
        if run.session.stopping:
            await anyio.sleep_forever()
        proven = True
        if intended is None:
            await _wait_until_due(run, name)
            move = machine.decide(
                run.step(name), unique=resource.unique and refused is None, suspect=run.state.suspect,
                stranger=run.stranger(name),
            )
            if move is Move.LOOK:
                doubted = bool(run.step(name).attempts) or run.state.suspect
                verdict, view = await look(run, name, spec, doubted=doubted)
                if view is not None:
                    await take(run, name, spec, view, finish)
                    return
                if verdict is Verdict.WAIT:
                    await _wait_for_evidence(run, name, began, looks)
                    looks += 1
                    continue
                proven = verdict is Verdict.ABSENT
                if refused is not None:
                    await _refuse(run, name, refused, proven=proven)
                if proven:
                    run.steps[name] = machine.absent(run.step(name))
        failure = await create(run, name, spec, proven=proven, intended=intended, finish=finish)
        intended = None
        if failure is not None:
            refused = failure if failure.kind == Rejected.kind else None
            spent += not run.session.gate.troubled(resource.family)
            if spent >= run.session.policy(run.plan.steps[name]).max_attempts:
                await run.fail(name, replace(failure, hint=failure.hint or "run again to go on trying"))


async def _read(run: Active, name: str, spec: object, finish: Finish) -> None:
    """A step without an effect: look something up, or adopt what the user named."""
    resource = run.resource(name)
    if isinstance(spec, Adopt):
        receipt = replace(await run.ask(name, lambda: resource.adopt(spec.ref)), origin=Origin.ADOPTED)
    else:
        receipt = await run.ask(name, lambda: resource.fetch(spec))
    now = run.session.clock.wall()
    run.note(name, "adopted" if isinstance(spec, Adopt) else "read", id=receipt.id)
    await finish(machine.read(run.step(name), receipt, codec.fingerprint(spec), now))


async def _wait_until_due(run: Active, name: str) -> None:
    """A wait lives in the journal, so that a restart does not cut it short."""
    due = run.step(name).due
    if due is not None:
        await run.sleep(min(due - run.session.clock.wall(), LONGEST_WAIT))


async def _wait_for_evidence(run: Active, name: str, began: float, looks: int) -> None:
    session = run.session
    if session.clock.boot() - began > session.timing.patience:
        minutes = round((session.clock.boot() - began) / 60)
        await run.accuse(name, Failure(
            kind="in_doubt", message=f"asked the platform {looks + 1} times in {minutes} min; its lists do not show "
            "whether the request had an effect", hint="run again later, or look in the platform's own interface and use "
            f"headway resume --resolve {run.state.source} {name} adopt=ID|recreate",
        ))
    await run.sleep(session.rng.uniform(0.5, 1.0) * pause_between_looks(looks))


async def _refuse(run: Active, name: str, refused: Failure, *, proven: bool) -> None:
    """A rejection after an earlier doubt: the doubt is settled now, so the rejection stands (rule 3)."""
    if not proven:
        await run.accuse(name, replace(refused, kind="in_doubt"))
    state = machine.failed(machine.absent(run.step(name)), refused, run.session.clock.wall())
    await run.write(state)
    if state.status is StepStatus.FAILED:
        raise StepFailed(refused)
