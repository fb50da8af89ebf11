"""Breaking what holds for objects that are switched off and on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import changes, drive, switch, upkeep
from engine.model import StepState, replace
from engine.resource import View
from engine.simulation.kinds import Flow
from engine.simulation.sabotage.sending import unwritten, whenever
from engine.simulation.sabotage.switch import QUIET, Patch, Switch, never, nothing
from engine.simulation.weather import ANY, READ_LAG

PAUSING = ANY.but(
    scripts=[("run", "pause", "unpause"), ("run", "pause", "unpause", "pause")], rivals=[""], disaster=[0],
    freeze_rate=[0], lists=["fresh"], calm_at=[600], **QUIET,
)  # fmt: skip
MAKING_ANEW = PAUSING.but(scripts=[("run", "pause", "replace")], fault_rate=[0])


def off_forgotten() -> list[Patch]:
    return [(module, "stays_off", never) for module in (upkeep, changes)]


def no_open_switch(step: StepState) -> tuple[()]:
    del step
    return ()


def stale_believed() -> list[Patch]:
    init = switch._Switching.__init__  # noqa: SLF001 - sabotage

    def careless(self: Any, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        self.fresh = True

    return [(switch._Switching, "__init__", careless)]  # noqa: SLF001 - sabotage


def unconditional() -> list[Patch]:
    send = Flow.switch

    async def whatever(self: Flow, view: View, on: bool, send_within: float) -> Any:
        return await send(self, replace(view, etag=""), on, send_within)

    return [(Flow, "switch", whatever)]


def as_it_was(step: StepState, view: View) -> StepState:
    del view
    return step


SWITCHES: Mapping[str, Switch] = {
    "off_forgotten": Switch(
        rule="10: what takes the place of something that was switched off is on",
        patches=off_forgotten,
        weather=MAKING_ANEW,
    ),
    "not_kept_off": Switch(
        rule="10: what takes the place of something that was switched off is not switched off",
        patches=lambda: [(drive, "keep_switched", nothing)],
        weather=MAKING_ANEW,
    ),
    "switch_before_intent": Switch(
        rule="10: a switch leaves before its intent is durable",
        patches=lambda: unwritten(lambda step: bool(upkeep.open_switches(step))),
        weather=PAUSING.but(hurry=[1.0], fates=["late", "lost"], late=[30, 59], fault_rate=[0.5], kill_rate=[0.3]),
    ),
    "open_switch_forgotten": Switch(
        rule="10: a switch whose answer was lost is not waited for, once the object is as it is to be",
        patches=lambda: [(upkeep, "open_switches", no_open_switch)],
        weather=PAUSING.but(hurry=[1.0], fates=["late", "lost"], late=[30, 59], fault_rate=[0.5], kill_rate=[0.3]),
    ),
    "stale_switch_believed": Switch(
        rule="10: a read that shows an object off or on is believed though it may be older than our last request",
        patches=stale_believed,
        weather=PAUSING.but(read_lag=[READ_LAG], fault_rate=[0]),
    ),
    "switch_unconditional": Switch(
        rule="10: a switch is sent whatever became of the object meanwhile",
        patches=unconditional,
        weather=PAUSING.but(hurry=[1.0], fates=["late", "lost"], late=[30, 59], fault_rate=[0.5], kill_rate=[0.3]),
    ),
    "no_window_of_switch": Switch(
        rule="1: a switch leaves the wire, however old its intent is",
        patches=lambda: whenever("SWITCH"),
        weather=PAUSING.but(wire_rate=[0.3], wires=[20], hurry=[1.0]),
        harmless=True,
    ),
    "older_switch_believed": Switch(
        rule="7: a replaced journal's word for it that something is off or on is believed",
        patches=lambda: [(upkeep, "believed", as_it_was)],
        weather=PAUSING.but(
            scripts=[("run", "pause", "replace"), ("run", "pause", "unpause", "run")],
            disasters=["restored"],
            disaster=[0.6],
            fault_rate=[0],
        ),
    ),
}
