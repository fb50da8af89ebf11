"""`simulate`: the promise under seeded fault schedules; a seed that breaks it is printed and replays exactly."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

from workflows.cli.failures import Exit
from workflows.cli.words import amount, duration, number

if TYPE_CHECKING:
    from engine.simulation.schedule import Result
    from engine.simulation.trial import Trial


def simulate(
    *,
    seed: Annotated[int, Option("--seed", min=0, help="The first seed; the same seed gives the same schedule.")] = 1,
    count: Annotated[int, Option("--count", min=1, help="How many schedules.")] = 200,
    sabotage: Annotated[
        str | None, Option("--sabotage", metavar="NAME", help="Break one rule: the proof must find it out.")
    ] = None,
    around: Annotated[
        str | None,
        Option("--around", metavar="NAME", help="Break no rule, in the weather in which that one would show soonest."),
    ] = None,
    only: Annotated[
        str | None,
        Option(
            "--only", metavar="WHAT", help="Of a single seed, let only these things go wrong, as shrinking named them."
        ),
    ] = None,
    processes: Annotated[int, Option("--processes", min=1, help="At once; by default one per core.")] = (
        os.cpu_count() or 1
    ),
    json: Annotated[bool, Option("--json", help="One JSON line per schedule, the last one a summary.")] = False,
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> int:
    """Drive the real engine against a simulated platform in virtual time, and hold what comes of it to the promise.

    Each seed draws a world: lost replies, late effects, lagging lists, crashes, frozen processes, restored journals,
    clocks that jump. A single seed tells its story. The first seed that breaks the promise is shrunk to the fewest
    faults that still break it.

    Example:
      headway simulate --seed 1 --count 1000
      headway simulate --seed 4711 --count 1
      headway simulate --sabotage effect_before_intent
    """
    from engine.simulation.trial import Trial

    trials = _trials(Trial(seed=seed, sabotage=sabotage, around=around), count, only)
    began, faults = time.monotonic(), Counter[str]()
    broken: list[Trial] = []
    reported = done = 0
    for trial, result in _results(trials, processes):
        done += 1
        faults.update(result.faults)
        reported += bool(result.reported)
        failures = trial.failures(result)
        if json:
            _print_json(result)
        elif failures or count == 1:
            _tell(trial, result)
        if failures:
            broken.append(trial)
            if sabotage is not None:
                break
    shrunk = _shrink(broken[0], tell=not json) if broken and only is None else None
    if json:
        _print_summary(done, broken, reported, shrunk)
    else:
        print(f"{amount(done, 'schedule')} in {duration(time.monotonic() - began)}, {amount(faults.total(), 'fault')}:")
        print(f"  {number(len(broken))} broke the promise, {number(reported)} ended with a question for a person")
    if sabotage is not None:
        return _verdict(sabotage, found=bool(broken), tell=not json)
    return Exit.FAILED if broken else Exit.DONE


def _verdict(sabotage: str, *, found: bool, tell: bool) -> int:
    """A broken rule must be found out; one that only spares work must do no harm."""
    from engine.simulation.sabotage import SWITCHES

    harmless = SWITCHES[sabotage].harmless
    if tell:
        said = "found out" if found else "does no harm: it only spares work" if harmless else "NOT found out"
        print(f"{sabotage}: {said}")
    return Exit.DONE if found is not harmless else Exit.FAILED


def _trials(first: Trial, count: int, only: str | None) -> list[Trial]:
    from engine.simulation.sabotage import SWITCHES
    from engine.simulation.trial import DROPPABLE

    for option, rule in (("--sabotage", first.sabotage), ("--around", first.around)):
        if rule is not None and rule not in SWITCHES:
            raise BadParameter(f"{rule!r}: there are {', '.join(SWITCHES)}", param_hint=option)
    if first.sabotage and first.around:
        raise BadParameter(
            "a rule cannot be broken and whole: --sabotage brings its weather along", param_hint="--around"
        )
    if only is None:
        return [replace(first, seed=seed) for seed in range(first.seed, first.seed + count)]
    if count != 1:
        raise BadParameter("needs --count 1: what goes wrong has its name in one schedule only", param_hint="--only")
    named = [name for name in map(str.strip, only.split(",")) if name]
    known = {*DROPPABLE, *first.run().strokes}
    if strange := [name for name in named if name not in known]:
        raise BadParameter(f"seed {first.seed} has no {', '.join(strange)}", param_hint="--only")
    return [replace(first, only=tuple(named))]


def _results(trials: list[Trial], processes: int) -> Iterator[tuple[Trial, Result]]:
    """The trials with what they came to, in the order of their seeds; a single one tells its story."""
    from engine.simulation.trial import run_all

    return run_all(trials, processes=processes) if len(trials) > 1 else iter([(trials[0], trials[0].run(trace=True))])


def _tell(trial: Trial, result: Result) -> None:
    for line in result.story:
        print(f"  {line}")
    for (run, step), why in result.reported.items():
        print(f"seed {result.seed}: a person must look at {run}/{step}: {why}")
    failures = trial.failures(result)
    for wrong in failures:
        print(f"seed {result.seed}: {wrong}")
    if failures:
        print(f"  replay it with   {trial.command}")


def _shrink(trial: Trial, *, tell: bool) -> Trial:
    from engine.simulation.trial import shrink

    if tell:
        print(f"seed {trial.seed}: looking for the fewest faults that break it …", file=sys.stderr)
    small = shrink(trial)
    if tell:
        print(f"seed {trial.seed}, shrunk to {amount(len(small.only or ()), 'thing')} that must go wrong:")
        _tell(small, small.run(trace=True))
    return small


def _print_json(result: Result) -> None:
    from workflows.cli.events import print_json

    asked = [f"{run}/{step}: {why}" for (run, step), why in result.reported.items()]
    print_json({"seed": result.seed, "wrong": result.wrong, "reported": asked, "faults": result.faults})


def _print_summary(done: int, broken: list[Trial], reported: int, shrunk: Trial | None) -> None:
    from workflows.cli.events import print_json

    replay = {"shrunk": shrunk.command} if shrunk else {}
    seeds = [trial.seed for trial in broken]
    print_json({"summary": True, "schedules": done, "broken": seeds, "reported": reported, **replay})
