"""`graph`: the steps of a chain, or what became of them in a run, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from engine.model import RunState
from engine.workflow import Plan
from workflows.cli.calling import run_async
from workflows.cli.compose import find_run, looking
from workflows.cli.drawing import Lane, Mark, Node, graph_mermaid, graph_svg, page, timeline_mermaid, timeline_svg
from workflows.cli.options import Looking
from workflows.cli.story import Chapter, chapter_of, told
from workflows.onboarding.chains import onboarding, steps_of


class Form(StrEnum):
    """How the picture is written."""

    MERMAID = "mermaid"
    SVG = "svg"
    HTML = "html"


class Chain(StrEnum):
    """Which chain is drawn."""

    ADHOC = "adhoc"
    TABULAR = "tabular"


def graph(
    options: Looking,
    run: Annotated[str | None, Argument(metavar="RUN", help="A source name or a run id; none: the chain.")] = None,
    *,
    chain: Annotated[Chain, Option("--chain", help="Which chain, if no run is named.")] = Chain.ADHOC,
    form: Annotated[Form, Option("--format", help="Text for Mermaid, a picture, or a page.")] = Form.MERMAID,
    output: Annotated[Path | None, Option("-o", "--output", metavar="FILE", help="Write it there.")] = None,
) -> int:
    """Draw the steps of a chain, or a run: what was sent when, with its retries, waits and recoveries.

    Example:
      headway graph --chain tabular
      headway graph acme-accounts --format html -o acme-accounts.html
    """
    text = _chain(chain, form) if run is None else run_async(_run, options.store, run, form)
    if output is None:
        print(text, end="")
    else:
        output.write_text(text)
    return 0


def _chain(chain: Chain, form: Form) -> str:
    steps = steps_of(chain.value)
    nodes = [
        Node(
            name=name,
            needs=[need for need in step.needs if need in steps],
            note=_note(steps, name, onboarding.sentinels[0]),
        )
        for name, step in steps.items()
    ]
    return _written(form, f"{onboarding.name}, chain {chain.value}", nodes, ())


async def _run(store: str, name: str, form: Form) -> str:
    async with looking(store) as engine:
        run = await find_run(engine, name)
        workflow, _ = await engine.wanted.declared(run)
        plan = workflow.plan(workflow.decode(run.inputs))
        steps: Any = (await engine.report(run))["steps"]
        chapters = [await chapter_of(engine, run, shown) for shown in steps]
    states = {chapter.shown["name"]: chapter.shown["state"] for chapter in chapters}
    title = f"{run.source}: {run.status.value.replace('_', ' ')}"
    return _written(form, title, _nodes(plan, states), [_lane(run, chapter) for chapter in chapters])


def _nodes(plan: Plan, states: Mapping[str, str]) -> list[Node]:
    return [
        Node(
            name=name,
            needs=[need for need in step.needs if need in plan.steps],
            note=_note(plan.steps, name, plan.sentinel),
            state=states[name],
        )
        for name, step in plan.steps.items()
    ]


def _note(steps: Mapping[str, Any], name: str, sentinel: str | None) -> str:
    words = [
        "sentinel" if name == sentinel else "",
        "may be shared" if steps[name].shared else "",
        "only reads" if steps[name].reads_only else "",
    ]
    return ", ".join(filter(None, words))


def _lane(run: RunState, chapter: Chapter) -> Lane:
    """A shared step that was there before the run began has no time in it."""
    shown, state = chapter.shown, chapter.state
    earlier = shown["shared"] and state is not None and (state.finished_at or run.created_at) < run.created_at
    if state is None or earlier:
        return Lane(name=shown["name"], state=shown["state"], begin=None, end=None)
    marks = [Mark(at=event.at, kind=event.name, text=told(event)) for event in chapter.events]
    return Lane(name=shown["name"], state=shown["state"], begin=state.started_at, end=state.finished_at, marks=marks)


def _written(form: Form, title: str, nodes: list[Node], lanes: list[Lane] | tuple[()]) -> str:
    if form is Form.MERMAID:
        return timeline_mermaid(title, lanes) if lanes else graph_mermaid(nodes)
    if form is Form.SVG:
        return (timeline_svg(lanes) if lanes else graph_svg(nodes)) + "\n"
    pictures = [("Steps", graph_svg(nodes)), *([("Time", timeline_svg(lanes))] if lanes else [])]
    return page(title, pictures, lanes)
