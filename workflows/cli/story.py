"""`why`: the history of a run's steps as a story: what was asked, answered, looked for, decided; and a hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from workflows.cli.calling import run_async
from workflows.cli.foreseen import brief
from workflows.cli.options import Looking
from workflows.cli.words import clock, day, listed

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.model import Event, RunState, StepState


def why(
    run: Annotated[str, Argument(metavar="RUN", help="A source name or a run id.")],
    options: Looking,
    step: Annotated[str | None, Argument(metavar="STEP", help="One step; none: all of them.")] = None,
    json: Annotated[bool, Option("--json", help="The same as one JSON object.")] = False,
) -> int:
    """Tell the history of a run or a step: requests, answers, looks, pauses, decisions; and what to do about it.

    Example:
      headway why acme-accounts
      headway why acme-accounts target_connection
    """
    return run_async(_why, options.store, run, step, json)


@dataclass(slots=True, kw_only=True)
class Chapter:
    """One step: how it stands (as `status --json` says it), what is durable, and what happened."""

    shown: Mapping[str, Any]
    state: StepState | None
    events: list[Event] = field(default_factory=list)


async def _why(store: str, name: str, step: str | None, json: bool) -> int:
    from workflows.cli.compose import find_run, looking
    from workflows.cli.failures import Refusal

    async with looking(store) as engine:
        run = await find_run(engine, name)
        line = await engine.report(run)
        steps: Any = line["steps"]
        names = [str(shown["name"]) for shown in steps]
        if step is not None and step not in names:
            raise Refusal(f"{run.source} has no step {step!r}: it has {', '.join(names)}")
        chapters = [await chapter_of(engine, run, shown) for shown in steps if step in (None, shown["name"])]
    if json:
        from workflows.cli.events import print_json

        print_json({**line, "steps": [_as_json(chapter) for chapter in chapters]})
    else:
        _tell(run, line, chapters, whole=step is None)
    return 0


async def chapter_of(engine: Engine, run: RunState, shown: Mapping[str, Any]) -> Chapter:
    """The step's history; that of a shared step is kept once for all runs that share it."""
    from engine.errors import UnknownRun
    from engine.identity import run_id

    name, holder = str(shown["name"]), run
    if shown["shared"]:
        workflow = engine.workflows[run.workflow]
        key = workflow.plan(workflow.decode(run.inputs)).shared[name]
        try:
            holder = await engine.journal.load(run_id(run.workflow, run.scope, key, shared=True))
        except UnknownRun:
            return Chapter(shown=shown, state=None)
    events = [event async for event in engine.history(holder, name)]
    return Chapter(shown=shown, state=holder.steps.get(name), events=events)


def _as_json(chapter: Chapter) -> dict[str, Any]:
    from engine.report import timestamp

    history = [{"at": timestamp(event.at), "event": event.name, **event.detail} for event in chapter.events]
    state = chapter.state
    open_intents = [
        {"tag": attempt.tag, "verb": attempt.verb.value, "at": timestamp(attempt.at)}
        for attempt in (state.attempts if state else ())
    ]
    return {**chapter.shown, "open_intents": open_intents, "due": timestamp(state.due if state else None)} | {
        "history": history
    }


# --- for people -------------------------------------------------------------------------------------------------------


def _tell(run: RunState, line: dict[str, Any], chapters: list[Chapter], *, whole: bool) -> None:
    print(f"{run.source}   {run.status.value.replace('_', ' ')}   chain {run.variant}   sandbox {run.scope.sandbox}")
    waiting = [chapter for chapter in chapters if whole and chapter.shown["state"] == "pending" and not chapter.events]
    for chapter in chapters:
        if chapter not in waiting:
            _tell_step(run, chapter)
    if waiting:
        print(f"not begun   {listed([chapter.shown['name'] for chapter in waiting], 20)}")
    if whole and line["error"]:
        _tell_error(run, line["error"])


