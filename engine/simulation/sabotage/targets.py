"""Breaking what holds for a run whose target moves: another step is its sentinel then."""

from __future__ import annotations

from collections.abc import Mapping

from engine import give_way, sentinel
from engine.active import Active
from engine.resource import View
from engine.simulation.sabotage.switch import QUIET, Patch, Switch, nothing
from engine.simulation.weather import ANY

MOVING = ANY.but(
    scripts=[("run", "share", "own"), ("run", "adopt", "own"), ("run", "share", "adopt"), ("run", "share")],
    tabular=[False], rivals=[""], freeze_rate=[0], lists=["fresh"], calm_at=[600], **QUIET,
)  # fmt: skip
LOSING = MOVING.but(disaster=[0.6], disasters=["deleted"], crash_rate=[0.002, 0.004], fault_rate=[0])


def sign_all() -> list[Patch]:
    """What is adopted is a run's own, and so a sentinel."""

    def there(run: Active, name: str) -> bool:
        return run.step(name).receipt is not None

    return [(Active, "made_by_us", there)]


def begun_with_today(self: Active, name: str) -> object:
    del name
    return self.inputs


def unguarded_only(self: Active) -> bool:
    return self._unguarded


async def nobody(run: Active, name: str) -> tuple[View | None, float]:
    """Only what the journal knows is looked at."""
    return await sentinel.look_at(run, name) if run.made_by_us(name) else (None, run.session.clock.boot())


SWITCHES: Mapping[str, Switch] = {
    "sign_all": Switch(
        rule="7: what others made is signed like a sentinel of the run's own", patches=sign_all, weather=LOSING
    ),
    "begun_forgotten": Switch(
        rule="9: what was begun of the run's own, and is shared or adopted by now, is not finished",
        patches=lambda: [(Active, "asking", begun_with_today)],
        weather=MOVING.but(hurry=[1.0], kill_rate=[0.3], disaster=[0]),
    ),
    "adopted_kept": Switch(
        rule="6: what the run adopted once is its own again when it shares it no more",
        patches=lambda: [(give_way, "_release_shared", nothing)],
        weather=MOVING.but(scripts=[("run", "adopt", "share", "own")], disaster=[0], fault_rate=[0]),
    ),
    "generation_believed": Switch(
        rule="7: a suspect run believes what its sentinel says of the generation",
        patches=lambda: [(Active, "untold", property(unguarded_only))],
        weather=LOSING.but(
            scripts=[("run", "share", "own"), ("run", "adopt", "own")], tabular=[True], hurry=[0.3], runs=[1]
        ),
    ),
    "former_not_looked_for": Switch(
        rule="7: a journal that forgot does not look for what would be the sentinel under other inputs",
        patches=lambda: [(sentinel, "_other", nobody)],
        weather=LOSING,
    ),
}
