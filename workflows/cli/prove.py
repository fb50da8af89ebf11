"""`simulate`: the promise under seeded fault schedules; a seed that breaks it is printed and replays exactly."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

from workflows.cli.failures import Exit
from workflows.cli.words import amount, duration, number

if TYPE_CHECKING:
    from engine.simulation.schedule import Result
    from engine.simulation.trial import Trial

CHUNK = 8
"""Seeds that a process takes at a time."""


def simulate(
    *,
    seed: Annotated[int, Option("--seed", min=0, help="The first seed; the same seed gives the same schedule.")] = 1,
    count: Annotated[int, Option("--count", min=1, help="How many schedules.")] = 200,
    sabotage: Annotated[
        str | None, Option("--sabotage", metavar="NAME", help="Break one rule: the proof must find it out.")
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
    trials = _trials(seed, count, sabotage, only)
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


def _trials(seed: int, count: int, sabotage: str | None, only: str | None) -> list[Trial]:
    from engine.simulation.sabotage import SWITCHES
    from engine.simulation.trial import DROPPABLE, Trial

    if sabotage is not None and sabotage not in SWITCHES:
        raise BadParameter(f"{sabotage!r}: there are {', '.join(SWITCHES)}", param_hint="--sabotage")
    if only is None:
        return [Trial(seed=number_, sabotage=sabotage) for number_ in range(seed, seed + count)]
    if count != 1:
        raise BadParameter("needs --count 1: what goes wrong has its name in one schedule only", param_hint="--only")
    named = [name for name in map(str.strip, only.split(",")) if name]
    known = {*DROPPABLE, *Trial(seed=seed, sabotage=sabotage).run().strokes}
    if strange := [name for name in named if name not in known]:
        raise BadParameter(f"seed {seed} has no {', '.join(strange)}", param_hint="--only")
    return [Trial(seed=seed, sabotage=sabotage, only=tuple(named))]


def _results(trials: list[Trial], processes: int) -> Iterator[tuple[Trial, Result]]:
    """The trials with what they came to, in the order of their seeds."""
    if processes == 1 or len(trials) <= CHUNK:
        for trial in trials:
            yield trial, trial.run(trace=len(trials) == 1)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            yield from zip(trials, pool.map(_run, trials, chunksize=CHUNK), strict=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _run(trial: Trial) -> Result:
    return trial.run()


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
