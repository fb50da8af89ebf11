"""`drift`: what the platform has, compared with what the journal says it has; only reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from typer import Argument, Option

from workflows.cli.calling import run_async
from workflows.cli.options import Calling, Concurrency, Rate
from workflows.cli.words import amount, cut

if TYPE_CHECKING:
    from engine.drift import StepDrift
    from engine.model import Json, RunState
    from engine.resource import Change
    from workflows.onboarding.manifest import Spool

WIDTH = 80
"""Characters of a value that are shown."""


def drift(
    file: Annotated[str, Argument(metavar="FILE", help="The manifest: YAML, CSV, JSON lines; - is stdin.")],
    options: Calling,
    *,
    defaults: Annotated[
        Path | None, Option("--defaults", metavar="FILE", help="A YAML file with what the sources do not say.")
    ] = None,
    only: Annotated[list[str], Option("--only", metavar="PATTERN", help="As for run.")] = [],  # noqa: B006
    exclude: Annotated[list[str], Option("--exclude", metavar="PATTERN", help="As for run.")] = [],  # noqa: B006
    concurrency: Concurrency = 64,
    rate: Rate = None,
    json: Annotated[bool, Option("--json", help="One JSON line per source, the last one a summary.")] = False,
) -> int:
    """Compare the platform with the journal, field by field: what others changed or deleted by hand.

    Fields that the platform adds or writes in its own way are no drift. Leaves 2 when there is any, 0 when there is
    none. Changes nothing, neither there nor in the journal.

    Example:
      headway drift sources.yaml
      headway drift sources.yaml --only 'acme-*' --json
    """
    from workflows.cli.options import Driving
    from workflows.cli.saved import refuse_plan
    from workflows.onboarding.manifest import check_and_spool

    driving = Driving(
        store=options.store,
        credentials=options.credentials,
        concurrency=concurrency,
        rate=rate,
        only=only,
        exclude=exclude,
        json=json,
    )
    refuse_plan(file)
    with check_and_spool(file, defaults) as spool:
        code, mendable = run_async(_drift, file, driving, spool)
    if mendable and not json:
        again, look = (driving.headway(command, file, "--refresh", defaults=defaults) for command in ("run", "plan"))
        print(f"`{again}` puts it back; `{look}` shows how.")
    return code


async def _drift(file: str, options: Any, spool: Spool) -> tuple[int, bool]:
    """The exit code, and whether there is something that `run --refresh` would put back."""
    from engine.model import RunStatus
    from workflows.cli.compose import read_credentials, working
    from workflows.cli.failures import Exit
    from workflows.cli.preparing import find_sandbox
    from workflows.cli.repeating import telling_repeats
    from workflows.cli.selecting import Selection
    from workflows.cli.survey import Survey

    credentials = read_credentials(options.credentials)
    async with working(options, credentials, observer=lambda _notice: None, read_only=True) as app:
        await app.engine.check_scope(app.scope())
        scope = app.scope((await find_sandbox(app.client, credentials)).created)
        await app.engine.check_scope(scope)
        survey = Survey(app.engine, scope, spool, Selection(only=options.only, exclude=options.exclude))
        compared, skipped = list[str](), 0
        async for found in survey.sources():
            if found.selected and found.known and found.known.status is RunStatus.DONE:
                compared.append(found.known.run_id)
            else:
                skipped += found.selected
        survey.check_named(file, 0)
        drifted = unknown = mendable = 0
        async with telling_repeats(app.engine):
            async for run, drifts in app.engine.drift(compared):
                drifted += any(not one.unknown for one in drifts)
                unknown += any(one.unknown for one in drifts)
                mendable += any(one.gone or len(one.fields) > len(one.staying) for one in drifts)
                _tell(run, drifts, json=options.json)
    _sum_up(drifted, unknown, len(compared), skipped, json=options.json)
    return Exit.CHANGES if drifted else Exit.FAILED if unknown else Exit.DONE, mendable > 0


def _tell(run: RunState, drifts: tuple[StepDrift, ...], *, json: bool) -> None:
    if json:
        from workflows.cli.events import print_json

        print_json({"source": run.source, "run_id": run.run_id, "drift": [_as_json(one) for one in drifts]})
        return
    for one in drifts:
        name = one.step.replace("_", " ") + (" (shared)" if one.shared else "")
        if one.gone:
            print(f"{run.source}  {name} {one.id}: gone")
        elif one.unknown:
            print(f"{run.source}  {name} {one.id}: cannot be compared: {one.unknown}")
        if one.twins:
            twins = ", ".join(one.twins)
            print(f"{run.source}  {name} {one.id}: {twins} bears its marker, too; delete the one that you do not need")
        for field in one.fields:
            stays = "; what was added cannot be taken away: let the manifest say it, too"
            stays = stays if field.path in one.staying else ""
            print(f"{run.source}  {name}: {_path(one, field)} {_difference(field)}{stays}")


def _sum_up(drifted: int, unknown: int, compared: int, skipped: int, *, json: bool) -> None:
    if json:
        from workflows.cli.events import print_json

        print_json({"summary": True, "compared": compared, "drifted": drifted, "unknown": unknown, "skipped": skipped})
        return
    figures = [f"{amount(compared, 'source')} compared", f"{drifted} drifted" if drifted else "no drift"]
    figures += [f"{unknown} could not be compared"] * (unknown > 0)
    figures += [f"{skipped} not done yet"] * (skipped > 0)
    print(f"{', '.join(figures)}.   Nothing was changed.")


def _as_json(one: StepDrift) -> dict[str, Json]:
    return {
        "step": one.step,
        "id": one.id,
        "shared": one.shared,
        "gone": one.gone,
        "twins": list(one.twins),
        "unknown": one.unknown or None,
        "fields": [
            {"path": _path(one, f), "found": f.before, "wanted": f.after, "stays": f.path in one.staying}
            for f in one.fields
        ],
    }


def _path(one: StepDrift, field: Change) -> str:
    """A field as the platform calls it: in the Registry a name is a title."""
    titled = one.step.endswith(("_class", "_schema"))
    return "title" if titled and field.path == "name" else field.path


def _difference(field: Change) -> str:
    from workflows.cli.foreseen import turned

    lacks, has = turned(field)
    said = [f"lacks {_shown(item)}" for item in lacks] + [f"has {_shown(item)}, should not" for item in has]
    if said:
        return ", ".join(said)
    found = "is not there" if field.before is None else f"is {_shown(field.before)}"
    return f"{found}, should " + ("not be there" if field.after is None else f"be {_shown(field.after)}")


def _shown(value: Json) -> str:
    return cut(orjson.dumps(value).decode(), WIDTH)
