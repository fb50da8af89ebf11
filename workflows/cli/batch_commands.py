"""The commands that drive a batch of runs: which runs, and what must hold for them. `driving` does the rest.

`run`, `resume` and `recover` are here; `destroy` (`takedown`), `pause` and `unpause` (`switching`) are further ones.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from engine.model import RunState, RunStatus, Scope
from engine.orphans import Orphan
from engine.ports import Standing
from workflows.aep import Credentials, Sandbox
from workflows.cli.calling import Interrupt
from workflows.cli.compose import App, conceal, find_runs
from workflows.cli.failures import Refusal
from workflows.cli.following import follow
from workflows.cli.foreseen import spared, stays
from workflows.cli.options import Driving
from workflows.cli.outlook import outlook
from workflows.cli.preflight import Due, Preflight
from workflows.cli.preparing import consent
from workflows.cli.render import say
from workflows.cli.selecting import Selection, Subject, codes_of
from workflows.cli.summary import Outcome
from workflows.cli.survey import BATCH, Survey
from workflows.cli.words import listed, number
from workflows.onboarding.access import secrets_of
from workflows.onboarding.manifest import Spool

NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What there is to do: `act` does it, None: nothing; `total` sources, of which `done` are finished already."""

    act: Callable[[], Awaitable[object]] | None
    total: int
    done: int
    left: dict[str, str] = field(default_factory=dict)
    """Finished sources that are left as they are though the manifest changed: the reason, by name."""
    changed: tuple[str, ...] = ()
    """The finished sources that become what the manifest says now."""
    gone: int = 0
    behind: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """What former calls left on the platform, by (step, whether it was kept for its data)."""


@dataclass(frozen=True, kw_only=True)
class BatchCommand(ABC):
    """A command that drives a batch of runs. `stop_at` is asked whether so many failures are enough; `again` is the
    command that continues it, as it is to be typed."""

    options: Driving
    credentials: Credentials
    stop_at: Callable[[int], bool]
    again: str
    goes_on: ClassVar[bool] = False
    """Whether there must be a journal already."""

    @abstractmethod
    async def prepare(self, app: App, scope: Scope, sandbox: Sandbox, interrupt: Interrupt) -> Batch:
        """Find out what there is to do, and enter it into the journal. Raises `Refusal`; nothing is created here."""

    def finish(self, outcome: Outcome) -> Outcome:
        """What is to be told of it in the end."""
        return outcome

    async def after(self, app: App, outcome: Outcome) -> None:  # noqa: B027 - most have nothing left
        """What is left to do once the runs have ended; an interruption cuts it off."""

    def tell(self, text: str) -> None:
        """A line for people, unless they want none."""
        if not self.options.quiet:
            say(text)

    def tell_kept(self, orphan: Orphan) -> None:
        """What no source shares any more, and stays."""
        self.tell(f"{_named(orphan)} that no source shares any more; {stays(orphan)}")


@dataclass(frozen=True, kw_only=True)
class RunManifest(BatchCommand):
    """The sources of a manifest. `foreseen`: the print of a saved plan, if it is to be done exactly; `rest`: the
    command that does what is left of it, once it was begun."""

    manifest: str
    spool: Spool
    wait: bool = False
    foreseen: str | None = None
    rest: str = ""

    async def prepare(self, app: App, scope: Scope, sandbox: Sandbox, interrupt: Interrupt) -> Batch:
        selection = Selection(only=self.options.only, exclude=self.options.exclude)
        survey = Survey(app.engine, scope, self.spool, selection, look=app.engine.refresh)
        preflight = Preflight(app, scope, self.manifest, self.spool)
        due = list[Due]()
        async for found in survey.sources():
            if found.selected and self.foreseen is not None:
                survey.note(found, outlook(found)[0])
            if found.selected and (text := spared(found.changes)):
                self.tell(f"{found.item.source}: {text}")
            if found.to_do:
                app.client.conceal(secrets_of(found.inputs, os.environ))
                due.append(Due(found.inputs, found.known, found.standing is Standing.CHANGED))
            if len(due) == BATCH:
                await preflight.check(due)
                due.clear()
        if self.foreseen not in (None, survey.print_of()):
            raise Refusal(
                f"{self.manifest}, or what the journal or the platform has of it, has changed since the plan was made",
                "make a new plan, and look at it; or, if it was this plan that was begun and interrupted, "
                f"`{self.rest}` does the rest; nothing was sent",
            )
        await preflight.check(due)
        preflight.close()
        gone = await self._gone(survey)
        survey.check_named(self.manifest, gone)
        for old, new in survey.renamed.items():
            self.tell(f"{old} is called {new} from now on; what it made gets the new name, nothing is made twice")
        unshared = await app.engine.unshared(scope) if app.engine.replace else ()
        left = [orphan for orphan in unshared if not orphan.kept]
        consent(sandbox, survey.to_do + len(left), interrupt, yes=self.options.yes)
        act = None
        if survey.to_do or left:
            batch = (await app.engine.register(scope, survey.batches())).batch
            act = partial(self._act, app, scope, batch)
        done = survey.selected - survey.to_do
        changed = tuple(source for source in survey.changed if source not in survey.left)
        return Batch(act=act, total=survey.selected, done=done, left=survey.left, changed=changed, gone=gone)

    async def _act(self, app: App, scope: Scope, batch: int) -> None:
        """Drive the runs to their ends; then take down what no source shares any more."""
        await app.engine.run(batch)
        if app.engine.replace:
            for orphan in await app.engine.release(scope):
                self.tell(f"{_named(orphan)} that no source shares any more: deleted")

    def finish(self, outcome: Outcome) -> Outcome:
        outcome.place, outcome.again = self._place, self.rest or outcome.again
        return outcome

    async def after(self, app: App, outcome: Outcome) -> None:
        for orphan in await app.engine.unshared(app.scope(), look=True) if outcome.tally.ended else ():
            if orphan.kept:
                self.tell_kept(orphan)
            elif orphan.id not in outcome.tally.staying:
                replace = self.options.headway("run", self.manifest, "--replace", defaults=self.spool.defaults)
                self.tell(f"{_named(orphan)} that no source shares any more; left alone (`{replace}` takes it down)")
        if self.wait and outcome.interrupted:
            outcome.unseen = outcome.tally.done
        elif self.wait:
            await follow(app, self.options, self.spool, outcome)

    def _place(self, source: str) -> str:
        line = self.spool.line_of(source)
        return f"{self.manifest}:{line}" if line else ""

    async def _gone(self, survey: Survey) -> int:
        names, count = list[str](), 0
        async for run in survey.gone():
            count += 1
            if count <= NAMED:
                names.append(run.source)
        if count:
            more = f" and {number(count - NAMED)} more" if count > NAMED else ""
            destroy = self.options.headway("destroy", self.manifest, "--removed", defaults=self.spool.defaults)
            self.tell(
                f"{', '.join(names)}{more}: in the journal, not in {self.manifest}; left alone"
                f" (`{destroy}` takes them down)"
            )
        return count


