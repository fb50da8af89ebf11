"""Breaking what holds for a run whose target moves: another step is its sentinel then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

from engine import give_way, sentinel
from engine.active import Active
from engine.model import replace
from engine.resource import View
from engine.simulation.chain import chain
from engine.simulation.sabotage.switch import QUIET, Patch, Switch, nothing
from engine.simulation.weather import ANY
from engine.workflow import Plan, Workflow

MOVING = ANY.but(
    scripts=[("run", "share", "own"), ("run", "adopt", "own"), ("run", "share", "adopt"), ("run", "share")],
    tabular=[False], rivals=[""], freeze_rate=[0], lists=["fresh"], calm_at=[600], **QUIET,
)  # fmt: skip
HOLDING = MOVING.but(
    rivals=["second", "copy"], disaster=[0], hurry=[0.7], permits=[30], freeze_rate=[0.004], crash_rate=[0.004],
    kill_rate=[0.05], fault_rate=[0.3], fates=["rejected", "refused", "lost", "late"], calm_at=[600, 1500],
    lists=ANY.lists, relaunch=[0.2, 3], **QUIET,
)  # fmt: skip
RIVALS = HOLDING.but(
    scripts=[("run", "share"), ("run", "adopt")], rivals=["second"], runs=[2], permits=[0], hurry=[0.3],
    fates=["rejected"], fault_rate=[0.5], crash_rate=[0], kill_rate=[0], freeze_rate=[0], lists=["fresh"],
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
    return self.unguarded


def one_guard_first() -> list[Patch]:
    """Only the sentinel goes before everything else, not what could be one under other inputs."""
    plan = type(chain).plan

    def without(self: Workflow[Any], inputs: Any) -> Plan:
        whole = plan(self, inputs)
        needs = {
            name: tuple(need for need in whole.needs[name] if need in step.needs or need not in whole.guards[1:])
            for name, step in whole.steps.items()
        }
        return replace(
            whole, needs=needs, following={name: tuple(o for o in needs if name in needs[o]) for name in needs}
        )

    return [(type(chain), "plan", without)]


def others_signed_once() -> list[Patch]:
    """What would be the sentinel under other inputs is looked for when the run is taken over, and never again."""
    looked, again = WeakSet[Active](), sentinel._hold_others  # noqa: SLF001 - sabotage

    async def once(run: Active) -> None:
        if run not in looked:
            looked.add(run)
            await again(run)

    return [(sentinel, "_hold_others", once)]


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
    "one_guard_first": Switch(
        rule="7: what holds the run under other inputs is not met before everything else",
        patches=one_guard_first,
        weather=RIVALS,
    ),
    "others_signed_once": Switch(
        rule="7: a suspect run does not look again for what another journal may have made to hold it by",
        patches=others_signed_once,
        weather=HOLDING,
    ),
    "guards_unwatched": Switch(
        rule="7: who makes the sentinel does not look whether another journal holds the run by another guard",
        patches=lambda: [(sentinel, "_watch_others", nothing)],
        weather=RIVALS,
    ),
    "former_not_looked_for": Switch(
        rule="7: a journal that forgot does not look for what would be the sentinel under other inputs",
        patches=lambda: [(sentinel, "_other", nobody)],
        weather=LOSING,
    ),
}
