"""The engine's front door, and the one place that wires its parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from random import Random, SystemRandom
from types import TracebackType
from typing import Any, Self

from engine.active import Active
from engine.clock import SystemClock
from engine.destroy import remains
from engine.drift import StepDrift, drift
from engine.drive import Drive
from engine.errors import ScopeMismatch
from engine.identity import run_id
from engine.journal import Health, examine, open_journal
from engine.machine import Timing
from engine.model import Event, Json, RunState, RunStatus, Scope
from engine.orphans import Orphan, present, unshared
from engine.pacing import Pacing
from engine.pauses import keeping_pauses
from engine.ports import Clock, Gate, Journal
from engine.recover import resolve
from engine.report import report
from engine.runner import Runner
from engine.session import Notice, Session
from engine.together import together
from engine.wanted import Item, Registration, Wanted
from engine.workflow import Workflow

UNFINISHED = (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.WAITING, RunStatus.FAILED, RunStatus.IN_DOUBT)
LOCAL = Scope(gateway="local", org="local", sandbox="local")


Opener = Callable[..., AbstractAsyncContextManager[Journal]]

_PASSWORD = re.compile(r"(://[^\s/@:]*:)[^\s@]*(?=@)|([?&]password=)[^\s&]*")


def masked(text: str) -> str:
    """The text as people may see it: without the passwords of URLs."""
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}***", text)


class Engine:
    """Runs workflows durably: every step has exactly one effect, whatever crashes.

    Use it as an async context manager, which opens the journal (`StorageError`) and closes it. `Wanted` is its part
    that compares, `Runner` the one that acts.

    `store`: a path or an SQLAlchemy URL. `resources` are matched to steps by class; `read_only` needs none, and may
    look at a journal that another process works on. `settle`: seconds after its last possible send in which an effect
    may still appear. `concurrency`: requests at once; `window`: active runs at once, twice as many by default.
    `max_attempts` overrules the steps' retry policies; `max_failures` is asked, with the number of runs that failed,
    whether that is enough. `observer` is told what happens, while it does. `gate` is shared with the HTTP client, which
    tells it what was answered. `replace`: whether what cannot be changed in place may be taken down and made anew;
    `delete_data`: also what holds data. `refresh`: whether what others changed or deleted by hand is put back, of
    finished runs, too. `command`: what other processes are told who find the journal locked.

    Raises `WorkflowError` for a mistake in a workflow, or a resource that is missing.
    """

    def __init__(
        self,
        store: str,
        *,
        workflows: Iterable[Workflow[Any]] = (),
        resources: Iterable[object] = (),
        settle: float = 120.0,
        concurrency: int = 64,
        window: int | None = None,
        max_attempts: int | None = None,
        max_failures: Callable[[int], bool] = lambda _failed: False,
        observer: Callable[[Notice], None] | None = None,
        gate: Gate | None = None,
        clock: Clock | None = None,
        rng: Random | None = None,
        replace: bool = False,
        refresh: bool = False,
        delete_data: bool = False,
        command: str = "engine",
        read_only: bool = False,
        opener: Opener = open_journal,
    ) -> None:
        self.store, self.command, self.read_only, self.opener = store, command, read_only, opener
        self.workflows: Mapping[str, Workflow[Any]] = {w.name: w for w in workflows}
        self.resources = {type(resource): resource for resource in resources}
        for workflow in self.workflows.values():
            workflow.check(None if read_only else self.resources)
        self.timing, self.clock = Timing(settle=settle), clock or SystemClock()
        self.rng = rng or SystemRandom()
        self.gate = gate or Pacing(boot=self.clock.boot, rng=self.rng, concurrency=concurrency)
        self.window, self.max_attempts, self.max_failures = window or 2 * concurrency, max_attempts, max_failures
        self.observer, self.replace, self.refresh, self.delete_data = observer, replace, refresh, delete_data
        self.journal: Journal
        self.runner: Runner | None = None
        self._keep_pause: Callable[[str, float], None]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        opening = self.opener(self.store, command=self.command, clock=self.clock, read_only=self.read_only)
        async with AsyncExitStack() as stack:
            self.journal = await stack.enter_async_context(opening)
            self.session = Session(
                journal=self.journal,
                gate=self.gate,
                clock=self.clock,
                rng=self.rng,
                timing=self.timing,
                resources=self.resources,
                observer=self.observer,
                max_attempts=self.max_attempts,
                replace=self.replace,
                refresh=self.refresh,
                delete_data=self.delete_data,
            )
            self.wanted = Wanted(self.session, self.workflows)
            if isinstance(self.gate, Pacing):
                self.gate.restore(await self.journal.pauses())
            if not self.read_only:
                self._keep_pause = await stack.enter_async_context(keeping_pauses(self.journal))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    # what is wanted

    async def examine(self) -> Health | None:
        """Look at the whole journal, changing nothing; None where there is none yet. Raises `StorageError`."""
        return await examine(self.store, clock=self.clock)

    async def check_scope(self, scope: Scope) -> None:
        """Refuse a journal of another gateway, or of an earlier life of the sandbox (rule 8): `ScopeMismatch`."""
        for known in await self.journal.scopes():
            if known.gateway != scope.gateway:
                raise ScopeMismatch(
                    f"the journal {masked(self.store)} belongs to {known.gateway}, not to {scope.gateway}",
                    hint="use another journal with --store, or set AEP_BASE_URL back",
                )
            same = (known.org, known.sandbox) == (scope.org, scope.sandbox)
            if same and known.created and scope.created and known.created != scope.created:
                raise ScopeMismatch(
                    f"sandbox {scope.sandbox!r} was reset since the journal {masked(self.store)} was begun "
                    f"(created {scope.created}, the journal knows {known.created}): what it remembers is gone",
                    hint="start a new journal with --store, or move the old one away",
                )

    async def register(self, scope: Scope, batches: Iterable[Sequence[Item]]) -> Registration:
        """Enter what is wanted into the journal; nothing is sent. Raises `ScopeMismatch`, `StorageError`."""
        await self.check_scope(scope)
        return await self.wanted.register(scope, batches)

    async def enroll(self, run_ids: Collection[str] | None = None, statuses: Collection[RunStatus] = UNFINISHED) -> int:
        """Make a batch of runs that the journal has, of these ids (None: any) and in these states; its number."""
        batch = await self.journal.new_batch()
        await self.journal.enroll(batch, statuses, run_ids)
        return batch

    # work

    async def run(self, batch: int) -> Counter[RunStatus]:
        """Drive a batch to its end; how many runs ended in which state. Raises `Halt` for a common cause, after which
        everything can be continued, and `WorkflowChanged`."""
        return await self._act(batch, Drive.go)

    async def unshared(
        self, scope: Scope, moving: Collection[str] = (), of: Collection[str] | None = None, *, look: bool = False
    ) -> Sequence[Orphan]:
        """What runs of a sandbox shared once and none shares any more, including what is kept for its data. `moving`:
        runs (ids) that are about to get other inputs, so that what they share now does not count. `of`: only what these
        runs (ids) shared. `look`: without what was kept and is deleted by now, which is read; else nothing is sent."""
        found = await unshared(self.session, self.wanted.workflows, scope, moving, of)
        return await present(self.session, found) if look else found

    async def release(self, scope: Scope) -> Sequence[Orphan]:
        """Take down what runs of a sandbox shared once and none shares any more, without what holds data; returns what
        is gone. Raises `Halt`."""
        if self.runner is None:
            self.runner = self._runner(Drive.go)
        found = () if self.runner.stopped else await self.unshared(scope)
        others = [orphan for orphan in found if not orphan.kept]
        await self.runner.destroy_orphans((), others, delete_data=False)
        left = {orphan.id for orphan in await self.unshared(scope)} if others else ()
        return [orphan for orphan in others if orphan.id not in left]

    async def destroy(
        self, run_ids: Collection[str], others: Sequence[Orphan] = (), *, delete_data: bool = False
    ) -> Counter[RunStatus]:
        """Delete what these runs made, in safe order, then what only they shared, and `others`; never what they adopted
        or others share. What holds data, and what that refers to, is kept without `delete_data`. Raises `Halt`."""
        batch = await self.journal.new_batch()
        await self.journal.enroll(batch, tuple(RunStatus), run_ids)
        counts = await self._act(batch, partial(Drive.destroy, delete_data=delete_data))
        gone = counts[RunStatus.DESTROYED] == len(run_ids)
        if self.runner and (gone or not self.runner.stopped):
            await self.runner.destroy_orphans(run_ids, others, delete_data=delete_data)
        return counts

    def remains(self, state: RunState) -> Iterator[tuple[str, bool]]:
        """What is left on the platform of a run that was destroyed, by step, and whether it was kept for its data."""
        return remains(self.wanted.workflows[state.workflow], state.steps)

    async def switch(self, run_ids: Collection[str], *, on: bool) -> Counter[RunStatus]:
        """Switch off or on what these runs, which are done, made and can be switched. Raises `Halt`."""
        batch = await self.journal.new_batch()
        await self.journal.enroll(batch, (RunStatus.DONE,), run_ids)
        return await self._act(batch, partial(Drive.switch, on=on))

    async def recover(self, scope: Scope, batches: Iterable[Sequence[Item]]) -> Counter[RunStatus]:
        """Rebuild a lost journal from the markers on the platform, creating nothing. `done`: all was found again; what
        was found, is missing or in conflict is told by notices. Raises `Halt`, `ScopeMismatch`."""
        registration = await self.register(scope, batches)
        return await self._act(registration.batch, Drive.recover)

    async def _act(self, batch: int, action: Callable[[Drive], Awaitable[RunState]]) -> Counter[RunStatus]:
        self.runner = self._runner(action)
        return await self.runner.run_batch(batch)

    def _runner(self, action: Callable[[Drive], Awaitable[RunState]]) -> Runner:
        return Runner(self.session, self.workflows, window=self.window, max_failures=self.max_failures, action=action)

    async def resolve(self, id: str, step: str, *, adopt: str | None) -> None:
        """A person's answer to a doubt: the object `adopt` is the step's, or (None) it is to be made anew.

        Raises `UnknownRun`, and `Rejected` for an answer that cannot be.
        """
        state = await self.journal.claim_one(id)
        workflow, shared = await self.wanted.declared(state)
        inputs = workflow.decode(state.inputs)
        plan = workflow.plan(inputs)
        if step in plan.shared:
            state = await self.journal.claim_one(run_id(state.workflow, state.scope, plan.shared[step], shared=True))
        run = Active(self.session, workflow=workflow, plan=plan, inputs=inputs, state=state)
        run.receipts.update({name: known.receipt for name, known in shared.items() if known.receipt})
        await resolve(run, step, adopt)

    def pause(self, family: str, seconds: float) -> None:
        """Journal that a service asked for a pause, so that it outlives this process; not in a journal that is only
        read."""
        if not self.read_only:
            self._keep_pause(family, seconds)

    def stop(self) -> None:
        """Start nothing new, finish or journal what is in flight; `run` returns within ten seconds, and may be called
        again. Of several batches at once it stops the one that was begun last."""
        if self.runner is not None:
            self.runner.stop()

    async def start(self, workflow: Workflow[Any], inputs: Any, source: str, scope: Scope = LOCAL) -> RunState:
        """Register one source and drive its run to its end; the run as it is then. Raises as `register` and `run`
        do."""
        done = await self.register(scope, [[Item(workflow=workflow, source=source, inputs=inputs)]])
        await self.run(done.batch)
        return await self.journal.load(run_id(workflow.name, scope, source))

    async def resume(self, id: str) -> RunState:
        """Continue one run from the journal alone; any number of times, in any process. Raises `UnknownRun`."""
        await self.run(await self.enroll([id]))
        return await self.journal.load(id)

    # what is

    async def report(self, run: RunState) -> dict[str, Json]:
        """A run as one line of `status --json`. Raises `WorkflowChanged` when its workflow is not known here."""
        workflow = self.wanted.known(run)
        plan = workflow.plan(workflow.decode(run.inputs))
        return report(run, plan, await self.wanted.shared_steps(run, plan))

    async def drift(self, run_ids: Collection[str]) -> AsyncIterator[tuple[RunState, tuple[StepDrift, ...]]]:
        """Hold what the platform has against what the journal knows of these runs, by source name; only reads."""
        waiting: list[RunState] = []
        async for run in self.journal.stream(run_ids=run_ids):
            waiting.append(run)
            if len(waiting) == self.window:
                for result in await self._compare(waiting):
                    yield result
                waiting.clear()
        for result in await self._compare(waiting):
            yield result

    async def _compare(self, runs: Sequence[RunState]) -> list[tuple[RunState, tuple[StepDrift, ...]]]:
        async def compare(run: RunState) -> tuple[RunState, tuple[StepDrift, ...]]:
            return run, await drift(self.session, *await self.wanted.declared(run), run)

        return await together(*(partial(compare, run) for run in runs))

    def history(self, run: RunState, step: str | None = None) -> AsyncIterator[Event]:
        """What was recorded of a run, oldest first."""
        return self.journal.history(run.key, step)
