"""What a source comes to if it is run now: in one word, and the details for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.model import Receipt, RunStatus
from engine.ports import Standing
from engine.resource import Adopt
from engine.step_change import Action
from workflows.cli.foreseen import kind_of, said, signed, spared

if TYPE_CHECKING:
    from workflows.cli.survey import Found
    from workflows.onboarding.inputs import Schedule


def outlook(found: Found) -> tuple[str, list[str]]:
    """What would be done with a source, in one word of `SIGNS`, and the details."""
    known = found.known
    destroyed = known is not None and known.status is RunStatus.DESTROYED
    if known is None or found.standing is Standing.NEW or (destroyed and not found.left):
        return "create", list(_resources(found))
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


def _resources(found: Found) -> Iterator[str]:
    """What would be made for a new or destroyed source, or taken."""
    workflow, inputs = found.item.workflow, found.inputs
    plan, kept = workflow.plan(inputs), kept_of(found)
    stand_ins = {name: Receipt(id=name) for name in plan.steps}
    paused = {change.step for change in found.changes if change.off}
    for name, step in plan.steps.items():
        if step.reads_only or name in kept:
            continue
        text = name.replace("_", " ") + " (paused)" * (name in paused)
        if isinstance(spec := workflow.spec(step, inputs, stand_ins), Adopt):
            yield f"{text} {spec.ref} (adopted)"
        elif name in plan.shared:
            label = plan.shared[name].rpartition(":")[2]
            yield f'{text} "{label}" (shared)' if ":" in plan.shared[name] else f"{text} (shared)"
        else:
            yield f"{text} {_every(inputs.schedule)}" if name == "flow" else text


def _every(schedule: Schedule) -> str:
    """`every hour`, `every 30 minutes`, `once`."""
    if schedule.frequency == "once" or schedule.interval is None:
        return schedule.frequency
    return (
        f"every {schedule.frequency}" if schedule.interval == 1 else f"every {schedule.interval} {schedule.frequency}s"
    )
