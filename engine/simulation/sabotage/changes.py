"""Breaking rule 10: deleting and changing are effects, too."""

from __future__ import annotations

from collections.abc import Mapping

from engine import destroy, drive, give_way, revise, shared, upkeep
from engine.active import Active
from engine.model import StepState, StepStatus, replace
from engine.resource import View
from engine.simulation.kinds import Kind
from engine.simulation.sabotage.sending import unwritten
from engine.simulation.sabotage.switch import CHANGING, Patch, Switch, never, nothing
from engine.simulation.weather import ANY, READ_LAG


def change_before_intent() -> list[Patch]:
    return unwritten(lambda step: bool(upkeep.changing(step)))


def no_tombstone() -> list[Patch]:
    deleting = upkeep.deleting
    return [(upkeep, "deleting", lambda step, attempt: replace(deleting(step, attempt), tombstones=()))]


def calmed(step: StepState) -> StepState:
    return replace(step, attempts=(), body=None, status=StepStatus.DONE)


async def let_go(run: Active) -> None:
    """Of what is to be replaced, the old one is forgotten instead of taken down."""
    for name in run.state.doomed:
        if run.step(name).receipt:
            await run.write(upkeep.superseded(run.step(name)))


def unconditional(_self: Kind, _view: View) -> str:
    return ""


SWITCHES: Mapping[str, Switch] = {
    "no_tombstone": Switch(
        rule="10: a deleted id may be taken again",
        patches=no_tombstone,
        weather=ANY.but(
            scripts=[("run", "destroy", "run")],
            read_lag=[READ_LAG],
            crash_rate=[0.002],
            fault_rate=[0],
            freeze_rate=[0],
            rivals=[""],
            disaster=[0],
            calm_at=[200],
            hurry=[0],
        ),
    ),
    "open_delete_ignored": Switch(
        rule="10: run does not finish an unfinished destroy",
        patches=lambda: [(drive, "delete_doomed", nothing)],
        weather=ANY.but(
            scripts=[("run", "destroy", "run")],
            hurry=[1.0],
            crash_rate=[0.002],
            rivals=[""],
            disaster=[0],
            calm_at=[200, 600],
        ),
    ),
    "destroy_over_doubt": Switch(
        rule="10: destroy does not resolve open intents",
        patches=lambda: [(destroy, "settle_intents", nothing)],
        weather=ANY.but(scripts=[("run", "destroy")]),
    ),
    "change_unconditional": Switch(
        rule="10: a change is sent whatever became of the object meanwhile",
        patches=lambda: [(Kind, "condition", unconditional)],
        weather=CHANGING.but(scripts=[("run", "change", "change")], hurry=[1.0], fault_rate=[0.5], lists=["fresh"]),
    ),
    "change_before_intent": Switch(
        rule="10: a change leaves before its intent is durable",
        patches=change_before_intent,
        weather=CHANGING.but(scripts=[("run", "change", "change")], hurry=[1.0], fault_rate=[0.5], lists=["fresh"]),
    ),
    "open_change_dropped": Switch(
        rule="10: settling the intents of a run forgets its open changes",
        patches=lambda: [(upkeep, "calmed", calmed)],
        weather=CHANGING.but(scripts=[("run", "change", "change")], hurry=[1.0], kill_rate=[0.3], lists=["fresh"]),
    ),
    "replaced_stays": Switch(
        rule="10: what is replaced is not taken down first",
        patches=lambda: [(give_way, "delete_doomed", let_go)],
        weather=CHANGING.but(scripts=[("run", "replace")], fault_rate=[0]),
    ),
    "title_freed_over_doubt": Switch(
        rule="3: an object gets another title while a request to make it may still arrive",
        patches=lambda: [(revise, "frees_title", never)],
        weather=CHANGING.but(
            scripts=[("run", "rename")], fates=["late", "lost"], late=[59], hurry=[1.0], fault_rate=[0.5]
        ),
    ),
    "deleted_by_hand_believed": Switch(
        rule="10: what somebody deleted is taken for what the journal says of it",
        patches=lambda: [(drive, "refresh", nothing), (shared, "refresh", nothing)],
        weather=CHANGING.but(hands=[1.0], fault_rate=[0]),
    ),
    "replace_over_doubt": Switch(
        rule="10: replacing does not resolve open intents (who deletes what is referred to, or makes what "
        "refers to nothing, is refused later)",
        patches=lambda: [(give_way, "settle_intents", nothing)],
        harmless=True,
        weather=CHANGING.but(
            scripts=[("run", "replace")],
            fates=["late", "lost", "error"],
            late=[59],
            hurry=[1.0],
            fault_rate=[0.5],
            crash_rate=[0.002],
        ),
    ),
}
