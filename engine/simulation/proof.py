"""The whole proof: many schedules at once, every broken rule found, and a crash at every step of one run."""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Literal

from engine.simulation.sabotage import SWITCHES
from engine.simulation.schedule import Result, schedule
from engine.simulation.trial import Trial, shrink
from engine.simulation.weather import ANY, STILL, Kill, Weather

CHUNK = 16
"""Seeds that a process takes at a time."""
SEARCH = 1000
"""Within how many schedules a broken rule must be found."""
SPARED = 250
"""In how many schedules a clause that only spares work must do no harm when it is broken."""
SHRUNK = 3
"""How many of the schedules that broke the promise are shrunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A broken rule, and the seed of the first schedule that shows its harm; None: none of them did."""

    switch: str
    seed: int | None
    harm: str


def explore(count: int, seed: int, *, weather: Weather = ANY, processes: int | None = None) -> Iterator[Result]:
    """The schedules of `count` seeds from `seed` on, in their order, on all cores."""
    processes = processes or os.cpu_count() or 1
    if processes == 1 or count <= CHUNK:
        yield from (schedule(number, weather=weather) for number in range(seed, seed + count))
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(partial(schedule, weather=weather), range(seed, seed + count), chunksize=CHUNK)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def find(switch: str, *, seed: int = 1, count: int = SEARCH) -> Found:
    """The first schedule in which breaking this rule does harm."""
    count = min(count, SPARED) if SWITCHES[switch].harmless else count
    for number in range(seed, seed + count):
        trial = Trial(seed=number, sabotage=switch)
        if harm := trial.failures(trial.run()):
            return Found(switch=switch, seed=number, harm=harm[0])
    return Found(switch=switch, seed=None, harm="")


def find_all(*, processes: int | None = None) -> Iterator[Found]:
    """Every switch, on all cores."""
    with ProcessPoolExecutor(processes or os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        yield from pool.map(find, SWITCHES)


def crashes(
    *, server: bool, script: tuple[str, ...] = ("run", "destroy"), processes: int | None = None
) -> Iterator[tuple[Kill, Result]]:
    """Quiet commands, one after the other, killed at every step of every task and at every commit, before and after;
    and continued."""
    moments: tuple[Literal["step", "before", "after"], ...] = ("before", "after", "step")
    with ProcessPoolExecutor(processes or os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        for process, moment in itertools.product(range(1, len(script) + 1), moments):
            number, missed = 1, False
            while not missed:
                kills = [Kill(process, moment, n) for n in range(number, number + 4 * CHUNK)]
                number += len(kills)
                for kill, result in zip(kills, pool.map(partial(crash, server, script), kills), strict=True):
                    if not result.faults["crash"]:
                        missed = True  # the process has no such step: it is over before
                        break
                    yield kill, result


def crash(server: bool, script: tuple[str, ...], kill: Kill) -> Result:
    """Quiet commands with one crash."""
    hands = {"hands": [1.0], "calm_at": [600]} if "refresh" in script else {}
    return schedule(1, weather=STILL.but(servers=[server], scripts=[script], kills=(kill,), **hands))


def faults(results: Iterator[Result]) -> tuple[int, Counter[str], list[Result]]:
    """How many there were, what went wrong in them, and those that broke the promise."""
    count, total, broken = 0, Counter[str](), list[Result]()
    for result in results:
        count += 1
        total += result.faults
        if result.wrong:
            broken.append(result)
    return count, total, broken


def main() -> int:
    """All of it, with figures. Returns the exit code."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--count", type=int, default=10_000)
    options = ask.parse_args()
    began, good = time.monotonic(), True
    count, total, broken = faults(explore(options.count, options.seed))
    good &= not broken
    took = time.monotonic() - began
    print(f"{count} schedules in {took:.0f} s, {total.total()} faults, {len(broken)} broke the promise")
    for result in broken:
        print(f"  seed {result.seed}: {result.wrong[0]}")
    for result in broken[:SHRUNK]:
        trial = shrink(Trial(seed=result.seed))
        print(f"  seed {result.seed}, shrunk: {trial.command}", *trial.run(trace=True).story, sep="\n    ")
    scripts: tuple[tuple[str, ...], ...] = (
        ("run", "destroy"), ("run", "change", "replace"), ("run", "chain"), ("run", "refresh"),
        ("run", "pause", "share"),
    )  # fmt: skip
    for server, script in itertools.product((False, True), scripts):
        crashed = list(crashes(server=server, script=script))
        wrong = [(kill, result) for kill, result in crashed if result.wrong]
        good &= not wrong and bool(crashed)
        where = f"{'server' if server else 'file'}: {', '.join(script)}"
        print(f"{len(crashed)} crash points ({where}), {len(wrong)} broke the promise")
        for kill, result in wrong:
            print(f"  {kill}: {result.wrong[0]}")
    for found in find_all():
        harmless = SWITCHES[found.switch].harmless
        good &= (found.seed is None) is harmless
        seed = f"found by seed {found.seed}" if found.seed else "does no harm" if harmless else "NOT FOUND"
        print(f"{found.switch:<28} {seed:<20} {found.harm[:80]}")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
