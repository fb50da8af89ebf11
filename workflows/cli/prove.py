"""`simulate`: the promise under seeded fault schedules; a seed that breaks it is printed and replays exactly."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

from workflows.cli.failures import Exit
from workflows.cli.words import amount, duration, number

if TYPE_CHECKING:
    from engine.simulation import Result

CHUNK = 8
"""Seeds that a process takes at a time."""


def simulate(
    *,
    seed: Annotated[int, Option("--seed", min=0, help="The first seed; the same seed gives the same schedule.")] = 1,
    count: Annotated[int, Option("--count", min=1, help="How many schedules.")] = 200,
    sabotage: Annotated[
        str | None, Option("--sabotage", metavar="NAME", help="Break one rule: the proof must find it out.")
    ] = None,
    processes: Annotated[int, Option("--processes", min=1, help="At once; by default one per core.")] = (
        os.cpu_count() or 1
    ),
    json: Annotated[bool, Option("--json", help="One JSON line per schedule, the last one a summary.")] = False,
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> int:
    """Drive the real engine against a simulated platform in virtual time, and hold what comes of it to the promise.

    Each seed draws a world: lost replies, late effects, lagging lists, crashes, frozen processes, restored journals,
    clocks that jump. A single seed tells its story.

    Example:
      headway simulate --seed 1 --count 1000
      headway simulate --seed 4711 --count 1
      headway simulate --sabotage effect_before_intent
    """
    _check(sabotage)
    began, faults = time.monotonic(), Counter[str]()
    broken, reported, done = list[int](), 0, 0
    for result in _results(seed, count, sabotage, processes):
        done += 1
        faults.update(result.faults)
        reported += bool(result.reported)
        if json:
            _print_json(result)
        if result.wrong:
            broken.append(result.seed)
            if not json:
                _tell(result, sabotage)
            if sabotage is not None:
                break
    if json:
        _print_summary(done, broken, reported)
    else:
        if count == 1 and not broken:
            _tell(result, sabotage)
        print(f"{amount(done, 'schedule')} in {duration(time.monotonic() - began)}, {amount(faults.total(), 'fault')}:")
        print(f"  {number(len(broken))} broke the promise, {number(reported)} ended with a question for a person")
    if sabotage is not None:
        if not json:
            print(f"{sabotage}: {'found out' if broken else 'NOT found out'}")
        return Exit.DONE if broken else Exit.FAILED
    return Exit.FAILED if broken else Exit.DONE


def _check(sabotage: str | None) -> None:
    if sabotage is None:
        return
    from engine.simulation.sabotage import SWITCHES

    if sabotage not in SWITCHES:
        raise BadParameter(f"{sabotage!r}: there are {', '.join(SWITCHES)}", param_hint="--sabotage")


def _results(seed: int, count: int, sabotage: str | None, processes: int) -> Iterator[Result]:
    """The results in the order of their seeds."""
    if processes == 1 or count <= CHUNK:
        for number_ in range(seed, seed + count):
            yield prove(number_, sabotage, trace=count == 1)
        return
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial
    from multiprocessing import get_context

    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(partial(prove, sabotage=sabotage), range(seed, seed + count), chunksize=CHUNK)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def prove(seed: int, sabotage: str | None = None, *, trace: bool = False) -> Result:
    """One schedule, with one rule broken if so asked."""
    from engine.simulation import schedule

    if sabotage is None:
        return schedule(seed, trace=trace)
    from engine.simulation.sabotage import SWITCHES, sabotaged

    with sabotaged(sabotage):
        return schedule(seed, weather=SWITCHES[sabotage].weather, trace=trace)


def _tell(result: Result, sabotage: str | None) -> None:
    for line in result.story:
        print(f"  {line}")
    for (run, step), why in result.reported.items():
        print(f"seed {result.seed}: a person must look at {run}/{step}: {why}")
    for wrong in result.wrong:
        print(f"seed {result.seed}: {wrong}")
    if result.wrong:
        broken = f" --sabotage {sabotage}" if sabotage else ""
        print(f"  replay it with   headway simulate --seed {result.seed} --count 1{broken}")


def _print_json(result: Result) -> None:
    from workflows.cli.events import print_json

    asked = [f"{run}/{step}: {why}" for (run, step), why in result.reported.items()]
    print_json({"seed": result.seed, "wrong": result.wrong, "reported": asked, "faults": result.faults})


def _print_summary(done: int, broken: list[int], reported: int) -> None:
    from workflows.cli.events import print_json

    print_json({"summary": True, "schedules": done, "broken": broken, "reported": reported})
