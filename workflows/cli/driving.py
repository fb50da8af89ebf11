"""A batch from the first look at the sandbox to the summary: what all commands that drive runs have in common."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import anyio

from engine.api import masked
from engine.errors import JournalOlder, NotAuthorised, TakenOver
from engine.together import cause
from workflows.cli.batch_commands import Batch, BatchCommand
from workflows.cli.calling import Interrupt, interruptible
from workflows.cli.compose import App, looking, require, working
from workflows.cli.events import Events, Log
from workflows.cli.failures import Exit, Refusal, explain
from workflows.cli.preparing import find_sandbox, not_authorised
from workflows.cli.render import Observer, View, counts, limits_of, say, viewing
from workflows.cli.summary import Outcome
from workflows.cli.tally import Tally
from workflows.cli.words import amount


async def drive(command: BatchCommand) -> int:
    """Do it, and return the exit code; with `--json`, the last event is a summary, whatever happens."""
    options = command.options
    events = Events() if options.json else None
    listeners = [events.hear] if events else []
    observer = Observer([*listeners, Log().hear] if options.verbose else [*listeners])
    try:
        outcome = await _Driver(command, observer).drive()
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

    def __init__(self, command: BatchCommand, observer: Observer) -> None:
        self.command, self.observer = command, observer
        self.began = time.monotonic()
        self.before = anyio.CancelScope()
        self.app: App | None = None
        self.over = False

    async def drive(self) -> Outcome:
        command, outcome = self.command, None
        if command.goes_on:
            with suppress(JournalOlder):  # it is there, and is about to be brought up to date
                async with looking(command.options.store) as engine:
                    await require(engine)
        with interruptible(self._stop) as interrupt, self.before:
            async with working(
                command.options, command.credentials, observer=self.observer, stop_at=command.stop_at
            ) as self.app:
                batch = await self._prepare(self.app, interrupt)
                outcome = await self._run(self.app, batch, interrupt)
                self.over = True
                await command.after(self.app, outcome)
        if outcome is None:
            raise Refusal(f"interrupted, nothing was sent; continue with `{command.again}`", code=Exit.INTERRUPTED)
        return outcome

    def _stop(self) -> None:
        """Start nothing new. Before the work has begun there is nothing to finish either."""
        runner = self.app.engine.runner if self.app else None
        if runner is None or self.over:
            self.before.cancel()
        else:
            say("stopping: what is under way is finished and written down; once more leaves at once")
            runner.stop()

    async def _prepare(self, app: App, interrupt: Interrupt) -> Batch:
        command = self.command
        await app.engine.check_scope(app.scope())
        sandbox = await find_sandbox(app.client, app.credentials)
        scope = app.scope(sandbox.created)
        await app.engine.check_scope(scope)
        command.tell(
            f"org {scope.org}   sandbox {scope.sandbox} ({sandbox.type})   journal {masked(command.options.store)}"
        )
        return await command.prepare(app, scope, sandbox, interrupt)

    async def _run(self, app: App, batch: Batch, interrupt: Interrupt) -> Outcome:
        command, options = self.command, self.command.options
        tally = self.observer.tally = Tally(total=batch.total, done=batch.done, now=time.monotonic())
        tally.behind.update(batch.behind)
        outcome = Outcome(
            tally=tally,
            seconds=0.0,
            again=command.again,
            look=options.look,
            kept=batch.left,
            changed=batch.changed,
            gone=batch.gone,
        )
        if batch.act is not None:
            limits = partial(_limits, app)
            with viewing(
                tally, limits, quiet=options.quiet, verbose=options.verbose, json=options.json
            ) as self.observer.view:
                await self._act(app, batch.act)
                _check_taken_over(app, tally)
        outcome.seconds, outcome.interrupted = time.monotonic() - self.began, interrupt.seen
        outcome.stopped = tally.left > 0 and command.stop_at(tally.failed + tally.in_doubt)
        return command.finish(outcome)

    async def _act(self, app: App, act: Callable[[], Awaitable[object]]) -> None:
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_keep_showing, self.observer.view)
                await act()
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as errors:
            self._tell_halt()
            error = cause(errors)
            if isinstance(error, NotAuthorised):
                raise not_authorised(error, app.credentials) from error
            raise error from errors

    def _tell_halt(self) -> None:
        """How far it came before everything had to stop."""
        tally = self.observer.tally
        if tally is not None:
            self.command.tell(f"stopped: {counts(tally)}")
            self.command.tell(f"nothing is lost; once that is mended, continue with `{self.command.again}`")


def _check_taken_over(app: App, tally: Tally) -> None:
    """Runs that were never claimed, though nothing stopped us, belong to another process by now."""
    runner = app.engine.runner
    if runner is not None and not runner.stopped and (missed := tally.total - tally.before - runner.counts.total()) > 0:
        raise TakenOver(
            f"another process has taken {amount(missed, 'run')} over", "let it finish, or stop it and run again"
        )


def _limits(app: App) -> str:
    return limits_of(app.gate.snapshot())


async def _keep_showing(view: View) -> None:
    while True:
        await anyio.sleep(view.every)
        view.show()
