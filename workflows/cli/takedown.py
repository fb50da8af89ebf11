"""`destroy`: deleting what runs made, in safe order, after asking."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from engine.model import RunStatus, Scope
from workflows.aep import Sandbox
from workflows.cli.apply import stop_at
from workflows.cli.batch_commands import Batch, BatchCommand
from workflows.cli.calling import Interrupt, called, run_async
from workflows.cli.compose import App, read_credentials
from workflows.cli.driving import drive
from workflows.cli.failures import Refusal
from workflows.cli.options import Driving
from workflows.cli.preparing import consent_to, kind_of
from workflows.cli.saved import refuse_plan
from workflows.cli.selecting import Selection, Subject
from workflows.cli.summary import Outcome
from workflows.cli.survey import Survey
from workflows.cli.words import amount
from workflows.onboarding.manifest import Spool, check_and_spool


def destroy(
    file: Annotated[str, Argument(metavar="FILE", help="The manifest of the sources to take down; - is stdin.")],
    options: Driving,
    defaults: Annotated[
        Path | None, Option("--defaults", metavar="FILE", help="A YAML file with what the sources do not say.")
    ] = None,
    removed: Annotated[
        bool, Option("--removed", help="Those that are in the journal, but not in the manifest any more.")
    ] = False,
    delete_data: Annotated[
        bool, Option("--delete-data", help="Datasets and their schemas, too: their data is lost for good.")
    ] = False,
) -> int:
    """Delete what the runs of a manifest created or recovered: the flows first, then what they stand on.

    Never what was adopted, nor what other runs still share. Datasets stay, with their schemas, unless --delete-data is
    given. Mapping sets stay in any case: the platform cannot delete them. Interrupted, the same command continues.

    Example:
      headway destroy sources.yaml --only acme-incidents
      headway destroy sources.yaml --removed --delete-data --yes
    """
    refuse_plan(file)
    with check_and_spool(file, defaults, empty=removed) as spool:
        command = Destroy(
            options=options,
            credentials=read_credentials(options.credentials),
            stop_at=stop_at(options, spool.count),
            again=called(),
            manifest=file,
            spool=spool,
            removed=removed,
            delete_data=delete_data,
        )
        return run_async(drive, command)


@dataclass(frozen=True, kw_only=True)
class Destroy(BatchCommand):
    """The runs of a manifest, or those that it does not name any more."""

    manifest: str
    spool: Spool
    removed: bool
    delete_data: bool

    async def prepare(self, app: App, scope: Scope, sandbox: Sandbox, interrupt: Interrupt) -> Batch:
        survey = Survey(app.engine, scope, self.spool, Selection(only=self.options.only, exclude=self.options.exclude))
        ids, gone, behind = list[str](), list[str](), Counter[tuple[str, bool]]()
        async for id, status in self._found(survey):
            (gone if status is RunStatus.DESTROYED and not self.delete_data else ids).append(id)
        async for run in app.engine.journal.stream(statuses=(RunStatus.DESTROYED,), run_ids=[*gone, *ids]):
            behind.update(one for one in app.engine.remains(run) if not (self.delete_data and one[1]))
        done, chosen = len(gone), self.options.only or self.options.exclude
        found = await app.engine.unshared(scope, of=gone if chosen else None)  # left by a call that was interrupted
        others = [orphan for orphan in found if not orphan.kept]
        known = self.removed and any((await app.engine.journal.counts()).values())
        if not (ids or done or others or known):
            raise Refusal(
                f"the journal has no run{'' if self.removed else f' of {self.manifest}'}",
                "nothing was sent; if the journal was lost, rebuild it with "
                f"`{self.options.headway('recover', self.manifest, defaults=self.spool.defaults)}`"
                + ", and a manifest that still names what was removed"
                * self.removed,
            )
        if ids or others:
            data = ", with their datasets and all data in them" if self.delete_data else ""
            more = f", and {amount(len(others), 'object')} that no source shares any more" if others else ""
            what = f"{amount(len(ids), 'source')}{data}{more}, in {sandbox.name} ({kind_of(sandbox)})"
            consent_to(f"destroy {what}: continue?", interrupt, yes=self.options.yes)
        act = partial(app.engine.destroy, ids, others, delete_data=self.delete_data) if ids or others else None
        return Batch(act=act, total=len(ids) + done, done=done, behind=behind)

    async def _found(self, survey: Survey) -> AsyncIterator[tuple[str, RunStatus]]:
        """The id and state of every run that the command is about."""
        async for found in survey.sources():
            if not self.removed and found.selected and found.known:
                yield found.known.run_id, found.known.status
        if self.removed:
            async for run in survey.gone():
                if survey.selection.takes(Subject(source=run.source, state=run.status.value)):
                    yield run.run_id, run.status

    def finish(self, outcome: Outcome) -> Outcome:
        outcome.destroys, outcome.said = True, "destroyed"
        return outcome

    async def after(self, app: App, outcome: Outcome) -> None:
        for orphan in await app.engine.unshared(app.scope(), look=True) if outcome.tally.ended else ():
            if orphan.kept:
                self.tell_kept(orphan)
