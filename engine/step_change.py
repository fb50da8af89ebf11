"""What becomes of one step of a run whose inputs changed: the value, and how data is spared. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from engine.model import replace, value
from engine.resource import Change
from engine.workflow import Workflow

ADOPTED = "adopted"
"""The field of a change from or to an object that the user named."""


class Action(StrEnum):
    """What becomes of a step."""

    CREATE = "create"
    ADOPT = "adopt"
    UPDATE = "update"
    REPLACE = "replace"
    LEAVE = "leave"
    DELETE = "delete"


@value
class StepChange:
    """What new inputs mean for one step."""

    step: str
    action: Action
    fields: tuple[Change, ...] = ()
    id: str | None = None
    """Of the object that is there now."""
    shared: bool = False
    superseded: bool = False
    """Of an update: another object takes the place of the old one, which cannot be deleted, and stays."""
    stays: bool = False
    """Of a replaced or deleted step: the old object is left behind. Of a shared step: it is let go, and stays as long
    as others share it."""
    loses_data: bool = False
    """Deleting the object, or writing elsewhere from now on, loses data."""
    refused: str = ""
    """Why it cannot be done at all."""
    gone: bool = False
    """Somebody deleted the object `id` by hand."""
    by_hand: tuple[str, ...] = ()
    """Paths of the fields that somebody changed by hand, and that are to be as they were."""
    doubted: bool = False
    """There may be an object, so it is looked for first."""
    spared: tuple[Change, ...] = ()
    """What the inputs say otherwise now of an object that was adopted, and is never changed."""
    moved: bool = False
    """The object has another etag than the journal knows, perhaps with nothing else that differs."""
    off: bool = False
    """What is made anew is switched off at once, as the object was whose place it takes."""

    @property
    def due(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.fields) or self.action is not Action.LEAVE

    @property
    def destroys(self) -> bool:
        """Whether what is there must be taken down, which nobody does unasked. What is shared is only let go."""
        return self.action is Action.REPLACE or (self.action is Action.DELETE and not self.shared)


def keeping(
    found: list[StepChange], workflow: Workflow[Any], resources: Mapping[type[Any], Any], *, delete_data: bool
) -> Iterator[StepChange]:
    """The changes, marked so that data is not deleted unasked, nor what it needs to be read."""
    kept = set[str]()
    for change in sorted(found, key=lambda change: workflow.order.index(change.step), reverse=True):
        resource = resources[workflow.steps[change.step].resource]
        if change.destroys and not delete_data and (resource.holds_data or change.step in kept):
            kept |= {change.step, *workflow.steps[change.step].needs}
    for change in found:
        resource = resources[workflow.steps[change.step].resource]
        yield _kept(change, resource, stays=change.step in kept) if change.destroys else change


def _kept(change: StepChange, resource: Any, *, stays: bool) -> StepChange:
    adopts = next((one for one in change.fields if one.path == ADOPTED), None)
    ours, refused = adopts is None or adopts.before is None, change.refused
    if stays and resource.unique and change.action is Action.REPLACE and adopts is None:
        old = change.step.replace("_", " ")
        refused = f"the data that the old {old} describes is kept, and titles are unique: needs --replace --delete-data"
    return replace(change, stays=stays or not ours, loses_data=resource.holds_data and ours, refused=refused)