def _tell_step(run: RunState, chapter: Chapter) -> None:
    shown, state = chapter.shown, chapter.state
    facts = [shown["state"].replace("_", " "), shown["id"] or "", shown["origin"] or ""]
    facts += ["shared"] * shown["shared"]
    print(f"{run.source} / {shown['name']}   {'   '.join(fact for fact in facts if fact)}")
    before = ""
    for event in chapter.events:
        date = day(event.at)
        if date != before and before:
            print(f"  {date}")
        before = date
        print(f"  {clock(event.at)}  {_LABELS.get(event.name, event.name.replace('_', ' ')):<12}{told(event)}".rstrip())
    for attempt in state.attempts if state else ():
        what = "asked" if attempt.verb.value == "create" else f"asked to {attempt.verb.value}"
        print(f"  {clock(attempt.at)}  {'open':<12}{what}; whether it had an effect is not known yet ({attempt.tag})")
    if state and state.due is not None and shown["state"] not in ("done", "failed"):
        print(f"  {clock(state.due)}  {'due':<12}tried again then")
    if shown["error"]:
        _tell_error(run, shown["error"])
    elif state and state.attempts and shown["state"] != "done":
        print(f"  next  headway resume {run.source}      (it is looked for before anything is sent again)")


def _tell_error(run: RunState, error: dict[str, Any]) -> None:
    code = f" ({error['code']})" if error["code"] else ""
    request = f", request {error['request_id']}" if error["request_id"] else ""
    print(f"  why   {error['kind'].replace('_', ' ')}{code}: {error['message']}{request}")
    print(f"  next  {error['hint'] or f'headway resume {run.source}'}")


_LABELS = {
    "not_applied": "not taken",
    "in_doubt": "in doubt",
    "not_ready": "not ready",
    "another journal": "other hands",
}
"""What the engine calls an event, where people say it otherwise."""


def told(event: Event) -> str:
    """One event in words."""
    detail = {key: value for key, value in event.detail.items() if value is not None}
    if event.name == "intent" and "verb" in detail:
        return f"to {detail['verb']}"
    if event.name in _WORDS:
        return _WORDS[event.name].format_map(_Details(detail))
    if event.name == "changed":
        fields: Any = detail.get("fields", {})
        return ", ".join(f"{path} {brief(old)} → {brief(new)}" for path, (old, new) in fields.items())
    if "message" in detail:
        return f"{detail['message']} ({detail['code']})" if "code" in detail else str(detail["message"])
    return ", ".join(f"{key} {value}" for key, value in detail.items())


_WORDS = {
    "intent": "attempt {attempt} ({tag})",
    "sent": "the request; {took} s until something was heard of it",
    "created": "attempt {attempt}, answered after {took} s",
    "looked": "{hits}; {fresh}; {verdict}",
    "recovered": "{id} bears our marker; nothing is sent twice",
    "confirmed": "{id} is the only one",
    "unproven": "{id} is the only one that is seen",
    "read": "{id}",
    "adopted": "{id}",
    "gone": "{id}",
    "left": "{id} stays as it is; the run has nothing to do with it any more",
    "another journal": "{journal} knew this run: what that one made is looked for",
    "signed": "the run is this journal's now",
    "sent again": "{why}",
    "resolved": "by a person: {answer}",
}


class _Details(dict[str, Any]):
    """Details of an event as they go into a sentence."""

    def __getitem__(self, key: str) -> str:
        value = self.get(key, "?")
        if key == "answer":
            return f"adopt {self['adopt']}" if "adopt" in self else "recreate"
        if key == "hits":
            return "1 hit" if value == 1 else f"{value} hits"
        if key == "fresh":
            return f"there is {value}" if str(value).startswith("no ") else f"the list {value}"
        return _VERDICTS.get(str(value), str(value)) if key == "verdict" else str(value)


_VERDICTS = {
    "found": "it bears our marker",
    "absent": "it is not there",
    "unproven": "not seen, so sent again and watched",
    "wait": "too early to tell",
}
