"""(a) Durable steps that do nothing, on SQLite with synchronous=FULL and on PostgreSQL, beside the bare event loop."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from benchmarks.measure import HEADWAY, Results, fresh, timed
from tests import postgres

DURABLE = {**postgres.SETTINGS, "fsync": "on", "synchronous_commit": "on"}


def measure(results: Results, folder: Path, *, runs: int, rounds: int) -> None:
    """Both stores in turn, `rounds` times."""
    with server() as store:
        if store is None:
            results.add("missing", why="PostgreSQL is not installed")
        for at in range(rounds):
            with fresh(folder / "steps") as place:
                results.add("sqlite", round=at, **one(str(place / "bench.db"), runs, place))
            if store is not None:
                store.execute(f"CREATE DATABASE bench_{at}")
                with fresh(folder / "steps") as place:
                    results.add("postgresql", round=at, **one(store.url(f"bench_{at}"), runs, place))


def one(store: str, runs: int, place: Path) -> dict[str, float | None]:
    """The figures of one call of `headway bench`."""
    said = timed([*HEADWAY, "bench", "--json", "--runs", str(runs), "--store", store], folder=place).said
    return {name: value for name, value in orjson.loads(said).items() if name != "store"}


@contextmanager
def server() -> Iterator[postgres.Server | None]:
    """A PostgreSQL that writes to disk what it says that it wrote; None where none is installed."""
    programs = postgres.find_programs()
    if programs is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="headway-pg-"))
    started = postgres.start(programs, folder, DURABLE)
    try:
        yield started
    finally:
        postgres.stop(programs, folder)
