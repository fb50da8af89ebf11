"""(b) The whole chain against the emulator, beside plain scripts that send the same requests and write nothing down."""

from __future__ import annotations

from pathlib import Path

from benchmarks.manifest import write_manifest
from benchmarks.measure import HEADWAY, ROOT, Results, Server, Usage, emulating, fresh, timed
from workflows.emulator.config import EmulatorConfig
from workflows.emulator.faults import Faults

AT_ONCE = 64
"""Requests in flight."""
LATENCIES = (0.0, 0.05)


def measure(
    results: Results,
    folder: Path,
    *,
    peers: Path | None,
    sources: int,
    rounds: int,
    latencies: tuple[float, ...] = LATENCIES,
) -> None:
    """headway, httpx and aiohttp in turn, at each latency (seconds)."""
    if peers is None:
        results.add("missing", why="the plain clients are not installed: run make bench")
    for latency in latencies:
        config = EmulatorConfig(port=0, faults=Faults(seed=1, latency=latency))
        with emulating(config) as server, fresh(folder / "chain") as place:
            write_manifest(place / "sources.yaml", sources)
            for at in range(rounds):
                for client in ("headway", "httpx", "aiohttp") if peers else ("headway",):
                    server.ask("/__emulator/reset", "POST")
                    before = server.cpu_s
                    usage = run(client, server, place, peers, sources)
                    account = server.ask("/__emulator/report")
                    results.add(
                        client,
                        round=at,
                        sources=sources,
                        latency_s=latency,
                        wall_s=usage.wall_s,
                        cpu_ms_per_source=1000 * usage.cpu_s / sources,
                        rss_mb=usage.rss_mb,
                        server_cpu_s=server.cpu_s - before,
                        flows=account["created"].get("flow", 0),
                        mistakes=account["mistakes"]["count"],
                    )


def run(client: str, server: Server, place: Path, peers: Path | None, sources: int) -> Usage:
    """One client's whole process, from its start to its end."""
    if client != "headway":
        command = [str(peers), str(ROOT / "plain.py"), client, str(sources), str(AT_ONCE)]
        return timed(command, folder=place, variables=server.variables)
    with fresh(place / "journal") as journal:
        command = ["run", "../sources.yaml", "--quiet", "--concurrency", str(AT_ONCE)]
        return timed([*HEADWAY, *command], folder=journal, variables=server.variables)
