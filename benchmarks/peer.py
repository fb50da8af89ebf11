"""(c) Ten steps that do nothing on headway, DBOS, Restate and Prefect in turn, 100 runs at once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import orjson

from benchmarks.measure import HEADWAY, ROOT, Results, fresh, timed

RUNS = {"headway": 2000, "dbos": 100, "restate": 500, "prefect": 10}
"""As many runs as take seconds, so that no peer is measured by its start."""
AT_ONCE = 100


def measure(results: Results, folder: Path, *, peers: Path | None, share: float, rounds: int) -> None:
    """A B C D, A B C D, …, each in a process and a store of its own. Who cannot run is named, and left out."""
    missing: set[str] = set()
    for at in range(rounds):
        for name, runs in RUNS.items():
            if name in missing:
                continue
            try:
                figures = one(name, max(1, int(runs * share)), folder, peers)
            except (OSError, subprocess.CalledProcessError) as error:
                missing.add(name)
                said = str(error.stderr if isinstance(error, subprocess.CalledProcessError) else error)
                results.add("missing", peer=name, why=said.strip().splitlines()[-1] if said.strip() else "no reason")
            else:
                results.add(name, round=at, **figures)


def one(name: str, runs: int, folder: Path, peers: Path | None) -> dict[str, object]:
    """The figures of one process. Raises OSError or `CalledProcessError` when the peer is not there."""
    with fresh(folder / "peer") as place:
        if name == "headway":
            said = timed([*HEADWAY, "bench", "--json", "--runs", str(runs), "--store", "bench.db"], folder=place).said
            found = orjson.loads(said)
            seconds, store = found["run_s"], "SQLite, synchronous=FULL"
        else:
            if peers is None:
                raise FileNotFoundError("not installed: run make bench")
            server = peers.parent.parent / "node_modules/@restatedev/restate-server-linux-x64/bin/restate-server"
            command = [str(peers), str(ROOT / "peers" / f"{name}_steps.py"), str(place), str(runs), str(AT_ONCE)]
            variables = {"RESTATE_SERVER": os.environ.get("RESTATE_SERVER", str(server))}
            found = orjson.loads(timed(command, folder=place, variables=variables).said.splitlines()[-1])
            seconds, store = found["seconds"], found["store"]
    return {"runs": runs, "steps": 10 * runs, "seconds": seconds, "steps_per_s": 10 * runs / seconds, "store": store}
