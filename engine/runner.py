"""Many runs at once: a bounded window of active runs, started ones first; everything stops cleanly.

Memory depends on the window, not on the batch. A common cause (`Halt`) stops everything at once, resumable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import orjson

from engine.active import Active
from engine.drive import Drive
from engine.errors import UnknownRun, WorkflowChanged
from engine.model import RunState, RunStatus, replace
from engine.orphans import Orphan, orphans
from engine.session import Session, Slot
from engine.shared import SharedSteps, nothing_shared, pseudo_run
from engine.stopping import Stop
from engine.together import cause
from engine.workflow import Workflow

PARKED = 2048
"""How many runs may wait outside the window; each costs some kilobytes."""
CHUNK = 32
"""How many runs are claimed in one transaction, ahead of the places that become free."""
ENDED = frozenset({RunStatus.DONE, RunStatus.DESTROYED})


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
        self.stopping, self.stopped = Stop(), False

    def stop(self) -> None:
        """Start nothing new, let what is in flight be answered and journaled, then leave. May be called again."""
        self.stopped = True
        self.stopping.begin()
        if self.scope is not None:
            self.scope.cancel()

    async def run_batch(self, batch: int) -> Counter[RunStatus]:
        """Drive every run of the batch to its end; how many ended in which state.

        Raises `Halt` for a common cause, `WorkflowChanged` for a run that was begun with another definition.
        """
        try:
            await self.stopping.heeded(partial(self._drive_all, batch))
        except BaseExceptionGroup as errors:
            raise cause(errors) from errors
        return self.counts

    async def _drive_all(self, batch: int) -> None:
        async with anyio.create_task_group() as group:
            self.scope = group.cancel_scope
            shared = SharedSteps(self.session, group, creating=self.action is not Drive.recover)
            async for state, slot in self._claim(batch):
                group.start_soon(self._drive, state, shared, slot)

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
        run = pseudo_run(
            self.session, self.stopping, workflow=orphan.workflow, step=orphan.step, inputs=orphan.inputs, state=state
        )
        run.receipts = await orphan.receipts(self.session) | run.receipts
        ended = await Drive(run, nothing_shared).destroy(delete_data=delete_data)
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
            with self.stopping.guarding():
                ended = await self._driven(state, shared, slot)
            failed = self.counts[RunStatus.FAILED] + self.counts[RunStatus.IN_DOUBT]
            if ended.status in (RunStatus.FAILED, RunStatus.IN_DOUBT) and self.max_failures(failed):
                self.stop()
        finally:
            slot.release()
            self.parked.release()

    async def _driven(self, state: RunState, shared: SharedSteps, slot: Slot) -> RunState:
        """The run as it ended, counted."""
        workflow = await self._workflow(state)
        inputs = workflow.decode(state.inputs)
        if state.definition != workflow.fingerprint:
            state = replace(state, definition=workflow.fingerprint)
        plan, stopping = workflow.plan(inputs), self.stopping
        run = Active(
            self.session, workflow=workflow, plan=plan, inputs=inputs, state=state, slot=slot, stopping=stopping
        )
        self.session.tell("run_started", state)
        try:
            ended = await self.action(Drive(run, shared))
        except anyio.get_cancelled_exc_class():
            if run.state.status in ENDED and run.state.status is not state.status:
                self._count(run.state)  # its last request was under way as it was stopped
            raise
        self._count(ended)
        return ended

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
