"""`pause` and `unpause`: switching flows off and on again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from typer import Argument

from engine.model import Origin, RunState, RunStatus, Scope
from workflows.aep import Sandbox
from workflows.cli.apply import stop_at
from workflows.cli.batch_commands import Batch, BatchCommand
from workflows.cli.calling import Interrupt, called, run_async
from workflows.cli.compose import App, find_runs, read_credentials
from workflows.cli.driving import drive
from workflows.cli.failures import Refusal
from workflows.cli.options import Driving
from workflows.cli.preparing import consent_to, kind_of
from workflows.cli.selecting import Selection, Subject
from workflows.cli.summary import Outcome
from workflows.cli.words import amount, listed

Runs = Annotated[list[str], Argument(metavar="RUN", help="Source names, globs or run ids.")]
NAMED = 3


def pause(runs: Runs, options: Driving) -> int:
    """Switch the flows of sources off: nothing is ingested until `unpause`. The journal remembers it.

    Example:
      headway pause acme-incidents
      headway pause 'acme-*' --exclude acme-accounts --yes
    """
    return _switch(runs, options, on=False)


def unpause(runs: Runs, options: Driving) -> int:
    """Switch the flows of sources on again.

    Example:
      headway unpause acme-incidents
    """
    return _switch(runs, options, on=True)


def _switch(runs: list[str], options: Driving, *, on: bool) -> int:
    command = Switch(
        options=options,
        credentials=read_credentials(options.credentials),
        stop_at=stop_at(options, None),
        again=called(),
        runs=runs,
        on=on,
    )
    return run_async(drive, command)


@dataclass(frozen=True, kw_only=True)
class Switch(BatchCommand):
    """Runs of the journal whose flows are to be on, or off."""

    goes_on = True
    runs: list[str]
    on: bool

    async def prepare(self, app: App, scope: Scope, sandbox: Sandbox, interrupt: Interrupt) -> Batch:
        wanted = Selection(only=self.runs)
        selection = Selection(only=self.options.only, exclude=self.options.exclude)
        ids, others = list[str](), dict[str, list[str]]()
        async for run in app.engine.journal.stream(statuses=tuple(RunStatus)):
            subject = Subject(source=run.source, state=run.status.value)
            named = wanted.takes(subject) or run.run_id in self.runs
            if named and selection.takes(subject) and run.scope.same_sandbox(scope):
                if reason := why_not(run):
                    others.setdefault(reason, []).append(run.source)
                else:
                    ids.append(run.run_id)
        said = [f"{listed(names, NAMED)}: {reason}, so not {self._said}" for reason, names in others.items()]
        if not ids and not others:
            await find_runs(app.engine, filter(is_name, self.runs))  # says which one was probably meant
            raise Refusal(f"no run of {scope.sandbox!r} is meant", "`headway status` lists the runs")
        if not ids:
            raise Refusal("\n".join(said), "nothing was sent; `headway status` shows where they stand")
        for line in said:
            self.tell(line)
        if sandbox.type != "development":
            question = (
                f"{amount(len(ids), 'flow')} in {sandbox.name} ({kind_of(sandbox)}) to be {self._said}: continue?"
            )
            consent_to(question, interrupt, yes=self.options.yes)
        return Batch(act=partial(app.engine.switch, ids, on=self.on), total=len(ids), done=0)

    def finish(self, outcome: Outcome) -> Outcome:
        outcome.said = self._said
        return outcome

    @property
    def _said(self) -> str:
        return "unpaused" if self.on else "paused"


def why_not(run: RunState) -> str:
    """Why a run's flow is not switched from here; empty: it is."""
    flow = run.steps.get("flow")
    if flow is not None and flow.receipt is not None and flow.receipt.origin is Origin.ADOPTED:
        return "the flow was adopted"
    if run.status is RunStatus.DESTROYED:
        return "destroyed"
    return "" if run.status is RunStatus.DONE else "not done yet"


def is_name(pattern: str) -> bool:
    """Whether it is the name of a single run, not a glob."""
    return not set(pattern) & set("*?[")
