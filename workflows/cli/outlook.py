"""What would be done with a source if it were run now: one word, and details for people. `foreseen` has the words."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.model import Receipt, RunStatus
from engine.ports import Standing
from engine.resource import Adopt
from engine.step_change import Action
from workflows.cli.foreseen import kind_of, said, signed, spared, taken

if TYPE_CHECKING:
    from workflows.cli.survey import Found
    from workflows.onboarding.inputs import Schedule


def outlook(found: Found) -> tuple[str, list[str]]:
    """What would be done with a source, in one word of `SIGNS`, and the details."""
    known = found.known
    destroyed = known is not None and known.status is RunStatus.DESTROYED
    if known is None or found.standing is Standing.NEW or (destroyed and not found.left):
        wanted = _wanted(found)
        adopts = all(isinstance(spec, Adopt) for spec in wanted.values()) and wanted
        return "adopt" if adopts else "create", list(_resources(found, wanted))
    if found.standing is Standing.UNCHANGED and not found.changing:
        return "unchanged", []
    sentinel = found.item.workflow.plan(found.inputs).sentinel
    what = [*said(found.changes), *filter(None, [signed(found.changes, sentinel), spared(found.changes)])]
    if destroyed or found.standing in (Standing.CHANGED, Standing.UNCHANGED):
        kind = kind_of(found.changes)
        if found.left and kind not in ("replace", "refused"):
            return "refused", [found.left]
        return kind, what
    if known.status is RunStatus.DONE:
        return "continue", ["done; looked at once more, as its journal was lost, moved or restored", *what]
    return "continue", [known.status.value.replace("_", " "), *what]


def kept_of(found: Found) -> list[str]:
    """The steps of a destroyed source whose objects are still there, and serve it again."""
    if found.known is None or found.known.status is not RunStatus.DESTROYED:
        return []
    return [change.step for change in found.changes if change.action in (Action.LEAVE, Action.UPDATE)]


def _wanted(found: Found) -> dict[str, Any]:
    """What would be made for a new or destroyed source, or taken: the spec of each such step."""
    workflow, inputs = found.item.workflow, found.inputs
    plan, kept = workflow.plan(inputs), kept_of(found)
    stand_ins = {name: Receipt(id=name) for name in plan.steps}
    return {
        name: workflow.spec(step, inputs, stand_ins)
        for name, step in plan.steps.items()
        if not step.reads_only and name not in kept
    }


def _resources(found: Found, wanted: Mapping[str, Any]) -> Iterator[str]:
    """What would be made or taken, in words."""
    shared = found.item.workflow.plan(found.inputs).shared
    paused = {change.step for change in found.changes if change.off}
    for name, spec in wanted.items():
        text = name.replace("_", " ") + " (paused)" * (name in paused)
        if isinstance(spec, Adopt):
            yield f"{text} {taken(spec.ref)} (adopted)"
        elif name in shared:
            label = shared[name].rpartition(":")[2]
            yield f'{text} "{label}" (shared)' if ":" in shared[name] else f"{text} (shared)"
        else:
            schedule = found.inputs.schedule
            yield f"{text} {_every(schedule)}{_passed(schedule)}" if name == "flow" else text


def _every(schedule: Schedule) -> str:
    """`every hour`, `every 30 minutes`, `once`."""
    if schedule.frequency == "once" or schedule.interval is None:
        return schedule.frequency
    return (
        f"every {schedule.frequency}" if schedule.interval == 1 else f"every {schedule.interval} {schedule.frequency}s"
    )


def _passed(schedule: Schedule) -> str:
    """What becomes of a start that nobody can keep any more."""
    if schedule.start is None or schedule.start + (schedule.spread or 0) > time.time():
        return ""
    return f" from soon, as {datetime.fromtimestamp(schedule.start, UTC):%Y-%m-%dT%H:%M:%SZ} has passed"
