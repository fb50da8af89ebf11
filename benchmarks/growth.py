"""(d) What a source costs as the batch grows, against the double: never the platform is measured.

`headway run` as a user calls it: reading the manifest, registering, requests over sockets, journal on disk. Afterwards
the same command once more: it must send nothing but the look at the sandbox.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.manifest import write_manifest
from benchmarks.measure import HEADWAY, Results, double, fresh, journal_bytes, timed

LOOK = {"POST /ims/token/v3": 1, "GET /data/foundation/sandbox-management/": 1}
"""What a finished batch may send."""


def measure(results: Results, folder: Path, *, sizes: tuple[int, ...], rounds: int) -> None:
    """Every size in turn; the largest once."""
    for at in range(rounds):
        for sources in sizes if at == 0 else sizes[:-1]:
            with fresh(folder / "growth") as place:
                write_manifest(place / "sources.yaml", sources)
                one(results, place, at, sources)


def one(results: Results, place: Path, at: int, sources: int) -> None:
    """One batch, and the same again."""
    command = [*HEADWAY, "run", "sources.yaml", "--quiet"]
    with double() as server:
        usage = timed(command, folder=place, variables=server.variables)
        account = server.ask("/__double")
        results.add(
            "run",
            round=at,
            sources=sources,
            wall_s=usage.wall_s,
            ms_per_source=1000 * account["seconds"] / sources,
            cpu_ms_per_source=1000 * usage.cpu_s / sources,
            rss_mb=usage.rss_mb,
            journal_bytes_per_source=round(journal_bytes(place / "headway.db") / sources),
            registering_s=account["until_first_effect"],
            server_cpu_s=account["cpu_s"],
            effects=account["effects"],
        )
        server.ask("/__double", "DELETE")
        again = timed(command, folder=place, variables=server.variables)
        account = server.ask("/__double")
        results.add(
            "again",
            round=at,
            sources=sources,
            wall_s=again.wall_s,
            cpu_s=again.cpu_s,
            rss_mb=again.rss_mb,
            sent_more_than_the_look=account["requests"] != LOOK,
        )
