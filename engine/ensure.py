"""Bring one step to its receipt, whatever that takes: look, send, look again, wait."""

from __future__ import annotations

import anyio

from engine import machine
from engine.active import Active, StepFailed
from engine.effect import Intended, RejectedInDoubt, create
from engine.errors import Rejected
from engine.evidence import look, stranger, take, wait_to_look
from engine.machine import Move, Verdict
from engine.model import Failure, Origin, replace
from engine.resource import Adopt
from engine.work import Finish, Work


async def ensure(run: Active, name: str, finish: Finish) -> None:
    """Bring the step to its receipt, which `finish` journals. Raises `StepFailed` when it ends without one."""
    with anyio.CancelScope() as scope:
        await pursue(run, name, None, finish, scope)
        return
    await anyio.sleep_forever()  # cut off by a stop, which cancels the rest, too


async def pursue(run: Active, name: str, intended: Intended | None, finish: Finish, scope: anyio.CancelScope) -> None:
    """`ensure` in a task that has entered `scope`. `intended`: an intent that is durable already, a permit in hand."""
    try:
        spec = run.spec(name) if intended is None else intended.spec
    except Rejected as refusal:
        await run.fail(name, refusal.failure)
    work = Work(run=run, name=name, spec=spec, resource=run.resource(name), finish=finish)
    if run.workflow.steps[name].reads_only or isinstance(spec, Adopt):
        await _read(work)
        return
    way = _Pursuit(work)
    while run.step(name).receipt is None:
        proven: bool | None = True
        since = float("-inf")
        if intended is None:
            if run.stopping.begun:
                await anyio.sleep_forever()
            await way.wait_until_due()
            since = run.alone_since
            proven = await way.evidence()
        if proven is None:
            continue
        try:
            way.refused = None
            failure = await create(work, scope, proven=proven, since=since, intended=intended)
        except RejectedInDoubt as rejection:
            way.refused = failure = rejection.failure
        intended, way.looks = None, 0
        if failure is not None:
            await way.spend(failure)


async def _read(work: Work) -> None:
    """A step without an effect: look something up, or adopt what the user named."""
    run, name, spec, resource = work.run, work.name, work.spec, work.resource
    if isinstance(spec, Adopt):
        receipt = replace(await run.ask(name, lambda: resource.adopt(spec.ref)), origin=Origin.ADOPTED)
    else:
        receipt = await run.ask(name, lambda: resource.fetch(spec))
    run.note(name, "adopted" if isinstance(spec, Adopt) else "read", id=receipt.id)
    await work.finish(machine.read(work.step, receipt, run.printed(name), run.session.clock.wall()))


class _Pursuit:
    """The way of one step to its receipt. `spent`: failures of its own so far; `looks` and `waited`: looks since the
    last request, and seconds waited between them; `refused`: a rejection that waits for an earlier doubt to be settled
    (rule 3)."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.spent, self.looks, self.waited = 0, 0, 0.0
        self.refused: Failure | None = None

    async def evidence(self) -> bool | None:
        """What is known before sending: True, nothing of ours is out there; False, nothing is seen; None, look again
        (or not at all: the step has its receipt)."""
        work, run = self.work, self.work.run
        move = machine.decide(
            work.step,
            unique=run.unique(work.name) and self.refused is None,
            suspect=run.suspect,
            stranger=stranger(run, work.name),
        )
        if move is Move.CREATE:
            return True
        verdict, view = await look(work, doubted=bool(work.step.attempts) or run.suspect)
        if view is not None:
            await take(work, view)
            return None
        if verdict is Verdict.WAIT:
            await self._wait_for_evidence()
            return None
        if self.refused is not None:
            await self._refuse(self.refused, proven=verdict is Verdict.ABSENT or work.resource.superseding)
        if verdict is Verdict.ABSENT:
            run.steps[work.name] = machine.absent(work.step)
        else:
            run.note(
                work.name,
                "sent again",
                why="settled, not listed, and no younger object of ours shows that the list is complete",
            )
            run.session.tell("step_unproven", run.state, work.name)
        return verdict is Verdict.ABSENT

    async def wait_until_due(self) -> None:
        """A wait lives in the journal, so that a restart does not cut it short, and a wall clock that was set back does
        not draw it out: what the other side asked for beyond the policy's longest pause, the gate sees to."""
        work, due = self.work, self.work.step.due
        if due is not None:
            longest = work.run.workflow.steps[work.name].retry.max_interval
            await work.run.sleep(min(due - work.run.session.clock.wall(), longest))

    async def _wait_for_evidence(self) -> None:
        run, session = self.work.run, self.work.run.session
        if self.waited > session.timing.patience:
            source, name, minutes = run.state.source, self.work.name, round(self.waited / 60)
            message = (
                f"asked the platform {self.looks + 1} times in {minutes} min; its lists do not show whether the "
                "request had an effect"
            )
            hint = (
                "run again later, or look in the platform's own interface and use "
                f"headway resume --resolve {source} {name} adopt=ID|recreate"
            )
            await run.accuse(name, Failure(kind="in_doubt", message=message, hint=hint))
        self.waited += await wait_to_look(run, self.work.name, self.looks)
        self.looks += 1

    async def spend(self, failure: Failure) -> None:
        """An outage or a pause of the whole service costs nothing; anything else is one of the step's attempts."""
        work, session = self.work, self.work.run.session
        self.spent += not session.gate.troubled(work.resource.family)
        if self.spent >= session.policy(work.run.workflow.steps[work.name]).max_attempts:
            await work.run.fail(work.name, replace(failure, hint=failure.hint or "run again to go on trying"))

    async def _refuse(self, refused: Failure, *, proven: bool) -> None:
        """A rejection after an earlier doubt: once the doubt is settled, the rejection stands (rule 3)."""
        work = self.work
        if not proven:
            await work.run.fail(work.name, refused)
        await work.run.write(machine.failed(machine.absent(work.step), refused, work.run.session.clock.wall()))
        raise StepFailed(refused, work.name)
