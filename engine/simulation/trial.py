"""One seed on trial: perhaps with a broken rule, or only some of what went wrong; and smaller, if it fails."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

from engine.simulation.judge import HARM
from engine.simulation.sabotage import SWITCHES, sabotaged
from engine.simulation.schedule import LIMIT, Result, schedule
from engine.simulation.weather import ANY, STILL

CHUNK = 16
"""Trials that a process takes at a time."""

PATIENCE = 8000.0
"""Virtual seconds of a schedule with a broken rule: it may well never end, and that alone proves nothing."""
DROPPABLE = ("runs", "scripts", "tabular", "adopts", "servers", "permits", "lists", "read_lag")
"""Choices of a weather that can be left still; of everything else, each stroke can be spared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A schedule that replays exactly. `sabotage`: the rule that is broken, in the weather that shows it soonest;
    `around`: the rule in whose weather all rules are whole. `only`: what of the weather is left, strokes of fate by
    name and droppable choices; None: all of it."""

    seed: int
    sabotage: str | None = None
    around: str | None = None
    only: tuple[str, ...] | None = None

    def run(self, *, trace: bool = False) -> Result:
        """Let it happen."""
        rule, only = self.sabotage or self.around, None
        weather = ANY if rule is None else SWITCHES[rule].weather
        if self.only is not None:
            still = {choice: getattr(STILL, choice) for choice in DROPPABLE if choice not in self.only}
            weather, only = weather.but(**still), frozenset(self.only)
        if self.sabotage is None:
            return schedule(self.seed, weather=weather, only=only, trace=trace, limit=LIMIT)
        with sabotaged(self.sabotage):
            return schedule(self.seed, weather=weather, only=only, trace=trace, limit=PATIENCE)

    def failures(self, result: Result) -> list[str]:
        """What is wrong with it. A broken rule must do harm: a bug, or no end, is not what it is to be found by."""
        return result.wrong if self.sabotage is None else [wrong for wrong in result.wrong if HARM.search(wrong)]

    @property
    def command(self) -> str:
        """What replays it."""
        parts = ["headway", "simulate", "--seed", str(self.seed), "--count", "1"]
        if self.sabotage is not None:
            parts += ["--sabotage", self.sabotage]
        if self.around is not None:
            parts += ["--around", self.around]
        if self.only is not None:
            parts += ["--only", ", ".join(self.only)]
        return shlex.join(parts)


def run_all(trials: Sequence[Trial], *, processes: int | None = None) -> Iterator[tuple[Trial, Result]]:
    """The trials with what they came to, in their order, on all cores."""
    processes = processes or os.cpu_count() or 1
    if processes == 1 or len(trials) <= CHUNK:
        yield from ((trial, trial.run()) for trial in trials)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            yield from zip(trials, pool.map(Trial.run, trials, chunksize=CHUNK), strict=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def shrink(failing: Trial) -> Trial:
    """The same failure with less going wrong: nothing that is left can be dropped by itself. Deterministic.

    Large parts are dropped first, then smaller ones. Raises `ValueError` for a trial that does not fail.
    """
    result = failing.run()
    failures = failing.failures(result)
    if not failures:
        raise ValueError(f"seed {failing.seed} does not fail")
    harmful = any(map(HARM.search, failures))
    smallest = replace(failing, only=failing.only or (*DROPPABLE, *result.strokes))
    size = len(smallest.only or ())
    while True:
        start, before = 0, smallest
        while start < len(left := smallest.only or ()):
            trial = replace(smallest, only=left[:start] + left[start + size :])
            failures = trial.failures(trial.run())
            if any(map(HARM.search, failures)) if harmful else failures:
                smallest = trial
            else:
                start += size
        if size <= 1 and smallest is before:
            return smallest
        size = max(size // 2, 1)
