"""`plan`: what `run` would do, from the manifest and the journal alone; nothing is sent, nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Option

from workflows.cli.calling import run_async
from workflows.cli.foreseen import SAID, SIGNS, as_json, fields_as_json, stays
from workflows.cli.options import Calling, check_deletes
from workflows.cli.words import amount, cut, number, short

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.model import Scope
    from workflows.cli.survey import Found, Survey
    from workflows.onboarding.manifest import Spool

ALL = 60
"""Up to so many sources are all shown; of more, those that are finished and unchanged are only counted."""
COLOURS = {
    "create": "green",
    "adopt": "green",
    "continue": "cyan",
    "change": "yellow",
    "replace": "red",
    "delete": "red",
    "refused": "red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What the person asked for."""

    options: Calling
    file: str
    only: list[str]
    exclude: list[str]
    detailed: bool
    json: bool
    output: Path | None
    replace: bool
    delete_data: bool
    refresh: bool
    defaults: Path | None


def plan(
    file: Annotated[str, Argument(metavar="FILE", help="The manifest: YAML, CSV, JSON lines; - is stdin.")],
    options: Calling,
    *,
    defaults: Annotated[
        Path | None, Option("--defaults", metavar="FILE", help="A YAML file with what the sources do not say.")
    ] = None,
    only: Annotated[list[str], Option("--only", metavar="PATTERN", help="As for run.")] = [],  # noqa: B006
    exclude: Annotated[list[str], Option("--exclude", metavar="PATTERN", help="As for run.")] = [],  # noqa: B006
    detailed_exitcode: Annotated[
        bool, Option("--detailed-exitcode", help="Leave 0 when there is nothing to do, 2 when there is.")
    ] = False,
    replace: Annotated[bool, Option("--replace", help="As for run.")] = False,
    delete_data: Annotated[bool, Option("--delete-data", help="As for run.")] = False,
    refresh: Annotated[
        bool, Option("--refresh", help="Look at what finished sources have on the platform; needs credentials.")
    ] = False,
    output: Annotated[
        Path | None, Option("-o", "--output", metavar="PLAN", help="Save it: `headway run PLAN` does exactly that.")
    ] = None,
    json: Annotated[bool, Option("--json", help="One JSON line per source, the last one a summary.")] = False,
) -> int:
    """Show what `run` would create, adopt, change in place, replace, leave. Needs no network and no credentials, unless
    --refresh asks what others changed or deleted by hand: then it is what `run --refresh` would put back.

    + is new, = is there and adopted, > goes on, ~ is changed in place, ± cannot be and is replaced, - is shared by no
    source any more and deleted, ! cannot be done at all, ? is in the journal only, and left alone.

    Which sandbox it is about say AEP_IMS_ORG and AEP_SANDBOX_NAME, or else the journal. What cannot be changed in place
    is replaced only by `run --replace`: the old flow goes first. What holds data is deleted only with --delete-data.

    Example:
      headway plan sources.yaml
      headway plan sources.yaml --detailed-exitcode
      headway plan sources.yaml --refresh
      headway plan sources.yaml -o monday.plan
    """
    from workflows.cli.saved import refuse_plan
    from workflows.onboarding.manifest import check_and_spool

    refuse_plan(file)
    check_deletes(replace=replace, delete_data=delete_data)
    if output is not None and file == "-":
        raise BadParameter("stdin cannot be read again when the plan is run: save the manifest in a file")
    asked = PlanOptions(
        options=options,
        file=file,
        only=only,
        exclude=exclude,
        detailed=detailed_exitcode,
        json=json,
        output=output,
        replace=replace,
        delete_data=delete_data,
        refresh=refresh,
        defaults=defaults,
    )
    with check_and_spool(file, defaults, empty=True) as spool:
        return run_async(_plan, asked, spool)


async def _plan(asked: PlanOptions, spool: Spool) -> int:
    from workflows.cli.failures import Exit
    from workflows.cli.selecting import Selection
    from workflows.cli.survey import Survey

    async with _world(asked) as (engine, scope):
        selection = Selection(only=asked.only, exclude=asked.exclude)
        survey = Survey(engine, scope, spool, selection, look=asked.refresh)
        counts = await _lines(asked, survey)
        survey.check_named(asked.file, counts["gone"])
    if asked.output is not None:
        _save(asked, survey)
    changes = sum(count for action, count in counts.items() if action not in ("unchanged", "gone"))
    if asked.json:
        from workflows.cli.events import print_json

        print_json({"summary": True, **counts})
    else:
        figures = [f"{number(counts[action])} {said}" for action, said in SAID.items() if counts[action]]
        print(f"{', '.join(figures) or 'There is nothing to do'}.   Nothing has been sent.")
        if asked.output is not None:
            print(f"Saved: headway run {asked.output} does exactly this, or nothing if the world has moved.")
    return Exit.CHANGES if asked.detailed and changes else Exit.DONE


