"""Where the time of a durable step goes: `python -m benchmarks.where` prints the table of `docs/performance.md`.

Once without a profiler, for the share of each thread; once with one, which tells the parts of the event loop's thread
apart, though it makes many small calls look dearer than they are; and once with every instruction of the interpreter
counted in that thread, which no load of the machine changes: a change of the code shows there first.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import anyio

from engine.clock import SystemClock
from engine.pacing import Pacing
from workflows.cli import noop
from workflows.cli.bench import AT_ONCE
from workflows.cli.calling import run_async

RUNS, COUNTED = 1000, 100

PARTS = {
    "engine/journal/": "rows, and waiting for the commit",
    "engine/pacing/": "permits, and what answers say of the pace",
    "engine/prints.py": "prints, names, specs and bodies",
    "engine/labels.py": "prints, names, specs and bodies",
    "engine/codec.py": "prints, names, specs and bodies",
    "engine/workflow.py": "prints, names, specs and bodies",
    "engine/": "the way of a step: deciding, intending, recording, walking on",
    "workflows/cli/noop.py": "the resource, which does nothing",
}
LOOP = "the event loop, tasks and scopes"


async def _work(
    store: str, act: Callable[[Callable[[], Awaitable[object]]], Awaitable[None]], runs: int = RUNS
) -> None:
    gate = Pacing(boot=SystemClock().boot, rng=Random(1), concurrency=AT_ONCE)
    async with noop.make_engine(store, gate, at_once=AT_ONCE) as engine:
        batch = await noop.register(engine, runs, prefix="where")
        await act(lambda: engine.run(batch))


async def threads(store: str) -> tuple[float, float]:
    """Microseconds of processor per step: of the event loop's thread, and of the one that writes."""
    used: list[float] = []

    async def act(run: Callable[[], Awaitable[object]]) -> None:
        before = time.thread_time(), time.process_time()
        await run()
        used.extend((time.thread_time() - before[0], time.process_time() - before[1]))

    await _work(store, act)
    loop, both = (1e6 * seconds / (RUNS * noop.STEPS) for seconds in used)
    return loop, both - loop


async def parts(store: str) -> Counter[str]:
    """Seconds that the event loop's thread spends in each part of the code; C functions count for who calls them."""
    profile = cProfile.Profile(time.thread_time)

    async def act(run: Callable[[], Awaitable[object]]) -> None:
        with profile:
            await run()

    await _work(store, act)
    spent = Counter[str]()
    for (path, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if path != "~":
            spent[_part(path)] += own
            continue
        for (caller, _, _), (_, _, share, _) in callers.items():
            spent[_part(caller)] += share
    return spent


async def instructions(store: str) -> Counter[str]:
    """Instructions of the interpreter per step, by part, in the event loop's thread; a run's own are shared among its
    steps. What functions in C do counts for nothing here."""
    counts = Counter[str]()

    def count(frame: FrameType, event: str, _: Any) -> Any:
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            counts[frame.f_code.co_filename] += 1
        return count

    async def act(run: Callable[[], Awaitable[object]]) -> None:
        sys.settrace(count)
        try:
            await run()
        finally:
            sys.settrace(None)

    await _work(store, act, COUNTED)
    parts = Counter[str]()
    for path, number in counts.items():
        parts[_part(path)] += number
    return Counter({part: round(number / (COUNTED * noop.STEPS)) for part, number in parts.items()})


def _part(path: str) -> str:
    root = str(Path(__file__).parents[1]) + "/"
    return next((part for start, part in PARTS.items() if path.startswith(root + start)), LOOP)


def main() -> None:
    """The table."""
    with TemporaryDirectory(prefix=".where-", dir=".") as folder:
        loop, writing = run_async(threads, str(anyio.Path(folder) / "plain.db"))
        spent = run_async(parts, str(anyio.Path(folder) / "profiled.db"))
        counted = run_async(instructions, str(anyio.Path(folder) / "counted.db"))
    whole = sum(spent.values())
    print("| part of a step | processor | instructions |\n| --- | --- | --- |")
    for part, seconds in spent.most_common():
        print(f"| {part} | {100 * loop / (loop + writing) * seconds / whole:.0f} % | {counted[part]:,} |")
    print(f"| SQL, in a thread of its own: statements and the commit | {100 * writing / (loop + writing):.0f} % | |")
    print(f"| all of it | {loop + writing:.0f} µs | {counted.total():,} |")


if __name__ == "__main__":
    main()
