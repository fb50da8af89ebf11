"""Walk through a run's graph once: what can begin begins, independent branches side by side.

The receipt of a step and the intents of the steps that it makes ready go in one record, so that a step costs one
durable wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio

from engine import machine
from engine.active import Active, Shared, StepFailed
from engine.effect import Intended, draft, withdraw
from engine.ensure import pursue
from engine.evidence import stranger
from engine.machine import Move
from engine.model import Failure, RunChanges, StepState
from engine.resource import Adopt
from engine.sentinel import leased

UNTOUCHED = StepState(name="")

Begun = tuple[str, Intended | None]
"""A step to be walked; its intent, if that is durable already, with a permit in hand."""


class Walk:
    """One walk. `done_with` says what a step's receipt changes of the run, which may be done by it. `failures`: why
    steps ended without a receipt. `restart`: whether the walk broke off, as another journal turned out to know the run.
    """

    def __init__(self, run: Active, shared: Shared, done_with: Callable[[StepState], RunChanges]) -> None:
        self.run, self.shared, self.done_with = run, shared, done_with
        self.started: set[str] = set()
        self.failures: dict[str, Failure] = {}
        self.following: dict[str, list[Begun]] = {}
        self.restart = False

    async def go(self) -> None:
        """Until nothing more can begin. What failed is in `failures`."""
        async with anyio.create_task_group() as self.group:
            ready = self._begin(self.run.plan.steps)
            if ready:
                self.run.slot.walkers += 1
                await self._walk(*self._spread([(name, None) for name in ready]))
        if self.run.stopping.begun:
            await anyio.sleep_forever()  # until the stop cancels this, too: nothing may be concluded

    def _begin(self, candidates: Iterable[str]) -> list[str]:
        """Those that can begin now: not begun in this pass, without a receipt, with all their needs."""
        receipts, needs, started = self.run.receipts, self.run.plan.needs, self.started
        there = receipts.__contains__
        ready = [
            name for name in candidates if name not in started and name not in receipts and all(map(there, needs[name]))
        ]
        started.update(ready)
        return ready

    def _spread(self, ready: list[Begun]) -> Begun:
        """Give each step a task of its own but the first, which the caller walks."""
        first, *others = ready
        for name, intended in others:
            self.run.slot.walkers += 1
            self.group.start_soon(self._walk, name, intended)
        return first

    async def _walk(self, name: str, intended: Intended | None) -> None:
        """One step, then on with a step that its receipt made ready, in the same task."""
        run = self.run
        try:
            with anyio.CancelScope() as scope:
                while True:
                    if name in run.plan.shared:
                        run.receipts[name] = await self.shared(run, name)
                    else:
                        await pursue(run, name, intended, self._finish, scope)
                    if name in run.plan.first:
                        self.restart |= run.state.suspect
                        if self.restart or run.receipts.keys() >= run.plan.first:
                            run.session.learned(run.state.key)
                    if self.restart or run.stopping.begun:
                        await self._withdraw(name)
                        return
                    following = run.plan.following[name]
                    ready = self.following.pop(name, [])
                    if len(ready) < len(following):  # another branch may have made the rest ready meanwhile
                        ready += [(other, None) for other in self._begin(following)]
                    if not ready:
                        return
                    name, intended = self._spread(ready)
            await anyio.sleep_forever()  # a request was cut off by a stop, which cancels the rest, too
        except StepFailed as failed:
            self.failures[name] = failed.failure
        except BaseException:
            run.stopping.begin()  # at once: other branches go on without waiting for what a cancellation could reach
            raise
        finally:
            run.slot.ended()

    async def _withdraw(self, name: str) -> None:
        """Withdraw the intents that were prepared to follow a step, so that the next walk need not look for them."""
        run, unsent = self.run, [intended for _, intended in self.following.pop(name, ()) if intended is not None]
        for intended in unsent:
            run.session.gate.leave(run.resource(intended.state.name).family)
        if unsent:
            with run.stopping.sending():
                await withdraw(run, *unsent, why="stopped")

    async def _finish(self, state: StepState) -> None:
        """Journal a receipt together with the intents of the steps that it makes ready, where permits are free."""
        run, receipt = self.run, state.receipt
        if receipt is None:
            raise ValueError(f"step {state.name} has no receipt to finish with")
        run.receipts[state.name] = receipt
        begun = [(name, self._prepare(name)) for name in self._begin(run.plan.following[state.name])]
        changes = self.done_with(state)
        del run.receipts[state.name]  # for other branches it is there when it is durable, like the run's sentinel
        self.following[state.name] = begun
        prepared = [intended for _, intended in begun if intended is not None]
        try:
            await run.write(state, *[intended.state for intended in prepared], **changes)
        except BaseException:
            for intended in prepared:
                run.session.gate.leave(run.resource(intended.state.name).family)
            raise
        run.session.tell("step_done", run.state, state.name, id=receipt.id, origin=receipt.origin)

    def _prepare(self, name: str) -> Intended | None:
        """The intent of a step that can be sent at once: fresh, nothing to look for or to prepare, a permit free."""
        run, session = self.run, self.run.session
        step, resource = run.plan.steps[name], run.resource(name)
        if name in run.plan.shared or step.reads_only or name in run.steps or run.stopping.begun or run.state.suspect:
            return None
        move = machine.decide(UNTOUCHED, unique=run.unique(name), suspect=False, stranger=stranger(run, name))
        if move is not Move.CREATE or not leased(run, name):
            return None
        entered = False
        try:
            spec = run.spec(name)
            if isinstance(spec, Adopt) or not resource.ready(spec):
                return None
            entered = session.gate.try_enter(resource.family, run.turn(name))
            return draft(run, name, spec) if entered else None
        except Exception:  # noqa: BLE001 - its own walk says what is wrong with it: the receipt before it is written first
            if entered:
                session.gate.leave(resource.family)
            return None
