"""`bench`: what the engine itself costs on this machine and this store."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from typer import Option

from workflows.cli.calling import run_async
from workflows.cli.failures import Exit, Refusal
from workflows.cli.words import number

AT_ONCE = 100


def bench(
    *,
    store: Annotated[
        str | None,
        Option(
            "--store",
            metavar="PATH|URL",
            help="A journal to write into, new or of an earlier bench; else a temporary one.",
        ),
    ] = None,
    runs: Annotated[int, Option("--runs", min=1, help="How many, of ten steps each.")] = 2000,
    json: Annotated[bool, Option("--json", help="The figures as one JSON object.")] = False,
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> int:
    """Measure durable steps per second: ten steps a run that do nothing, 100 runs at once, beside the bare event loop.

    Every step has its intent and its receipt in the journal, on disk (SQLite: synchronous=FULL), as with real ones. The
    temporary journal is in the current folder: a disk, where the system's own may be memory. Sends nothing.

    Example:
      headway bench
      headway bench --runs 10000 --store postgresql+psycopg://localhost/bench --json
    """
    with _place(store) as where:
        figures = run_async(measure, where, runs)
    if json:
        from workflows.cli.events import print_json

        print_json({"store": store or "temporary", **figures})
    else:
        _tell(store or "SQLite, synchronous=FULL", figures)
    return Exit.DONE


@contextmanager
def _place(store: str | None) -> Iterator[str]:
    if store is not None:
        yield store
        return
    with TemporaryDirectory(prefix=".headway-bench-", dir=".") as folder:
        yield str(Path(folder) / "journal.db")


async def measure(store: str, runs: int) -> dict[str, float | None]:
    """The figures: seconds, steps per second, processor seconds per step, bytes of journal. Raises `Refusal` for a
    journal of a platform."""
    from random import Random

    from engine.clock import SystemClock
    from engine.errors import ScopeMismatch
    from engine.pacing import Pacing
    from workflows.cli import noop

    gate = Pacing(boot=SystemClock().boot, rng=Random(1), concurrency=AT_ONCE)
    before = _size(store)
    async with noop.make_engine(store, gate, at_once=AT_ONCE) as engine:
        began = time.perf_counter()
        try:
            batch = await noop.register(engine, runs, prefix=f"bench-{time.time_ns():x}")
        except ScopeMismatch as error:
            raise Refusal(f"the journal {store} is in use for a platform", "name a new one with --store") from error
        registered, busy = time.perf_counter(), time.process_time()
        outcome = await engine.run(batch)
        seconds, busy = time.perf_counter() - registered, time.process_time() - busy
    if outcome.total() != runs or len(outcome) != 1:
        raise Refusal(f"not all runs were done: {dict(outcome)}")
    steps, size = runs * noop.STEPS, _size(store)
    bare = await noop.bare(gate, runs, AT_ONCE)
    return {
        "runs": runs,
        "steps": steps,
        "register_s": round(registered - began, 4),
        "run_s": round(seconds, 4),
        "steps_per_s": round(steps / seconds, 1),
        "bare_steps_per_s": round(steps / bare, 1),
        "ratio": round(seconds / bare, 1),
        "cpu_us_per_step": round(1e6 * busy / steps, 1),
        "bytes_per_run": None if before is None or size is None else round((size - before) / runs),
    }


def _size(store: str) -> int | None:
    """Bytes of a journal file; None for what is no file."""
    if "://" in store:
        return None
    return sum(os.path.getsize(store + end) for end in ("", "-wal") if os.path.exists(store + end))  # noqa: PTH110, PTH202


def _tell(where: str, figures: dict[str, float | None]) -> None:
    count = {name: number(round(value)) for name, value in figures.items() if value is not None}
    print(f"{count['steps']} durable steps, intents and receipts, {AT_ONCE} runs at once, on {where}")
    print(f"  headway    {count['steps_per_s']} steps/s, {count['cpu_us_per_step']} µs of processor each")
    print(f"  bare loop  {count['bare_steps_per_s']} steps/s: the same requests, nothing kept")
    if "bytes_per_run" in count:
        print(f"  journal    {count['bytes_per_run']} bytes per run")
