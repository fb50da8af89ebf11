"""What became of flows: the first ingestion of each (`run --wait`), and the last one (`status --flows`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import anyio

from engine.errors import Answer
from engine.model import Json, RunState, RunStatus
from engine.together import together
from workflows.aep import AepClient
from workflows.cli.compose import App, conceal
from workflows.cli.events import Events
from workflows.cli.options import Driving
from workflows.cli.preparing import find_sandbox
from workflows.cli.render import say
from workflows.cli.selecting import Selection
from workflows.cli.summary import Outcome
from workflows.cli.survey import Survey
from workflows.cli.words import amount, clock, cut, duration, number
from workflows.onboarding.manifest import Spool
from workflows.resources import FlowRun, Flows, newest_run

PAUSE = 15.0
"""Seconds between two looks at the flows that have not run yet."""
AT_ONCE = 32
"""Flows that are looked at side by side."""


class Idle(str):
    """Why a flow that has not run will not, as it is."""

    __slots__ = ()


Seen = FlowRun | Idle | str | None
"""How a flow's last run went; why there will be none; why neither can be told; None: it has not run yet."""


def flow_of(run: RunState) -> str | None:
    """The id of the run's flow, if there is one that is on."""
    step = run.steps.get("flow")
    receipt = step.receipt if step else None
    return None if receipt is None or receipt.data.get("on") is False else receipt.id


async def last_runs(client: AepClient, flows: Mapping[str, str]) -> dict[str, Seen]:
    """The newest run of each flow, by source."""
    found: dict[str, Seen] = {}
    left = iter(list(flows.items()))

    async def look() -> None:
        for source, flow in left:
            try:
                found[source] = await newest_run(client, flow) or await _idle(client, flow)
            except Answer as answer:
                found[source] = answer.failure.message

    await together(*[look] * AT_ONCE)
    return found


async def _idle(client: AepClient, flow: str) -> Idle | None:
    view = await Flows(client).read(flow)
    if view is None:
        return Idle("it was deleted")
    return Idle("it is switched off") if view.data.get("on") is False else None


async def follow(app: App, options: Driving, spool: Spool, outcome: Outcome) -> None:
    """Tell of each flow of the manifest how its first ingestion ended; counts in `outcome` those that did not well."""
    waiting = {run.source: flow async for run in _runs(app, options, spool) if (flow := flow_of(run))}
    if waiting and not options.quiet:
        say(f"waiting for the first ingestion of {amount(len(waiting), 'flow')}; Ctrl-C leaves them alone")
    while waiting:
        outcome.unseen = len(waiting)
        for source, seen in (await last_runs(app.client, waiting)).items():
            if isinstance(seen, Idle) or (isinstance(seen, FlowRun) and seen.over):
                del waiting[source]
                outcome.unwell += isinstance(seen, Idle) or not seen.well
                _tell(options, source, seen)
        if waiting:
            await anyio.sleep(PAUSE)
    outcome.unseen = 0


async def _runs(app: App, options: Driving, spool: Spool) -> AsyncIterator[RunState]:
    scope = app.scope((await find_sandbox(app.client, app.credentials)).created)
    survey = Survey(app.engine, scope, spool, Selection(only=options.only, exclude=options.exclude))
    ids = [found.known.run_id async for found in survey.sources() if found.selected and found.known]
    async for run in app.engine.journal.stream(statuses=(RunStatus.DONE,), run_ids=ids):
        conceal(app.client, run)
        yield run


def _tell(options: Driving, source: str, seen: FlowRun | Idle) -> None:
    if options.json:
        Events().tell("ingested", {"source": source, **as_json(seen)})
    elif not (options.quiet and isinstance(seen, FlowRun) and seen.well):
        print(f"  {source:<32}  {in_words(seen)}")


def in_words(seen: Seen) -> str:
    """A run of a flow in one line."""
    if seen is None:
        return "has not run yet"
    if isinstance(seen, Idle):
        return f"has not run and will not: {seen}"
    if isinstance(seen, str):
        return f"cannot be told: {seen}"
    counts = {"records in": seen.read, "out": seen.written, "failed": seen.failed or None}
    figures = [f"{number(count)} {what}" for what, count in counts.items() if count is not None]
    took = [f"in {duration(seen.ended - seen.began)}"] if seen.began and seen.ended else []
    since = [f"at {clock(seen.began)[:5]}"] if seen.began else []
    reasons = [cut("; ".join(seen.reasons), 200)] if seen.reasons else []
    return "   ".join([f"{seen.status} {' '.join([*since, *took])}".strip(), ", ".join(figures), *reasons]).rstrip()


def as_json(seen: FlowRun | str) -> dict[str, Json]:
    """A run of a flow, or why there is none, as the fields of a JSON line."""
    if isinstance(seen, str):
        return {"error": str(seen)}
    return {
        "flow_run": seen.id,
        "status": seen.status,
        "records_in": seen.read,
        "records_out": seen.written,
        "records_failed": seen.failed,
        "reasons": list(seen.reasons),
    }
