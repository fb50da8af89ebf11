"""Drive one run to its end: the sentinel first, then the graph (`walk`), until everything is as the inputs say."""

from __future__ import annotations

from math import ceil

from engine.active import Active, Shared, StepFailed
from engine.confirm import confirm
from engine.destroy import delete_doomed, destroy, keeping
from engine.evidence import believe
from engine.give_way import give_way
from engine.model import Failure, RunChanges, RunState, RunStatus, StepState, StepStatus, replace
from engine.recover import recover, recover_departed
from engine.refresh import refresh
from engine.revise import ground, revise
from engine.sentinel import hold, keep_up, look_at, verify
from engine.switch import keep_switched, switch
from engine.walk import Walk

DOUBTS = frozenset({"in_doubt", "twins", "conflict"})
"""Kinds of failure that a person must look at: exit code 4."""
SUSPECT = "another journal knew this run; looking again after settle, {} s from now at most (see --settle)"
"""Why a suspect run waits; the same text for all runs, as the progress display tells each reason once."""


class Drive:
    """One pass over a run's graph after another, until the run is done, failed, or in doubt.

    `failures` and `restart` are the current pass's: why steps ended without a receipt, and whether another pass must
    follow at once. `looked`: the refresh was done. `weighed`: steps for which `_found_other` asked for a pass already.
    """

    def __init__(self, run: Active, shared: Shared) -> None:
        self.run, self.shared = run, shared
        self.failures: dict[str, Failure] = {}
        self.weighed: set[str] = set()
        self.restart = self.looked = False

    async def go(self) -> RunState:
        """Drive the run to its end and return its last state; `suspect` runs are walked again after settle (rule 7)."""
        run, session = self.run, self.run.session
        if not run.receipts.keys() >= run.plan.first:
            session.unsure[run.state.key] = None
        try:
            return await self._passes()
        finally:
            session.learned(run.state.key)

    async def _passes(self) -> RunState:
        run, session = self.run, self.run.session
        while True:
            self.failures, self.restart = {}, False
            try:
                sure = await self._pass()
            except StepFailed as failed:
                self.failures.setdefault(failed.step, failed.failure)
                sure = False
            if self.restart:
                continue
            if self.failures:
                return await self._conclude_failed()
            if not run.state.suspect:
                return await self._conclude_done()
            if sure:
                run.resumed = True  # it is known what there is: now it is brought to what the inputs say
                await run.write(suspect=False)
                continue
            longest = session.timing.succession + session.timing.settle
            session.tell("run_waiting", run.state, why=SUSPECT.format(ceil(longest)))
            await run.sleep(self._settled_at() - session.clock.boot())

    async def _pass(self) -> bool:
        """One pass: hold the sentinel; finish deletions; check what is there (while suspect) or bring it to what the
        inputs say; walk; look after what the walk left open.

        Returns whether a suspect run may be believed now: everything was there before this pass, and has settled.
        """
        run = self.run
        await hold(run)
        if run.state.doomed:
            if not run.state.suspect:  # else it is an old plan: what is left of it shows itself below
                await delete_doomed(run)  # rule 10: what was begun to be deleted is deleted first
            await run.write(doomed=())
            await hold(run)
        whole = run.state.suspect and set(run.receipts) >= set(run.plan.steps)
        sure = whole and run.session.clock.boot() >= self._settled_at()
        if run.state.suspect:
            for name in [name for name, step in run.steps.items() if step.receipt]:
                await verify(run, name)
            await recover_departed(run)
        elif run.resumed:
            if run.session.refresh and not self.looked:
                await refresh(run)
                self.looked = True
            if not (await give_way(run, self.shared) and await revise(run, ground(run))):
                self.restart = True
                return sure
        walk = Walk(run, self.shared, self._done_with)
        await walk.go()
        self.failures, self.restart = walk.failures, walk.restart
        await keep_switched(run, sure=sure)  # at once, before it can begin
        await self._confirm_all()
        await self._read_etags()
        if run.resumed and not (run.state.suspect or self.failures or self.restart):
            self.restart = self._found_other() or not await revise(run, run.plan.steps)
        if sure and run.state.suspect and not (self.failures or self.restart):
            await believe(run)
        return sure

    def _found_other(self) -> bool:
        """Whether this pass found an object that was made by other inputs: the next pass lets it give way, if it must,
        before anything is changed in place."""
        run = self.run
        found = {
            name for name in run.taken if run.owns(name) and run.step(name).spec != run.printed(name)
        } - self.weighed
        self.weighed |= found
        return bool(found)

    async def destroy(self, *, delete_data: bool) -> RunState:
        """Delete what the run made; a suspect run is finished first, so that it is known what there is."""
        run = self.run
        if run.state.status is RunStatus.DESTROYED and not (delete_data and keeping(run)):
            return run.state
        if run.state.suspect and (await self.go()).status is not RunStatus.DONE:
            return run.state
        try:
            await hold(run)  # if somebody deleted the sentinel, nothing guards the rest any more
            if run.state.suspect:
                return await self.destroy(delete_data=delete_data)
            return await destroy(run, self.shared, delete_data=delete_data)
        except StepFailed as failed:
            self.failures = {failed.step: failed.failure}
            return await self._conclude_failed()

    async def switch(self, *, on: bool) -> RunState:
        """Switch off or on what the run made; a suspect run is finished first, so that it is known what there is."""
        if self.run.state.suspect and (await self.go()).status is not RunStatus.DONE:
            return self.run.state
        try:
            return await switch(self.run, on=on)
        except StepFailed as failed:
            self.failures = {failed.step: failed.failure}
            return await self._conclude_failed()

    async def recover(self) -> RunState:
        """Find again what the run made, creating nothing; the run stays suspect until it is run (rule 7)."""
        try:
            await recover(self.run, self.shared)
        except StepFailed as failed:
            self.failures = {failed.step: failed.failure}
            return await self._conclude_failed()
        return self.run.state

    def _settled_at(self) -> float:
        run = self.run
        return run.last_possible_send(run.plan.sentinel or "") + run.session.timing.settle

    # the end

    def _done_with(self, state: StepState) -> RunChanges:
        """What makes the run done, when this step was its last."""
        run = self.run
        if len(run.receipts) < len(run.plan.steps) or run.state.suspect or run.resumed:
            return {}
        complete = all(name in run.receipts for name in run.plan.steps) and all(
            s.receipt.confirmed and not self._lacks_etag(s) for s in (*run.steps.values(), state) if s.receipt
        )
        return self._done() if complete else {}

    def _lacks_etag(self, step: StepState) -> bool:
        """Whether the step's object has an etag that the answer to its creation did not tell."""
        if step.receipt is None or step.receipt.etag is not None:
            return False  # perhaps a step of the chain that the run had before it was destroyed
        return bool(getattr(self.run.resource(step.name), "etagged", False))

    async def _read_etags(self) -> None:
        """Read the etags that no answer told. This comes last: the ids are durable by now, and the run is not done
        before it has them."""
        whole = not (self.failures or self.restart)
        for name in [name for name, step in self.run.steps.items() if whole and self._lacks_etag(step)]:
            view, _ = await look_at(self.run, name)
            if view is not None:
                await keep_up(self.run, name, view)

    def _done(self) -> RunChanges:
        run = self.run
        begun_by = run.state.begun_by or run.session.journal.process
        now = run.session.clock.wall()
        return RunChanges(status=RunStatus.DONE, finished_at=now, failure=None, begun_by=begun_by, was=())

    async def _confirm_all(self) -> None:
        """Whatever became of the other steps: a receipt without proof is looked after until it has one."""
        for name, step in list(self.run.steps.items()):
            if step.receipt and not step.receipt.confirmed:
                try:
                    await confirm(self.run, name)
                except StepFailed as failed:
                    self.failures[name] = failed.failure

    async def _conclude_done(self) -> RunState:
        if self.run.state.status is not RunStatus.DONE:
            await self.run.write(**self._done())
        return self.run.state

    async def _conclude_failed(self) -> RunState:
        run = self.run
        name = next((n for n in run.plan.steps if n in self.failures), next(iter(self.failures)))
        failure = self.failures[name]
        doubt = any(f.kind in DOUBTS for f in self.failures.values()) or any(
            s.status is StepStatus.IN_DOUBT for s in run.steps.values()
        )
        shown = replace(failure, message=f"{name}: {failure.message}" if name else failure.message)
        status = RunStatus.IN_DOUBT if doubt else RunStatus.FAILED
        await run.write(status=status, failure=shown, finished_at=None)
        return run.state
