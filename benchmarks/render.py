"""Renders the results into docs/performance.md, between its markers, and draws the plot: `python -m benchmarks.render`.

Needs nothing but matplotlib. Ratios lead: absolute figures are those of one machine on one day.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parent
PAGE = ROOT.parent / "docs" / "performance.md"
PLOT = ROOT.parent / "docs" / "performance.svg"

Line = dict[str, Any]
PEERS = {"headway": "headway", "restate": "Restate", "dbos": "DBOS", "prefect": "Prefect"}


def read(name: str) -> list[Line]:
    """The measurements of one benchmark; none when it was not run."""
    path = ROOT / "results" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def paired(lines: Sequence[Line], one: str, other: str, key: str) -> float | None:
    """The median over the rounds of `one`'s figure over `other`'s in the same round."""
    rounds: dict[int, dict[str, float]] = defaultdict(dict)
    for line in lines:
        if line["what"] in (one, other):
            rounds[line["round"]][line["what"]] = line[key]
    ratios = [found[one] / found[other] for found in rounds.values() if len(found) == 2]
    return median(ratios) if ratios else None


def figure(lines: Sequence[Line], what: str, key: str) -> float | None:
    """The median of a figure over the rounds."""
    values = [line[key] for line in lines if line["what"] == what and line.get(key) is not None]
    return median(values) if values else None


def shown(value: float | None, unit: str = "") -> str:
    """A figure for people."""
    if value is None:
        return "-"
    text = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text}{unit}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown, and an empty line."""
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""


def targets() -> Iterator[str]:
    """What was to be reached, beside what was."""
    peer, chain, growth, pacing = read("peer"), read("chain"), read("growth"), read("pacing")
    slow = [line for line in chain if line.get("latency_s")]
    fast = [line for line in chain if line.get("latency_s") == 0]
    by_size = sizes(growth)
    most = max(by_size, default=0)
    largest, thousand = by_size.get(most, {}), by_size.get(1000, {})
    bucket = [line for line in pacing if line["what"] == "bucket"]
    bound = [line for line in pacing if line["what"] == "bound"]
    grown = largest["cpu"] / thousand["cpu"] if largest and thousand else None
    durable = shown(figure(read("steps"), "sqlite", "steps_per_s"))
    over_aiohttp = shown(paired(fast, "headway", "aiohttp", "cpu_ms_per_source"))
    rows = [
        ["durable steps/s on SQLite, `synchronous=FULL`", durable, "10,000"],
        ["the same over DBOS on SQLite", shown(paired(peer, "headway", "dbos", "steps_per_s"), " ×"), "40 ×"],
        ["chain at 50 ms, wall over httpx", shown(paired(slow, "headway", "httpx", "wall_s")), "1.05"],
        ["chain at 50 ms, wall over bare aiohttp", shown(paired(slow, "headway", "aiohttp", "wall_s")), "1.05"],
        ["chain at 0 ms, client CPU over httpx", shown(paired(fast, "headway", "httpx", "cpu_ms_per_source")), "1.5"],
        ["chain at 0 ms, client CPU over bare aiohttp", over_aiohttp, ""],
        [f"resident memory, {most:,} sources", shown(largest.get("rss"), " MB"), "300 MB"],
        [f"CPU per source, {most:,} over 1,000 sources", shown(grown), "1.1"],
        ["journal per finished source", shown(largest.get("journal"), " bytes"), "6,000 bytes"],
        [f"second run of {most:,} finished sources", shown(largest.get("again"), " s"), "20 s"],
        ["wall against 60/s, over the least possible", shown(worst(bucket, "over_least")), "1.10"],
        ["requests inside a Retry-After", shown(worst(pacing, "premature")), "0"],
        ["most requests in a second at `--rate 60`", shown(worst(bound, "most_in_a_second")), "60"],
    ]  # fmt: skip
    yield from table(["figure", "measured", "to reach"], rows)


def worst(lines: Sequence[Line], key: str) -> float | None:
    """The largest of a figure over the rounds."""
    return max((float(line[key]) for line in lines), default=None)


def sizes(growth: Sequence[Line]) -> dict[int, dict[str, float]]:
    """The figures of each size of batch: medians over the rounds."""
    keys = {
        "wall": ("run", "ms_per_source"), "cpu": ("run", "cpu_ms_per_source"), "rss": ("run", "rss_mb"),
        "journal": ("run", "journal_bytes_per_source"), "registering": ("run", "registering_s"),
        "again": ("again", "wall_s"), "again_cpu": ("again", "cpu_s"),
    }  # fmt: skip
    return {
        size: {
            name: value
            for name, (what, key) in keys.items()
            if (value := figure([line for line in growth if line["sources"] == size], what, key)) is not None
        }
        for size in sorted({line["sources"] for line in growth})
    }


