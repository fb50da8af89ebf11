"""`plan`: what `run` would do, from the manifest and the journal alone; nothing is sent, nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from workflows.cli.calling import run_async
from workflows.cli.options import Calling
from workflows.cli.words import cut, number, short

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.model import RunState, Scope
    from workflows.cli.survey import Found, Survey
    from workflows.onboarding.inputs import Inputs, Schedule
    from workflows.onboarding.manifest import Spool

ALL = 60
"""Up to so many sources are all shown; of more, those that are finished and unchanged are only counted."""
SIGNS = {"create": "+", "continue": ">", "changed": "~", "unchanged": " ", "gone": "?"}
SAID = {"create": "to create", "continue": "to continue", "changed": "changed", "unchanged": "unchanged"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the person asked for."""

    options: Calling
    file: str
    only: list[str]
    exclude: list[str]
    detailed: bool
    json: bool


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
    json: Annotated[bool, Option("--json", help="One JSON line per source, the last one a summary.")] = False,
) -> int:
    """Show what `run` would create, go on with, leave, and what has changed. Needs no network and no credentials.

    Which sandbox it is about say AEP_IMS_ORG and AEP_SANDBOX_NAME, or else the journal.

    Example:
      headway plan sources.yaml
      headway plan sources.yaml --detailed-exitcode
    """
    from workflows.onboarding.manifest import check_and_spool

    asked = Asked(options=options, file=file, only=only, exclude=exclude, detailed=detailed_exitcode, json=json)
    with check_and_spool(file, defaults) as spool:
        return run_async(_plan, asked, spool)


async def _plan(asked: Asked, spool: Spool) -> int:
    from workflows.cli.compose import looking
    from workflows.cli.failures import Exit
    from workflows.cli.selecting import Selection
    from workflows.cli.survey import Survey

    async with looking(asked.options.store) as engine:
        scope = await _scope(engine, asked)
        await engine.check_scope(scope)
        survey = Survey(engine, scope, spool, Selection(only=asked.only, exclude=asked.exclude))
        counts = await _lines(engine, asked, survey)
    changes = sum(counts[action] for action in ("create", "continue", "changed"))
    if asked.json:
        from workflows.cli.events import print_json

        print_json({"summary": True, **counts})
    else:
        figures = [f"{number(counts[action])} {said}" for action, said in SAID.items() if counts[action]]
        print(f"{', '.join(figures) or 'There is nothing to do'}.   Nothing has been sent.")
    return Exit.CHANGES if asked.detailed and changes else Exit.DONE


async def _scope(engine: Engine, asked: Asked) -> Scope:
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


async def _lines(engine: Engine, asked: Asked, survey: Survey) -> dict[str, int]:
    """Say what each source comes to; how many come to what."""
    counts = dict.fromkeys(SIGNS, 0)
    brief = survey.spool.count > ALL and not asked.json
    async for found in survey.sources():
        if found.selected:
            action, what = await _action(engine, found)
            counts[action] += 1
            if not (brief and action == "unchanged"):
                _say(asked, action, found.item.source, what)
    async for run in survey.gone():
        counts["gone"] += 1
        if not brief or counts["gone"] <= ALL:
            _say(asked, "gone", run.source, ["in the journal, not in the manifest: left alone"])
    return counts


def _say(asked: Asked, action: str, source: str, what: list[str]) -> None:
    if asked.json:
        from workflows.cli.events import print_json

        print_json({"source": source, "action": action, "what": what})
        return
    text = {"unchanged": "unchanged", "create": f"{len(what)} resources: {', '.join(what)}"}.get(
        action, "; ".join(what)
    )
    print(cut(f"{SIGNS[action]} {short(source, 32):<18} {text}", 1000))


async def _action(engine: Engine, found: Found) -> tuple[str, list[str]]:
    """What would be done with a source, and the details."""
    from engine.model import RunStatus
    from engine.ports import Standing

    if found.standing is Standing.NEW or found.known is None:
        return "create", list(_resources(found))
    if found.standing is Standing.UNCHANGED:
        return "unchanged", []
    run = await engine.journal.load(found.known.run_id)
    if found.standing is Standing.CHANGED:
        return "changed", [*_changes(run, found), "left alone for now"]
    if found.known.status is RunStatus.DONE:
        return "continue", ["done, but the journal was moved or restored: looked at again"]
    state = found.known.status.value.replace("_", " ")
    done = sum(step.receipt is not None for step in run.steps.values())
    failure = f": {run.failure.message}" if run.failure else ""
    return "continue", [f"{state}, {done} steps of its own done{failure}", *_changes(run, found)]


def _resources(found: Found) -> Iterator[str]:
    """What would be made for a new source, or taken."""
    from engine.ports import Adopt

    workflow, inputs = found.item.workflow, found.inputs
    plan = workflow.plan(inputs)
    for name, step in plan.steps.items():
        if step.reads_only:
            continue
        text = name.replace("_", " ")
        if not step.needs and isinstance(spec := workflow.spec(step, inputs, {}), Adopt):
            yield f"{text} {spec.ref} (adopted)"
        elif name in plan.shared:
            label = plan.shared[name].rpartition(":")[2]
            yield f'{text} "{label}" (shared)' if ":" in plan.shared[name] else f"{text} (shared)"
        else:
            yield f"{text} {every(inputs.schedule)}" if name == "flow" else text


def every(schedule: Schedule) -> str:
    """`every hour`, `every 30 minutes`, `once`."""
    if schedule.frequency == "once" or schedule.interval is None:
        return schedule.frequency
    return (
        f"every {schedule.frequency}" if schedule.interval == 1 else f"every {schedule.interval} {schedule.frequency}s"
    )


def _changes(run: RunState, found: Found) -> list[str]:
    """In which fields the manifest says something else than the run was made with."""
    from workflows.onboarding.inputs import to_json

    before: Inputs = found.item.workflow.decode(run.inputs)
    return list(_differences(to_json(before), to_json(found.inputs), ""))


def _differences(before: Any, now: Any, path: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*before, *now)):
            yield from _differences(before.get(key), now.get(key), f"{path}.{key}" if path else str(key))
    elif before != now:
        yield f"{path} {_brief(before)} → {_brief(now)}"


def _brief(value: Any) -> str:
    return "none" if value is None else cut(str(value), 60)
