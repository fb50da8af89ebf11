"""The changes of one source, in words and as data; and the print by which a saved plan knows that nothing has moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine import codec
from engine.model import Json
from engine.orphans import Orphan
from engine.resource import Change
from engine.step_change import ADOPTED, Action, StepChange
from workflows.cli.words import amount, cut
from workflows.resources import BY_DATASET

SIGNS = {
    "create": "+",
    "adopt": "=",
    "continue": ">",
    "change": "~",
    "replace": "±",
    "delete": "-",
    "refused": "!",
    "unchanged": " ",
    "gone": "?",
}
SAID = {
    "create": "to create",
    "adopt": "to adopt",
    "continue": "to continue",
    "change": "to change",
    "replace": "to replace",
    "delete": "to delete",
    "refused": "cannot be changed",
    "unchanged": "unchanged",
}


LET_GO = "is let go, and goes once no source shares it"


def kind_of(changes: Sequence[StepChange]) -> str:
    """What the changes of a finished source come to, in one word of `SIGNS`."""
    doing = [change for change in changes if change.action is not Action.LEAVE]
    if any(change.refused for change in doing):
        return "refused"
    if any(change.destroys for change in doing):
        return "replace"
    return "change" if doing else "unchanged"


def said(changes: Sequence[StepChange]) -> Iterator[str]:
    """The changes for people: which field, from what to what, and how."""
    renamed = [c for c in changes if [field.path for field in c.fields] == ["name"] and not c.by_hand]
    if renamed:
        yield f"{amount(len(renamed), 'object')} get the new name"
    for change in changes:
        if change in renamed:
            continue
        name = change.step.replace("_", " ") + (" (shared)" if change.shared else "")
        if change.action is Action.LEAVE:
            continue
        if change.doubted:
            deleted = change.action is Action.DELETE
            yield f"{name} is looked for, and {'deleted' if deleted else 'created only if it is not there'}"
            continue
        if change.action in (Action.CREATE, Action.ADOPT, Action.DELETE):
            by_hand = " (deleted by hand)" if change.gone else ""
            done = "adopted" if change.action is Action.ADOPT else f"{change.action.value}d"
            if change.action is Action.DELETE:
                done = _left_or_deleted(change)
            if change.action is Action.DELETE and change.shared:
                yield f"{name} {change.id} {LET_GO}"
                continue
            before = f", {change.id} {LET_GO}" if change.stays and change.shared else ""
            paused = ", paused" * (change.off and change.action is Action.CREATE)
            yield f"{name} is {done}{paused}{by_hand}{before}{_how(change) if change.refused else ''}"
            continue
        fields = ", ".join(_field(field, by_hand=field.path in change.by_hand) for field in change.fields)
        yield f"{name}: {fields}{_how(change)}"


def signed(changes: Sequence[StepChange], sentinel: str | None) -> str:
    """What else is written: before anything is made anew, the sentinel tells in which generation; empty: nothing."""
    anew = [change for change in changes if change.destroys or change.superseded or change.gone]
    if not anew or sentinel is None or sentinel in [change.step for change in anew]:
        return ""
    return f"{sentinel.replace('_', ' ')}: description tells that something is made anew [in place]"


def spared(changes: Sequence[StepChange]) -> str:
    """What the manifest says otherwise now of objects that were adopted, and what to do; empty: nothing."""
    told = [
        f"{change.step.replace('_', ' ')} {', '.join(_field(field, by_hand=False) for field in change.spared)}"
        for change in changes
        if change.spared
    ]
    said = "adopted, not changed from here: {}; change it where it was made, or say it as it was"
    return said.format("; ".join(told)) if told else ""


def _left_or_deleted(change: StepChange) -> str:
    if change.stays:
        return "left behind, with its data" if change.loses_data else "left behind"
    return "deleted [loses data]" if change.loses_data else "deleted"


def _how(change: StepChange) -> str:
    if change.refused:
        return f" [cannot be done: {change.refused}]"
    if change.superseded:
        return " [by a new one, the old one stays]"
    if change.action is Action.UPDATE:
        return " [in place]"
    notes = ["replaced"]
    notes += ["stays paused"] * change.off
    notes += ["the old one stays"] * change.stays
    notes += ["loses data"] * (change.loses_data and not change.stays)
    notes += ["its data stays there"] * (change.loses_data and change.stays)
    return f" [{', '.join(notes)}]"


def _field(field: Change, *, by_hand: bool) -> str:
    if field.path == "name" and not by_hand:
        return "the new name"
    path = field.path.removeprefix("scheduleParams.").removeprefix("transformations.")
    if field.path == ADOPTED:
        before, after = (value and taken(str(value)) for value in (field.before, field.after))
        return f"{brief(before, 'its own')} → {brief(after, 'its own')}"
    more, less = turned(field)
    said = [f"+ {brief(item)}" for item in more] + [f"- {brief(item)}" for item in less]
    what = ", ".join(said) or f"{brief(field.before)} → {brief(field.after)}"
    return f"{path} {what}" + " (changed by hand)" * by_hand


def taken(ref: str) -> str:
    """What the user named to be adopted: an id, or the schema `of dataset ID`."""
    return f"of dataset {ref.removeprefix(BY_DATASET)}" if ref.startswith(BY_DATASET) else ref


def turned(field: Change) -> tuple[list[Json], list[Json]]:
    """What a list has more, and less, after a change of some of it; nothing, when it is another one altogether."""
    before, after = field.before, field.after
    if not isinstance(before, list | tuple) or not isinstance(after, list | tuple):
        return [], []
    if not any(item in before for item in after):
        return [], []
    return [item for item in after if item not in before], [item for item in before if item not in after]


def brief(value: Json, nothing: str = "none") -> str:
    """A value of a field in a few words."""
    if value is None:
        return nothing
    return cut(value if isinstance(value, str) else codec.canonical(value), 60)


def as_json(changes: Sequence[StepChange]) -> list[dict[str, Any]]:
    """The changes as data."""
    return [
        {
            "step": change.step,
            "action": "leave" if change.action is Action.DELETE and change.stays else change.action.value,
            "id": change.id,
            "shared": change.shared,
            "in_place": change.action is Action.UPDATE and not change.superseded,
            "old_one_stays": change.superseded or change.stays,
            "loses_data": change.loses_data and not change.stays,
            "fields": fields_as_json(change.fields),
            "refused": change.refused or None,
            "in_doubt": change.doubted,
            "paused": change.off,
            "deleted_by_hand": change.gone,
            "changed_by_hand": list(change.by_hand),
        }
        for change in changes
        if change.action is not Action.LEAVE
    ]


def fields_as_json(fields: Sequence[Change]) -> list[dict[str, Json]]:
    """Fields as data: which, from what, to what."""
    return [{"path": field.path, "from": field.before, "to": field.after} for field in fields]


def print_of(source: str, action: str, text: str, changes: Sequence[StepChange]) -> str:
    """A print of what was foreseen for a source: the manifest's inputs, and the journal's state as far as it counts."""
    return codec.fingerprint([source, action, text, as_json(changes), [change.id for change in changes]])


def stays(orphan: Orphan) -> str:
    """Why what no source shares any more is not taken down, which, and what to do."""
    return f"stays, as it may hold data ({orphan.made}); delete it by hand if it is not needed"