def steps() -> Iterator[str]:
    """Durable steps."""
    lines = read("steps")
    rows = [
        [
            title,
            shown(figure(lines, what, "steps_per_s")),
            shown(figure(lines, what, "bare_steps_per_s")),
            shown(figure(lines, what, "cpu_us_per_step"), " µs"),
        ]
        for what, title in (("sqlite", "SQLite, `synchronous=FULL`"), ("postgresql", "PostgreSQL, `fsync=on`"))
    ]
    yield from table(["store", "durable steps/s", "bare event loop", "CPU per step"], rows)


def chain() -> Iterator[str]:
    """The chain beside plain scripts."""
    for latency in (0.0, 0.05):
        lines = [line for line in read("chain") if line.get("latency_s") == latency]
        rows = [
            [
                what,
                shown(paired(lines, what, "httpx", "wall_s")),
                shown(paired(lines, what, "httpx", "cpu_ms_per_source")),
                shown(figure(lines, what, "wall_s"), " s"),
                shown(figure(lines, what, "cpu_ms_per_source"), " ms"),
            ]
            for what in ("headway", "httpx", "aiohttp")
        ]
        head = [f"{latency * 1000:.0f} ms latency", "wall over httpx", "CPU over httpx", "wall", "CPU per source"]
        yield from table(head, rows)


def peer() -> Iterator[str]:
    """Other engines."""
    lines = read("peer")
    rows = [
        [
            title,
            next((line["store"] for line in lines if line["what"] == what), "-"),
            shown(paired(lines, "headway", what, "steps_per_s"), " ×"),
            shown(figure(lines, what, "steps_per_s")),
        ]
        for what, title in PEERS.items()
    ]
    yield from table(["engine", "store", "headway is faster by", "durable steps/s"], rows)
    for line in lines:
        if line["what"] == "missing":
            yield f"{PEERS[line['peer']]} was not measured: {line['why']}\n"


def growth() -> Iterator[str]:
    """The cost by size."""
    by_size = sizes(read("growth"))
    least = by_size.get(1000, {}).get("cpu")
    rows = [
        [
            f"{size:,}",
            shown(found["cpu"] / least if least else None),
            shown(found.get("cpu"), " ms"),
            shown(found.get("wall"), " ms"),
            shown(found.get("rss"), " MB"),
            shown(found.get("journal")),
            shown(found.get("registering"), " s"),
            shown(found.get("again"), " s"),
        ]
        for size, found in by_size.items()
    ]
    head = ["sources", "CPU per source, over 1,000", "CPU per source", "wall per source", "resident memory",
            "journal bytes per source", "until the first effect", "second run"]  # fmt: skip
    yield from table(head, rows)


def pacing() -> Iterator[str]:
    """Pacing."""
    lines = read("pacing")
    rows = [
        [
            title,
            shown(figure(lines, what, "over_least")),
            shown(figure(lines, what, "refused")),
            shown(figure(lines, what, "premature")),
            shown(worst([line for line in lines if line["what"] == what], "most_in_a_second")),
        ]
        for what, title in (("bucket", "token bucket of 60/s"), ("bound", "`--rate 60`"))
    ]
    yield from table(["", "wall over the least", "answers 429", "inside a Retry-After", "most in a second"], rows)


def origin() -> Iterator[str]:
    """Machine and versions, of every benchmark that was run."""
    for name in ("steps", "chain", "peer", "growth", "pacing"):
        for line in read(name)[-1:]:
            versions = ", ".join(f"{library} {number}" for library, number in line["versions"].items())
            loads = [found["load"] for found in read(name)]
            yield (
                f"- {name}: {line['at'][:10]}, commit {line['commit']}, {line['machine']}, load {min(loads)} to "
                f"{max(loads)}, Python {line['python']}, {versions}"
            )


SECTIONS: dict[str, Callable[[], Iterator[str]]] = {
    "targets": targets,
    "steps": steps,
    "chain": chain,
    "peer": peer,
    "growth": growth,
    "pacing": pacing,
    "origin": origin,
}


def render(page: str) -> str:
    """The page with the text between each pair of markers made anew."""
    for name, section in SECTIONS.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise SystemExit(f"{PAGE.name} has no markers {begin.strip()} and {end}")
        page = f"{before}{begin}{chr(10).join(section()).rstrip()}\n{end}{after}"
    return page


def draw() -> None:
    """Throughput beside the peers, and cost by size."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "headway", "svg.fonttype": "none", "font.size": 9}
    from matplotlib import pyplot as plt

    peers, by_size = read("peer"), sizes(read("growth"))
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    found = {title: value for what, title in PEERS.items() if (value := figure(peers, what, "steps_per_s"))}
    bars = left.barh(list(found)[::-1], list(found.values())[::-1], color="#4c72b0")
    left.bar_label(bars, fmt="{:,.0f}", padding=3)
    left.set(xscale="log", title="durable steps per second, 100 runs at once")
    left.set_xlim(right=max(found.values(), default=1) * 5)
    right.plot(list(by_size), [found["cpu"] for found in by_size.values()], "o-", color="#4c72b0")
    right.set(xscale="log", title="ms of CPU per source, by size of the batch")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    plt.savefig(PLOT, metadata={"Date": None})


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
    draw()
    sys.stdout.write(f"{PAGE} and {PLOT.name} are made anew\n")
