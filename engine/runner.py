"""Many runs at once: a bounded window of active runs, started ones first; shared steps once; everything stops cleanly.

Memory depends on the window, not on the batch. A common cause (`Halt`) stops everything at once, resumable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import orjson
from anyio.abc import TaskGroup

from engine.active import Active, StepFailed
from engine.confirm import confirm
from engine.destroy import delete_doomed
from engine.drive import Drive
from engine.ensure import ensure
from engine.errors import UnknownRun, WorkflowChanged
from engine.identity import run_id
from engine.model import Failure, NewRun, Receipt, RunChanges, RunState, RunStatus, StepState, replace
from engine.orphans import Orphan, orphans
from engine.recover import find_again
from engine.refresh import refresh
from engine.revise import revise_step
from engine.sentinel import verify
from engine.session import Session, Slot
from engine.together import cause
from engine.workflow import Plan, Step, Workflow

PARKED = 2048
"""How many runs may wait outside the window; each costs some kilobytes."""
CHUNK = 32
"""How many runs are claimed in one transaction, ahead of the places that become free."""
ENDED = frozenset({RunStatus.DONE, RunStatus.DESTROYED})
STOP_WITHIN = 8.0
"""Seconds that requests in flight have to be answered and journaled after a stop."""


@dataclass(slots=True)
class _Entry:
    """A shared step of this process: whoever comes first makes it, the others wait for `done`. When everything stops,
    they are stopped as well, and there is no outcome."""

    done: anyio.Event = field(default_factory=anyio.Event)
    outcome: Receipt | Failure = field(init=False)

    def end(self, outcome: Receipt | Failure) -> None:
        self.outcome = outcome
        self.done.set()


def pseudo_run(session: Session, workflow: Workflow[Any], step: Step, inputs: Any, state: RunState) -> Active:
    """What drives a shared step: a run whose plan is that one step."""
    plan = Plan(
        steps={step.name: step},
        shared={},
        guards=(),
        first=frozenset(),
        needs={step.name: ()},
        following={step.name: ()},
    )
    return Active(session, workflow=workflow, plan=plan, inputs=inputs, state=state)


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
            raise StepFailed(entry.outcome)
        return entry.outcome

    async def _work(self, entry: _Entry, asker: Active, name: str, key: str) -> None:
        state = await self.session.journal.claim_shared(self._new_run(asker, key))
        if self.session.refresh and state.owner != self.session.journal.process:
            state = await self.session.journal.claim_one(state.run_id)  # finished by a process that lives: look anyway
        step = asker.plan.steps[name]
        if name not in state.steps and not getattr(step.resource, "unique", True):
            await self._learn_of_others()
        if self.session.another_journal:  # it knew a run, so it may have made what runs share, too (rule 7)
            state = replace(state, suspect=True)
        run = pseudo_run(self.session, asker.workflow, step, asker.inputs, state)
        run.named_since, run.earlier_inputs = dict(asker.named_since), asker.earlier_inputs
        run.receipts |= {need: asker.receipts[need] for need in step.needs if need in asker.receipts}
        try:
            await self._ensure(run, name)
            if run.resumed and self.creating and state.owner == self.session.journal.process:
                while not await revise_step(run, name):
                    await self._ensure(run, name)
                if run.state.status is not RunStatus.DONE:
                    await run.write(**self._done(run))
            entry.end(run.receipts[name])
            await confirm(run, name)
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
        await run.write(state, **self._done(run))
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


class Runner:
    """Drives batches of the journal's runs."""

    def __init__(
        self,
        session: Session,
        workflows: Mapping[str, Workflow[Any]],
        *,
        window: int,
        max_failures: Callable[[int], bool] = lambda _failed: False,
        action: Callable[[Drive], Awaitable[RunState]] = Drive.go,
    ) -> None:
        self.session, self.workflows, self.max_failures, self.action = session, workflows, max_failures, action
        self.places, self.chunk = anyio.Semaphore(window, fast_acquire=True), min(window, CHUNK)
        self.parked = anyio.Semaphore(window + PARKED, fast_acquire=True)
        self.counts: Counter[RunStatus] = Counter()
        self.scope: anyio.CancelScope | None = None
        self.stopped = False

    def stop(self) -> None:
        """Start nothing new, let what is in flight be answered and journaled, then leave. May be called again."""
        self.stopped = True
        self.session.stop(STOP_WITHIN)
        if self.scope is not None:
            self.scope.cancel()

    async def run_batch(self, batch: int) -> Counter[RunStatus]:
        """Drive every run of the batch to its end; how many ended in which state.

        Raises `Halt` for a common cause, `WorkflowChanged` for a run that was begun with another definition.
        """
        try:
            async with anyio.create_task_group() as group:
                self.scope = group.cancel_scope
                shared = SharedSteps(self.session, group, creating=self.action is not Drive.recover)
                async for state, slot in self._claim(batch):
                    group.start_soon(self._drive, state, shared, slot)
        except BaseExceptionGroup as errors:
            raise cause(errors) from errors
        return self.counts

    async def destroy_orphans(
        self, run_ids: Collection[str], others: Sequence[Orphan], *, delete_data: bool
    ) -> Counter[RunStatus]:
        """Delete what only these runs shared, once they are destroyed, and `others`; returns how many shared steps
        ended in which state. A stop leaves the rest where they are, and tells of them as pending. Raises `Halt` for a
        common cause."""
        counts: Counter[RunStatus] = Counter()
        left = [*await orphans(self.session, self.workflows, run_ids, data=delete_data), *others]
        with anyio.CancelScope() as self.scope:
            while left and not self.stopped:
                with suppress(UnknownRun):
                    await self._take_down(left[0], counts, delete_data=delete_data)
                del left[0]
        for orphan in (one for one in left if not one.kept):
            with suppress(UnknownRun):
                self.session.tell("shared_pending", await self.session.journal.load(orphan.id))
        return counts

    async def _take_down(self, orphan: Orphan, counts: Counter[RunStatus], *, delete_data: bool) -> None:
        journal = self.session.journal
        state = await (journal.load if orphan.kept else journal.claim_one)(orphan.id)
        if orphan.kept:
            for name, receipt in state.receipts.items():
                self.session.tell("step_left", state, name, id=receipt.id, kept=True)
            return
        run = pseudo_run(self.session, orphan.workflow, orphan.step, orphan.inputs, state)
        run.receipts = await orphan.receipts(self.session) | run.receipts
        ended = await Drive(run, _nothing_shared).destroy(delete_data=delete_data)
        counts[ended.status] += 1
        self.session.tell("shared_" + ended.status.value, ended)

    async def _claim(self, batch: int) -> AsyncIterator[tuple[RunState, Slot]]:
        """The batch's runs, begun ones first, each as soon as it has a place in the window. Begun ones are asked for
        once more at the end: another process may have begun runs that it owned meanwhile."""
        for begun in (True, False, True):
            after = 0
            while not self.stopped:
                runs = await self.session.journal.claim(batch, begun=begun, after=after, limit=self.chunk)
                if not runs:
                    break
                after = runs[-1].key
                self.session.another_journal |= any(state.suspect for state in runs)
                for state in runs:
                    await self.places.acquire()
                    await self.parked.acquire()
                    yield state, Slot(self.places)

    async def _drive(self, state: RunState, shared: SharedSteps, slot: Slot) -> None:
        try:
            workflow = await self._workflow(state)
            inputs = workflow.decode(state.inputs)
            if state.definition != workflow.fingerprint:
                state = replace(state, definition=workflow.fingerprint)
            plan = workflow.plan(inputs)
            run = Active(self.session, workflow=workflow, plan=plan, inputs=inputs, state=state, slot=slot)
            self.session.tell("run_started", state)
            try:
                ended = await self.action(Drive(run, shared))
            except anyio.get_cancelled_exc_class():
                if run.state.status in ENDED and run.state.status is not state.status:
                    self._count(run.state)  # its last request was under way as it was stopped
                raise
            self._count(ended)
            failed = self.counts[RunStatus.FAILED] + self.counts[RunStatus.IN_DOUBT]
            if ended.status in (RunStatus.FAILED, RunStatus.IN_DOUBT) and self.max_failures(failed):
                self.stop()
        finally:
            slot.release()
            self.parked.release()

    def _count(self, ended: RunState) -> None:
        self.counts[ended.status] += 1
        self.session.tell("run_" + ended.status.value, ended)

    async def _workflow(self, state: RunState) -> Workflow[Any]:
        """The declaration that the run was begun with, or one that only adds steps. Raises `WorkflowChanged`."""
        workflow = self.workflows.get(state.workflow)
        if workflow is None:
            raise WorkflowChanged(f"run {state.source!r} needs workflow {state.workflow!r}, unknown here")
        if state.definition == workflow.fingerprint or state.begun_by is None:
            return workflow
        text = await self.session.journal.definition(state.definition)
        before: dict[str, Any] = orjson.loads(text) if text else {}
        now: dict[str, Any] = orjson.loads(workflow.definition)
        changed = sorted(name for name, step in before.items() if now.get(name) != step)
        if changed or not before:
            raise WorkflowChanged(
                f"run {state.source!r} was begun with another definition of {state.workflow!r}: "
                f"{', '.join(changed) or 'it is not known any more'} changed. Finish unfinished runs with the version "
                "that began them, or destroy them; a change that only adds steps is accepted."
            )
        return workflow


async def _nothing_shared(run: Active, name: str) -> Receipt:
    raise LookupError(f"{run.state.source} shares nothing, not even {name}")