@asynccontextmanager
async def _world(asked: PlanOptions) -> AsyncIterator[tuple[Engine, Scope]]:
    """The engine over the journal, and the world that the plan is about; both only looked at."""
    from workflows.cli.compose import looking, read_credentials, working
    from workflows.cli.options import Changing
    from workflows.cli.preparing import find_sandbox
    from workflows.cli.repeating import telling_repeats

    if not asked.refresh:
        async with looking(asked.options.store, replace=asked.replace, delete_data=asked.delete_data) as engine:
            scope = await _scope(engine, asked)
            await engine.check_scope(scope)
            yield engine, scope
        return
    credentials = read_credentials(asked.options.credentials)
    options = Changing(store=asked.options.store, replace=asked.replace, delete_data=asked.delete_data)
    async with working(options, credentials, observer=lambda _notice: None, read_only=True) as app:
        await app.engine.check_scope(app.scope())
        scope = app.scope((await find_sandbox(app.client, credentials)).created)
        await app.engine.check_scope(scope)
        async with telling_repeats(app.engine):
            yield app.engine, scope


async def _scope(engine: Engine, asked: PlanOptions) -> Scope:
    """The world that the variables name, or the only one that the journal knows. Raises `Refusal` for several."""
    from engine.api import masked
    from engine.model import Scope
    from workflows.cli.compose import read_scope
    from workflows.cli.failures import Refusal

    scope = read_scope(asked.options.credentials)
    if scope is not None:
        return scope
    known = {(scope.gateway, scope.org, scope.sandbox): scope for scope in await engine.journal.scopes()}
    if len(known) > 1:
        names = ", ".join(sorted(sandbox for _, _, sandbox in known))
        raise Refusal(
            f"the journal {masked(engine.store)} knows several sandboxes: {names}",
            "set AEP_IMS_ORG and AEP_SANDBOX_NAME",
        )
    return next(iter(known.values()), Scope(gateway="-", org="-", sandbox="-"))


async def _lines(asked: PlanOptions, survey: Survey) -> dict[str, int]:
    """Say what each source comes to; how many come to what."""
    from workflows.cli.outlook import outlook

    counts = dict.fromkeys(SIGNS, 0)
    brief = survey.spool.count > ALL and not asked.json
    destroy = asked.options.headway("destroy", asked.file, "--removed", defaults=asked.defaults)
    replace = asked.options.headway("run", asked.file, "--replace", defaults=asked.defaults)
    async for found in survey.sources():
        if found.selected:
            action, what = outlook(found)
            survey.note(found, action)
            counts[action] += 1
            if not brief or action != "unchanged" or what:
                _say(asked, action, found, what)
    async for run in survey.gone():
        counts["gone"] += 1
        if not brief or counts["gone"] <= ALL:
            text = f"in the journal, not in the manifest: left alone (`{destroy}` takes it down)"
            _tell(asked, "gone", run.source, [text], {})
    for orphan in await survey.unshared():
        action = "delete" if asked.replace and not orphan.kept else "gone"
        counts[action] += 1
        done = "deleted" if action == "delete" else f"left alone (`{replace}` takes it down)"
        done = stays(orphan) if orphan.kept else done
        text = f"{orphan.step.name.replace('_', ' ')} that no source shares any more: {done}"
        _tell(asked, action, orphan.key.rpartition(":")[2], [text], {"shared": orphan.key})
    return counts


def _say(asked: PlanOptions, action: str, found: Found, what: list[str]) -> None:
    from workflows.cli.outlook import kept_of

    previously = found.known.source if found.known and found.known.source != found.item.source else None
    steps = as_json(found.changes)
    needs = action == "replace" and not asked.replace
    details: dict[str, object] = {
        "steps": steps,
        "previously": previously,
        "needs_replace": needs,
        "refused": found.left or None,
        "spared": [
            {"step": change.step, "id": change.id, "fields": fields_as_json(change.spared)}
            for change in found.changes
            if change.spared
        ],
    }
    shown = [f"renamed from {previously}", *what] if previously else what
    shown = [*shown, "needs --replace"] if needs else shown
    if action == "create" and (kept := kept_of(found)):
        details["kept"] = kept
    _tell(asked, action, found.item.source, shown, details)


def _tell(asked: PlanOptions, action: str, source: str, what: list[str], details: Mapping[str, object]) -> None:
    if asked.json:
        from workflows.cli.events import print_json

        print_json({"source": source, "action": action, "what": what, **details})
        return
    new = f"{amount(len(what), 'resource')}: {', '.join(what)}"
    text = {"unchanged": "; ".join(["unchanged", *what]), "create": new, "adopt": new}.get(action, "; ".join(what))
    if isinstance(kept := details.get("kept"), list):
        text += f"; there already: {', '.join(kept).replace('_', ' ')}"
    _print(cut(f"{SIGNS[action]} {short(source, 32):<18} {text}", 1000), COLOURS.get(action))


def _print(line: str, colour: str | None) -> None:
    """In colour where people look."""
    from rich.console import Console
    from rich.text import Text

    Console(soft_wrap=True, highlight=False).print(Text(line, style=colour or ""))


def _save(asked: PlanOptions, survey: Survey) -> None:
    from workflows.cli.saved import Saved

    if asked.output is not None:
        Saved(
            manifest=asked.file,
            defaults=str(asked.defaults) if asked.defaults else None,
            only=asked.only,
            exclude=asked.exclude,
            replace=asked.replace,
            delete_data=asked.delete_data,
            refresh=asked.refresh,
            print_of=survey.print_of(),
        ).write(asked.output)
