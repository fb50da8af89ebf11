"""`status`: what the journal says of the runs, for people and as JSON lines; also while another process works."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from workflows.cli.calling import run_async
from workflows.cli.options import Calling
from workflows.cli.words import amount, cut, number, short

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.model import Json, RunState
    from workflows.aep import Credentials
    from workflows.cli.following import Seen

ALL = 60
"""Up to so many runs are all shown; of more, only those that are not done."""
PAUSE = 1.0
"""Seconds between two looks of --watch."""
UNDER_WAY = ("pending", "running", "waiting")
SHOWN_FIRST = ("done", "running", "waiting", "pending", "failed", "in_doubt", "destroyed")


def status(
    options: Calling,
    runs: Annotated[list[str], Argument(metavar="RUN", help="Source names or run ids; none: all.")] = [],  # noqa: B006
    *,
    failed: Annotated[bool, Option("--failed", help="Only those that failed.")] = False,
    in_doubt: Annotated[bool, Option("--in-doubt", help="Only those in doubt.")] = False,
    flows: Annotated[
        bool, Option("--flows", help="Ask the platform for the last ingestion of each flow, too.")
    ] = False,
    watch: Annotated[bool, Option("--watch", help="Go on until nothing is under way.")] = False,
    json: Annotated[bool, Option("--json", help="One JSON line per run, sorted by source, with every id and etag.")] = (
        False
    ),
) -> int:
    """Show what is done, running, failed, in doubt. Reads the journal only, also while a run is going on.

    With --flows the platform is asked, too: how the last ingestion of each flow that is done went.

    Example:
      headway status
      headway status --flows
      headway status --failed
      headway status acme-accounts --json
    """
    from workflows.cli.compose import read_credentials

    states = (*(["failed"] * failed), *(["in_doubt"] * in_doubt)) or None
    inspection = Inspection(options.store, list(runs), states, watch=watch, json=json)
    if flows:
        inspection.credentials = read_credentials(options.credentials)
    return run_async(_status, inspection)


class Inspection:
    """What is to be shown, and how."""

    def __init__(self, store: str, runs: list[str], states: tuple[str, ...] | None, *, watch: bool, json: bool) -> None:
        self.store, self.runs, self.states, self.watch, self.json = store, runs, states, watch, json
        self.credentials: Credentials | None = None
        """Who asks the platform for ingestions, if it is to be asked."""
        self.last_runs: dict[str, Seen] = {}
        """The last ingestion of each flow, by run id."""
        self.said: dict[str, int] = {}
        """Fingerprints of the JSON lines that were said already, while watching."""


async def _status(inspection: Inspection) -> int:
    import anyio

    from engine.api import masked
    from workflows.cli.compose import looking

    async with looking(inspection.store) as engine:
        if not engine.journal.name and not inspection.json:
            print(f"There is no journal at {masked(inspection.store)} yet; `headway run FILE` makes one.")
            return 0
        if inspection.credentials is not None:
            await _ask(engine, inspection, inspection.credentials)
        while True:
            under_way = await (_lines(engine, inspection) if inspection.json else _table(engine, inspection))
            if not inspection.watch or not under_way:
                return 0
            await anyio.sleep(PAUSE)


async def _ask(engine: Engine, inspection: Inspection, credentials: Credentials) -> None:
    """Ask for the last ingestion of every flow that is shown."""
    from workflows.aep import AepClient
    from workflows.cli.compose import conceal
    from workflows.cli.following import flow_of, last_runs

    flows = dict[str, str]()
    async with AepClient(credentials) as client:
        async for run in _runs(engine, inspection, await _ids(engine, inspection)):
            if flow := flow_of(run):
                conceal(client, run)
                flows[run.run_id] = flow
        inspection.last_runs = await last_runs(client, flows)


async def _runs(engine: Engine, inspection: Inspection, ids: list[str] | None) -> AsyncIterator[RunState]:
    from engine.model import RunStatus

    statuses = None if inspection.states is None else tuple(RunStatus(state) for state in inspection.states)
    async for run in engine.journal.stream(statuses=statuses, run_ids=ids):
        yield run


async def _ids(engine: Engine, inspection: Inspection) -> list[str] | None:
    from workflows.cli.compose import find_runs

    return [run.run_id for run in await find_runs(engine, inspection.runs)] if inspection.runs else None


async def _lines(engine: Engine, inspection: Inspection) -> bool:
    """JSON lines; while watching, only of runs that have changed. Whether something is under way."""
    from workflows.cli.events import print_json

    under_way = False
    async for run in _runs(engine, inspection, await _ids(engine, inspection)):
        line = await engine.report(run)
        if inspection.credentials is not None:
            line["last_run"] = _last_run(inspection.last_runs.get(run.run_id))
        under_way = under_way or run.status.value in UNDER_WAY
        if inspection.watch:
            known, inspection.said[run.run_id] = inspection.said.get(run.run_id), hash(str(line))
            if known == inspection.said[run.run_id]:
                continue
        print_json(line)
    sys.stdout.flush()
    return under_way


async def _table(engine: Engine, inspection: Inspection) -> bool:
    """The counts, and a line per run: of many runs, only those that are not done."""
    from shutil import get_terminal_size

    from workflows.cli.following import in_words

    counts = Counter({status.value: count for status, count in (await engine.journal.counts()).items()})
    width = get_terminal_size().columns
    some = bool(inspection.runs or inspection.states)
    ids = await _ids(engine, inspection)
    if inspection.watch and sys.stdout.isatty():
        print("\x1b[2J\x1b[H", end="")
    print(_header(counts))
    hide = not some and counts.total() > ALL
    async for run in _runs(engine, inspection, ids):
        if not (hide and run.status.value == "done"):
            print(_line(run, await _steps(engine, run), width))
            if run.run_id in inspection.last_runs:
                print(f"    {in_words(inspection.last_runs[run.run_id])}")
    if hide and counts["done"]:
        print(f"The {number(counts['done'])} that are done are not listed; --json lists all.")
    unhappy = [f"headway status --{name}" for name, state in _UNHAPPY if counts[state] and not some]
    if unhappy:
        print("Look closer with   " + ",   ".join(unhappy) + ",   headway why RUN")
    sys.stdout.flush()
    return any(counts[state] for state in UNDER_WAY)


def _last_run(seen: Seen) -> Json:
    from workflows.cli.following import as_json

    return None if seen is None else as_json(seen)


_UNHAPPY = (("failed", "failed"), ("in-doubt", "in_doubt"))


def _header(counts: Counter[str]) -> str:
    figures = [f"{state.replace('_', ' ')} {number(counts[state])}" for state in SHOWN_FIRST if counts[state]]
    return amount(counts.total(), "run") + (f":   {'   '.join(figures)}" if figures else "")


async def _steps(engine: Engine, run: RunState) -> tuple[int, int, list[str]]:
    """How many steps are done, of how many, and which are not, with their state; and whether the source is paused."""
    from engine.errors import WorkflowChanged

    try:
        line = await engine.report(run)
    except WorkflowChanged:
        return 0, 0, []
    steps = line["steps"]
    shown = [(str(step["name"]), str(step["state"])) for step in steps]  # type: ignore[union-attr,call-overload,index]
    done = sum(state == "done" for _, state in shown)
    active = [f"{name} {state.replace('_', ' ')}" for name, state in shown if state not in _DULL]
    return done, len(shown), [*active, *["paused"] * bool(line["paused"])]


_DULL = ("done", "pending", "skipped", "destroyed")


def _line(run: RunState, steps: tuple[int, int, list[str]], width: int) -> str:
    done, count, active = steps
    name = short(run.source, 32 if width >= 80 else 20)
    failure = run.failure.message if run.failure and run.status.value in ("failed", "in_doubt") else ""
    what = failure or ", ".join(active)
    figures = f"{done:>2}/{count} steps" if width >= 80 else f"{done:>2}/{count}"
    line = f"  {name:<{32 if width >= 80 else 20}}  {run.status.value.replace('_', ' '):<9} {figures}"
    return cut(f"{line}   {what}" if what else line, max(width, 60) if sys.stdout.isatty() else 400)
