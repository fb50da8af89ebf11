"""`python -m benchmarks [NAME …]`: run the benchmarks, each into its file of results. `make bench` calls it."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import chain, growth, pacing, peer, steps
from benchmarks.measure import RESULTS, ROOT, Results

PEERS = ROOT.parent / ".venv-bench" / "bin" / "python"
"""Where `make bench` puts what is compared with."""

Run = Callable[[Results, Path, Path | None, bool], None]

BENCHMARKS: dict[str, Run] = {
    "steps": lambda results, folder, _, quick: steps.measure(
        results, folder, runs=50 if quick else 2000, rounds=1 if quick else 5
    ),
    "chain": lambda results, folder, peers, quick: chain.measure(
        results, folder, peers=peers, sources=20 if quick else 1000, rounds=1 if quick else 3
    ),
    "peer": lambda results, folder, peers, quick: peer.measure(
        results, folder, peers=peers, share=0.05 if quick else 1.0, rounds=1 if quick else 3
    ),
    "growth": lambda results, folder, _, quick: growth.measure(
        results, folder, sizes=(10, 100) if quick else (100, 1000, 10_000, 100_000), rounds=1 if quick else 2
    ),
    "pacing": lambda results, folder, _, quick: pacing.measure(
        results, folder, sources=10 if quick else 300, rounds=1 if quick else 3
    ),
}


def main() -> None:
    """Parse, run."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="the short form: it shows that all works, no figures")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of the results")
    parser.add_argument("--peers", type=Path, default=PEERS, help="the Python that has the peers")
    given = parser.parse_args()
    if unknown := set(given.names) - BENCHMARKS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    peers = given.peers.absolute() if given.peers.exists() else None
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=".") as folder:  # a disk: the system's own may be memory
        for name in given.names or BENCHMARKS:
            BENCHMARKS[name](Results(name, given.results), Path(folder).absolute(), peers, given.quick)


if __name__ == "__main__":
    main()
