"""Breaking what holds for a run whose chain changes: what only the old one has a step for departs."""

from __future__ import annotations

from collections.abc import Mapping

from engine import destroy, drive
from engine.active import Active
from engine.changes import _Comparison
from engine.simulation.sabotage.switch import CHANGING, QUIET, Patch, Switch, nothing
from engine.simulation.sabotage.targets import begun_with_today

DEPARTING = CHANGING.but(scripts=[("run", "chain")], tabular=[False], hurry=[1.0], lists=["fresh"])


def departing_doubt_ignored() -> list[Patch]:
    vanished = _Comparison.vanished
    return [
        (_Comparison, "vanished", lambda self: (change for change in vanished(self) if not change.doubted)),
        (Active, "asking", begun_with_today),  # else it is finished for that
    ]


def departing_in_its_turn() -> list[Patch]:
    order = destroy._order  # noqa: SLF001 - sabotage

    def as_any(run: Active) -> list[str]:
        with run.as_before(run.earlier_inputs[0] if run.earlier_inputs else run.state.inputs):
            return order(run)

    return [(destroy, "_order", as_any)]


SWITCHES: Mapping[str, Switch] = {
    "departing_doubt_ignored": Switch(
        rule="10: what a step that departs may have made is forgotten",
        patches=departing_doubt_ignored,
        weather=DEPARTING.but(kill_rate=[0.3]),
    ),
    "departing_in_its_turn": Switch(
        rule="10: what departs is not deleted before what is replaced",
        patches=departing_in_its_turn,
        weather=DEPARTING.but(
            disaster=[0.6],
            disasters=["deleted"],
            kill_rate=[0.3],
            crash_rate=[0],
            fault_rate=[0],
            hurry=[0],
            hands=[0],
            permits=[0],
            wire_rate=[0],
            stall_rate=[0],
            relaunch=[0.2],
            runs=[1],
            **QUIET,
        ),
    ),
    "departed_not_looked_for": Switch(
        rule="7: a replaced journal does not look for what departed",
        patches=lambda: [(drive, "recover_departed", nothing)],
        weather=DEPARTING.but(
            disaster=[0.6],
            disasters=["restored"],
            kill_rate=[0.1],
            crash_rate=[0.002],
            fault_rate=[0],
            calm_at=[600, 1500],
        ),
    ),
}
