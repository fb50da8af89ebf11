"""(e) At the platform's pace: a token bucket over all services with Retry-After in both forms, and `--rate`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.double import BURST
from benchmarks.manifest import write_manifest
from benchmarks.measure import HEADWAY, Results, double, fresh, timed

RATE = 60


def measure(results: Results, folder: Path, *, sources: int, rounds: int) -> None:
    """The bucket, then the bound that a person sets, in turn."""
    with fresh(folder / "pacing") as place:
        write_manifest(place / "sources.yaml", sources)
        for at in range(rounds):
            results.add("bucket", round=at, sources=sources, **one(place, bucket=RATE))
            results.add("bound", round=at, sources=sources, **one(place, bound=RATE))


def one(place: Path, *, bucket: int = 0, bound: int = 0) -> dict[str, float]:
    """One batch, as the double saw it."""
    options = ["--rate", str(bound)] if bound else []
    with double(rate=bucket) as server, fresh(place / "journal") as journal:
        timed([*HEADWAY, "run", "../sources.yaml", "--quiet", *options], folder=journal, variables=server.variables)
        account = server.ask("/__double")
    least = (account["effects"] - (BURST if bucket else 1)) / RATE
    return {
        "rate": RATE,
        "effects": account["effects"],
        "seconds": account["seconds"],
        "least_s": least,
        "over_least": account["seconds"] / least,
        "refused": account["refused"],
        "premature": account["premature"],
        "most_in_a_second": account["most_in_a_second"],
    }