@dataclass(frozen=True, kw_only=True)
class Recover(BatchCommand):
    """A journal that was lost: what the sources of a manifest made is found again by its markers."""

    manifest: str
    spool: Spool

    async def prepare(self, app: App, scope: Scope, sandbox: Sandbox, interrupt: Interrupt) -> Batch:  # noqa: ARG002
        survey = Survey(app.engine, scope, self.spool, Selection(only=self.options.only, exclude=self.options.exclude))
        async for _ in survey.sources():
            pass
        done = survey.selected - survey.to_do
        act = partial(app.engine.recover, scope, survey.batches()) if survey.to_do else None
        return Batch(act=act, total=survey.selected, done=done)

    def finish(self, outcome: Outcome) -> Outcome:
        outcome.finds, outcome.said = True, "found whole"
        return outcome


@dataclass(frozen=True, kw_only=True)
class Resume(BatchCommand):
    """Runs of the journal: some by name, or all that are unfinished."""

    goes_on = True
    runs: list[str]
    failed: bool
    answer: tuple[str, str, str | None] | None

    async def prepare(self, app: App, scope: Scope, sandbox: Sandbox, interrupt: Interrupt) -> Batch:
        from engine.api import UNFINISHED

        engine, runs = app.engine, list(self.runs)
        if self.answer is not None:
            runs.append(self.answer[0])
        statuses = (RunStatus.FAILED,) if self.failed else UNFINISHED
        wanted = await self._wanted(app, scope, runs, statuses)
        consent(sandbox, len(wanted), interrupt, yes=self.options.yes)
        if self.answer is not None:
            await self._resolve(app, scope, *self.answer)
        act = partial(engine.run, await engine.enroll(wanted, statuses)) if wanted else None
        return Batch(act=act, total=len(wanted), done=0)

    async def _resolve(self, app: App, scope: Scope, source: str, step: str, adopt: str | None) -> None:
        """Write the answer down; `_wanted` has seen to it that the run is one of this sandbox."""
        known = await find_runs(app.engine, [source])
        run = next(run for run in known if run.scope.same_sandbox(scope))
        await app.engine.resolve(run.run_id, step, adopt=adopt)

    async def _wanted(self, app: App, scope: Scope, runs: list[str], statuses: tuple[RunStatus, ...]) -> list[str]:
        """The ids of the runs that this command is about: of this sandbox, and in one of these states."""
        selection = Selection(only=self.options.only, exclude=self.options.exclude)
        if runs:
            known = await find_runs(app.engine, runs)
            found = [run for run in known if run.scope.same_sandbox(scope)]
            elsewhere = sorted({run.source for run in known} - {run.source for run in found})
            if elsewhere:
                raise Refusal(
                    f"{listed(elsewhere, NAMED)}: of another sandbox than {scope.sandbox!r}", "set AEP_SANDBOX_NAME"
                )
            for run in found:
                if run.status not in statuses:
                    self.tell(f"{run.source} is {run.status.value.replace('_', ' ')}: nothing to do")
            return [_taken(app, run) for run in found if run.status in statuses]
        return [
            _taken(app, run)
            async for run in app.engine.journal.stream(statuses=statuses)
            if run.scope.same_sandbox(scope)
            and selection.takes(Subject(source=run.source, state=run.status.value, codes=codes_of(run)))
        ]


def _named(orphan: Orphan) -> str:
    return f"{orphan.key.rpartition(':')[2]}: {orphan.step.name.replace('_', ' ')}"


def _taken(app: App, run: RunState) -> str:
    conceal(app.client, run)
    return run.run_id
