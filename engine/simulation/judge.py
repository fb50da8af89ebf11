"""The promise, as a judge who sees everything (INTERFACE, "The promise").

Every step has exactly one live object, each journal that came to its end knows it, nothing is unreferenced; or the
step was reported, with an excuse: lists that lag beyond settle, or a journal that forgot, or another one, so that
nobody knows what was destroyed or whose attempt made what.

What remains outside the promise, and is excused without a report (docs/promise.md):
- a shared step that two live journals race for, or that a lost journal made whose runs were destroyed: no sentinel
  guards it, and it can be made twice within the lists' lag (DESIGN rule 7);
- a request that was sent again without proof, because the lists lagged beyond settle, by a journal that was lost
  before the twin was listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.model import RunState, RunStatus, StepState
from engine.simulation.chain import chain
from engine.simulation.operator import Operator
from engine.simulation.platform import Platform, Thing
from engine.simulation.world import World

SHARED = "*"
FORGETTING = frozenset({"deleted", "restored", "rewound", "second", "copy"})
JUSTIFIED = re.compile("differs|sent more than once")


def owner(thing: Thing) -> tuple[str, str]:
    """(run, step) of an object, by its name; shared steps belong to `*`."""
    return SHARED if thing.kind == "base" else thing.name.split(" ")[0], thing.kind


def judge(world: World, platform: Platform, operators: list[Operator]) -> list[str]:
    """Everything that is wrong at the end of a schedule; empty: the promise held."""
    reported = {key: why for operator in operators for key, why in operator.reported.items()}
    forgot = bool(world.faults.keys() & FORGETTING)
    raced = len(operators) > 1 or (forgot and any(o.destroys for o in operators))
    excused = {(SHARED, "base")} if raced else set()
    if forgot and world.lists == "tail":
        excused |= {key for operator in operators for key in operator.resent}
    twins = {key for key in excused if sum(owner(thing) == key for thing in platform.live()) > 1}
    wrong = [
        f"inexcusable doubt {run}/{step}: {why}"
        for (run, step), why in reported.items()
        if world.lists != "tail" and not twins and not (forgot and JUSTIFIED.search(why))
    ]
    wrong += [bug for operator in operators for bug in operator.bugs]
    wrong += [f"never came to an end: {operator.runs}" for operator in operators if not operator.outcome]
    for run in dict.fromkeys([name for operator in operators for name in (*operator.runs, SHARED)]):
        blocked = any(r in (run, SHARED) for r, _ in (*reported, *twins))
        for step in chain.steps:
            if (step == "base") == (run == SHARED) and (run, step) not in {*reported, *twins}:
                wrong += _judge_step(run, step, platform, operators, blocked=blocked)
    return wrong


def _judge_step(run: str, step: str, platform: Platform, operators: list[Operator], *, blocked: bool) -> Iterator[str]:
    states = [state for operator in operators if operator.outcome == "done" for state in _states(operator, run)]
    seen = states if run != SHARED else [s for o in operators for s in o.store.contents.runs.values()]
    gone = any(state.status is RunStatus.DESTROYED for state in seen)
    mine = [thing for thing in platform.live() if owner(thing) == (run, step)]
    if len(mine) > 1:
        yield f"silent duplicate {run}/{step}: " + " ".join(thing.id for thing in mine)
    elif gone and mine and run != SHARED:
        yield f"left behind {run}/{step}: {mine[0].id}"
    elif states and not gone and not mine and not blocked:
        yield f"lost {run}/{step}"
    elif mine and not gone and not blocked:
        for state in states:
            yield from _judge_receipt(state.steps, mine[0], f"{run}/{step}")


def _states(operator: Operator, run: str) -> Iterator[RunState]:
    """The run as the operator's journal has it; an overtaken journal does not count."""
    ours = bool(set(operator.runs) - operator.overtaken)
    for state in operator.store.contents.runs.values():
        if (state.source == run and run not in operator.overtaken) or (run == SHARED and state.shared and ours):
            yield state


def _judge_receipt(steps: Mapping[str, StepState], thing: Thing, where: str) -> Iterator[str]:
    receipt = steps[thing.kind].receipt if thing.kind in steps else None
    etag_moves = thing.kind == "schema"  # another journal may have signed it since
    if receipt is None or receipt.id != thing.id or (receipt.etag != str(thing.etag) and not etag_moves):
        yield f"journal is wrong {where}: {receipt} but {thing}"
