"""A batch from its beginning to its summary: what `run` and `resume` have in common, and in what they differ."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import anyio

from engine.errors import NotAuthorised
from engine.identity import run_id
from engine.model import RunStatus, Scope
from engine.ports import Standing
from workflows.aep import Credentials, Sandbox
from workflows.cli.calling import Interrupt, interruptible
from workflows.cli.compose import WORKFLOW, App, find_runs, working
from workflows.cli.events import Events, Log
from workflows.cli.failures import Exit, Refusal, explain
from workflows.cli.options import Driving
from workflows.cli.preparing import Preflight, consent, find_sandbox, not_authorised
from workflows.cli.render import Observer, View, counts, limits_of, say, viewing
from workflows.cli.selecting import Selection, Subject, codes_of
from workflows.cli.summary import Outcome
from workflows.cli.survey import Survey
from workflows.cli.tally import Tally
from workflows.cli.words import listed, number
from workflows.onboarding.manifest import Spool

NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is to be driven: the journal's number of it, None when there is nothing to do; `total` sources, of which
    `done` are finished already; what else is worth telling."""

    number: int | None
    total: int
    done: int
    changed: list[str] = field(default_factory=list)
    gone: int = 0


@dataclass(frozen=True, kw_only=True)
class Work(ABC):
    """A command that drives runs."""

    options: Driving
    credentials: Credentials
    stop_at: Callable[[int], bool]
    again: str

    @abstractmethod
    async def prepare(self, app: App, scope: Scope, sandbox: Sandbox, interrupt: Interrupt) -> Batch:
        """Find out what there is to do and enter it into the journal. Raises `Refusal`; nothing is created here."""

    def tell(self, text: str) -> None:
        """A line for people, unless they want none."""
        if not self.options.quiet:
            say(text)


@dataclass(frozen=True, kw_only=True)
class RunManifest(Work):
    """The sources of a manifest."""

    manifest: str
    spool: Spool

    async def prepare(self, app: App, scope: Scope, sandbox: Sandbox, interrupt: Interrupt) -> Batch:
        selection = Selection(only=self.options.only, exclude=self.options.exclude)
        survey = Survey(app.engine, scope, self.spool, selection)
        preflight = Preflight(app, scope, self.manifest, self.spool)
        async for found in survey.sources():
            if found.to_do:
                await preflight.check(found.inputs, found.known)
        preflight.close()
        gone = await self._gone(survey)
        for new, old in ((new, old) for old, new in survey.renamed.items()):
            self.tell(f"{new} goes on as {old}, the name under which the journal knows it")
        consent(sandbox, survey.to_do, interrupt, yes=self.options.yes)
        batch = None
        if survey.to_do:
            batch = (await app.engine.register(scope, survey.batches())).batch
        done = survey.standings[Standing.UNCHANGED] + survey.standings[Standing.CHANGED]
        return Batch(number=batch, total=survey.selected, done=done, changed=survey.changed, gone=gone)

    async def _gone(self, survey: Survey) -> int:
        names, count = list[str](), 0
        async for name in survey.gone():
            count += 1
            if count <= NAMED:
                names.append(name)
        if count:
            more = f" and {number(count - NAMED)} more" if count > NAMED else ""
            self.tell(f"{', '.join(names)}{more}: in the journal, not in {self.manifest}; left alone")
        return count


@dataclass(frozen=True, kw_only=True)
class Resume(Work):
    """Runs of the journal: some by name, or all that are unfinished."""

    runs: list[str]
    failed: bool
    answer: tuple[str, str, str | None] | None

    async def prepare(self, app: App, scope: Scope, sandbox: Sandbox, interrupt: Interrupt) -> Batch:
        from engine.api import UNFINISHED

        engine, runs = app.engine, list(self.runs)
        if self.answer is not None:
            source, step, adopt = self.answer
            (run,) = await self._one(app, scope, source)
            await engine.resolve(run, step, adopt=adopt)
            runs.append(source)
        statuses = (RunStatus.FAILED,) if self.failed else UNFINISHED
        wanted = await self._wanted(app, scope, runs, statuses)
        consent(sandbox, len(wanted), interrupt, yes=self.options.yes)
        batch = await engine.enroll(wanted, statuses) if wanted else None
        return Batch(number=batch, total=len(wanted), done=0)

    async def _one(self, app: App, scope: Scope, source: str) -> list[str]:
        ids = (source, run_id(WORKFLOW, scope, source))
        found = [run.run_id async for run in app.engine.journal.stream(run_ids=ids)]
        return found or [run.run_id for run in await find_runs(app.engine, [source])][:1]

    async def _wanted(self, app: App, scope: Scope, runs: list[str], statuses: tuple[RunStatus, ...]) -> list[str]:
        """The ids of the runs that this command is about: of this sandbox, and in one of these states."""
        selection = Selection(only=self.options.only, exclude=self.options.exclude)
        if runs:
            found = await find_runs(app.engine, runs)
            elsewhere = [run.source for run in found if not _same(run.scope, scope)]
            if elsewhere:
                raise Refusal(
                    f"{listed(elsewhere, NAMED)}: of another sandbox than {scope.sandbox!r}", "set AEP_SANDBOX_NAME"
                )
            for run in found:
                if run.status not in statuses:
                    self.tell(f"{run.source} is {run.status.value.replace('_', ' ')}: nothing to do")
            return [run.run_id for run in found if run.status in statuses]
        return [
            run.run_id
            async for run in app.engine.journal.stream(statuses=statuses)
            if _same(run.scope, scope)
            and selection.takes(Subject(source=run.source, state=run.status.value, codes=codes_of(run)))
        ]


