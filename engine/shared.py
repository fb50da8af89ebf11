"""What several runs need, made once: each shared step is a run of its own, and its receipt is for all who ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup

from engine.active import Active, StepFailed
from engine.confirm import confirm
from engine.destroy import delete_doomed
from engine.ensure import ensure
from engine.identity import run_id
from engine.model import Failure, NewRun, Receipt, RunChanges, RunState, RunStatus, StepState, replace
from engine.recover import find_again
from engine.refresh import refresh
from engine.revise import revise_step
from engine.sentinel import verify
from engine.session import Session
from engine.stopping import Stop
from engine.workflow import Plan, Step, Workflow


@dataclass(slots=True)
class _Entry:
    """A shared step of this process: whoever comes first makes it, the others wait for `done`. When everything stops,
    they are stopped as well, and there is no outcome."""

    done: anyio.Event = field(default_factory=anyio.Event)
    outcome: Receipt | Failure = field(init=False)

    def end(self, outcome: Receipt | Failure) -> None:
        self.outcome = outcome
        self.done.set()


def pseudo_run(
    session: Session, stopping: Stop, *, workflow: Workflow[Any], step: Step, inputs: Any, state: RunState
) -> Active:
    """What drives a shared step: a run whose plan is that one step."""
    plan = Plan(
        steps={step.name: step},
        shared={},
        guards=(),
        first=frozenset(),
        needs={step.name: ()},
        following={step.name: ()},
    )
    return Active(session, workflow=workflow, plan=plan, inputs=inputs, state=state, stopping=stopping)


class SharedSteps:
    """Steps that several runs need once, keyed by (scope, step, key) and executed once, in a task of their own."""

    def __init__(self, session: Session, group: TaskGroup, *, creating: bool = True) -> None:
        self.session, self.group, self.creating = session, group, creating
        self.entries: dict[tuple[str, str, str, str], _Entry] = {}

    async def __call__(self, run: Active, name: str) -> Receipt:
        """The shared step's receipt. Raises `StepFailed` with the one failure that all its waiters get."""
        scope, key = run.state.scope, run.plan.shared[name]
        entry = self.entries.get((scope.org, scope.sandbox, name, key))
        if entry is None:
            entry = self.entries[scope.org, scope.sandbox, name, key] = _Entry()
            self.group.start_soon(self._work, entry, run, name, key)
        if not entry.done.is_set():
            async with run.aside():
                await entry.done.wait()
        if isinstance(entry.outcome, Failure):
            raise StepFailed(entry.outcome, name)
        return entry.outcome

    async def _work(self, entry: _Entry, asker: Active, name: str, key: str) -> None:
        with asker.stopping.guarding():
            await self._make(entry, asker, name, key)

    async def _make(self, entry: _Entry, asker: Active, name: str, key: str) -> None:
        journal = self.session.journal
        state = await journal.claim_shared(self._new_run(asker, key))
        if state.owner != journal.process:  # finished, by a process that lives
            if name in state.receipts and not (self.session.refresh or self.session.another_journal):
                entry.end(state.receipts[name])
                return
            state = await journal.claim_one(state.run_id)  # look anyway
        step = asker.plan.steps[name]
        if name not in state.steps and not getattr(step.resource, "unique", True):
            await self._learn_of_others()
        if self.session.another_journal:  # it knew a run, so it may have made what runs share, too (rule 7)
            state = replace(state, suspect=True)
        run = pseudo_run(
            self.session, asker.stopping, workflow=asker.workflow, step=step, inputs=asker.inputs, state=state
        )
        run.named_since, run.earlier_inputs = dict(asker.named_since), asker.earlier_inputs
        run.receipts |= {need: asker.receipts[need] for need in step.needs if need in asker.receipts}
        try:
            await self._ensure(run, name)
            if run.resumed and self.creating:
                while not await revise_step(run, name):
                    await self._ensure(run, name)
            await confirm(run, name)  # before anybody uses it: who did would not hear of a second one (rule 4)
            if run.state.status is not RunStatus.DONE:
                await run.write(**self._done(run))
            entry.end(run.receipts[name])
        except StepFailed as failed:
            await run.write(status=RunStatus.FAILED, failure=failed.failure)
            entry.end(replace(failed.failure, message=f"shared {key}: {failed.failure.message}"))

    async def _learn_of_others(self) -> None:
        """Before something shared is made for the first time, the runs that are under way learn from their sentinels
        whether another journal was here before."""
        with anyio.move_on_after(self.session.timing.lease):
            await self.session.learn()

    async def _ensure(self, run: Active, name: str) -> None:
        if run.state.doomed and self.creating:  # rule 10: what was begun to be deleted is deleted first
            await delete_doomed(run)
            await run.write(doomed=())
        if run.state.suspect:
            await verify(run, name)
        if self.session.refresh and self.creating:
            await refresh(run)
        if name not in run.receipts and not self.creating:
            await find_again(run, name, lambda state: self._finish(run, state))
        elif name not in run.receipts:
            await ensure(run, name, lambda state: self._finish(run, state))
        elif run.state.suspect:
            await run.write(suspect=False)

    async def _finish(self, run: Active, state: StepState) -> None:
        proven = state.receipt is None or state.receipt.confirmed
        await run.write(state, **(self._done(run) if proven else {}))
        if state.receipt:
            self.session.tell("step_done", run.state, state.name, id=state.receipt.id, origin=state.receipt.origin)

    def _done(self, run: Active) -> RunChanges:
        now, begun_by = self.session.clock.wall(), run.state.begun_by or self.session.journal.process
        return RunChanges(status=RunStatus.DONE, suspect=False, finished_at=now, failure=None, begun_by=begun_by)

    @staticmethod
    def _new_run(asker: Active, key: str) -> NewRun:
        scope, workflow = asker.state.scope, asker.state.workflow
        return NewRun(
            run_id=run_id(workflow, scope, key, shared=True),
            workflow=workflow,
            variant=asker.state.variant,
            scope=scope,
            source=key,
            inputs="null",
            inputs_print="",
            definition="",
            shared=True,
        )


async def nothing_shared(run: Active, name: str) -> Receipt:
    """For a run that shares nothing, as a shared step's own."""
    raise LookupError(f"{run.state.source} shares nothing, not even {name}")
