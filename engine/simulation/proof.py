"""The whole proof: many schedules at once, every broken rule found, and a crash at every step of one run."""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Literal

from engine.simulation.sabotage import SWITCHES
from engine.simulation.schedule import Result, schedule
from engine.simulation.trial import CHUNK, Trial, run_all, shrink
from engine.simulation.weather import ANY, STILL, Kill

SPARSE = 400
"""Of so many seeds one is tried in each weather that is dense around one rule."""
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


def weathers() -> list[str]:
    """One rule for each of the weathers in which broken rules are looked for."""
    rules = list[str]()
    for name, switch in SWITCHES.items():
        if all(switch.weather != weather for weather in (ANY, *(SWITCHES[rule].weather for rule in rules))):
            rules.append(name)
    return rules


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


def hold(trials: Sequence[Trial], where: str) -> bool:
    """Whether the promise holds in all of them. What was tried is told, and what broke."""
    began, total, broken = time.monotonic(), Counter[str](), list[tuple[Trial, Result]]()
    for trial, result in run_all(trials):
        total += result.faults
        if result.wrong:
            broken.append((trial, result))
    took = f"in {time.monotonic() - began:.0f} s"
    print(f"{len(trials)} schedules {where} {took}, {total.total()} faults, {len(broken)} broke the promise")
    for trial, result in broken:
        print(f"  {trial.command}: {result.wrong[0]}")
    for trial, _ in broken[:SHRUNK]:
        small = shrink(trial)
        print(f"  shrunk: {small.command}", *small.run(trace=True).story, sep="\n    ")
    return not broken


def main() -> int:
    """All of it, with figures. Returns the exit code."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--count", type=int, default=10_000)
    options = ask.parse_args()
    seeds = range(options.seed, options.seed + options.count)
    good = hold([Trial(seed=seed) for seed in seeds], "in any weather")
    dense = [Trial(seed=seed, around=rule) for rule in weathers() for seed in seeds[::SPARSE]]
    good &= hold(dense, "in the weathers around single rules")
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