def _same(one: Scope, other: Scope) -> bool:
    return (one.gateway, one.org, one.sandbox) == (other.gateway, other.org, other.sandbox)


async def drive(work: Work) -> int:
    """Do it, and return the exit code; with `--json`, the last event is a summary, whatever happens."""
    options = work.options
    events = Events() if options.json else None
    listeners = [events.hear] if events else []
    observer = Observer([*listeners, Log().hear] if options.verbose else [*listeners])
    try:
        outcome = await _Driver(work, observer).drive()
    except BaseException as error:
        if events:
            code, text = explain(error)
            events.tell("summary", {"exit": int(code), "error": text})
        raise
    if events:
        events.tell("summary", outcome.as_json())
    if outcome.code is not Exit.DONE or not options.quiet:
        for line in outcome.lines():
            if events or options.quiet:
                say(line)
            else:
                print(line)
    return outcome.code


class _Driver:
    """One command at work: the first Ctrl-C ends what it is doing in good order."""

    def __init__(self, work: Work, observer: Observer) -> None:
        self.work, self.observer = work, observer
        self.began = time.monotonic()
        self.before = anyio.CancelScope()
        self.app: App | None = None

    async def drive(self) -> Outcome:
        work, outcome = self.work, None
        with interruptible(self._stop) as interrupt, self.before:
            async with working(
                work.options, work.credentials, observer=self.observer, stop_at=work.stop_at
            ) as self.app:
                batch = await self._prepare(self.app, interrupt)
                outcome = await self._run(self.app, batch, interrupt)
        if outcome is None:
            raise KeyboardInterrupt
        return outcome

    def _stop(self) -> None:
        """Start nothing new. Before the work has begun there is nothing to finish either."""
        runner = self.app.engine.runner if self.app else None
        if runner is None:
            self.before.cancel()
        else:
            say("stopping: what is under way is finished and written down; once more leaves at once")
            runner.stop()

    async def _prepare(self, app: App, interrupt: Interrupt) -> Batch:
        work = self.work
        await app.engine.check_scope(app.scope())
        sandbox = await find_sandbox(app.client, app.credentials)
        scope = app.scope(sandbox.created)
        await app.engine.check_scope(scope)
        work.tell(f"org {scope.org}   sandbox {scope.sandbox} ({sandbox.type})   journal {work.options.store}")
        return await work.prepare(app, scope, sandbox, interrupt)

    async def _run(self, app: App, batch: Batch, interrupt: Interrupt) -> Outcome:
        work, options = self.work, self.work.options
        tally = self.observer.tally = Tally(total=batch.total, done=batch.done, now=time.monotonic())
        outcome = Outcome(tally=tally, seconds=0.0, again=work.again, changed=batch.changed, gone=batch.gone)
        if batch.number is not None:
            limits = partial(_limits, app)
            with viewing(
                tally, limits, quiet=options.quiet, verbose=options.verbose, json=options.json
            ) as self.observer.view:
                await self._drive(app, batch.number)
        outcome.seconds, outcome.interrupted = time.monotonic() - self.began, interrupt.seen
        return outcome

    async def _drive(self, app: App, batch: int) -> None:
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_keep_showing, self.observer.view)
                tasks.start_soon(app.keep_pauses)
                await app.engine.run(batch)
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as errors:
            self._tell_halt()
            error = errors.exceptions[0]
            if isinstance(error, NotAuthorised):
                raise not_authorised(error, app.credentials) from error
            raise error from errors

    def _tell_halt(self) -> None:
        """How far it came before everything had to stop."""
        tally = self.observer.tally
        if tally is not None:
            self.work.tell(f"stopped: {counts(tally)}")
            self.work.tell(f"nothing is lost; once that is mended, continue with `{self.work.again}`")


def _limits(app: App) -> str:
    return limits_of(app.gate.snapshot())


async def _keep_showing(view: View) -> None:
    while True:
        await anyio.sleep(view.every)
        view.show()
