"""Pictures of a workflow's graph and of a run's time, as SVG and Mermaid. Pure: text from values.

Colour is never the only carrier: shapes and words say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from workflows.cli.words import duration

BOX, ROW, GAP, LANE = (170, 44), 64, 70, 28
"""Width and height of a box, height of a row of boxes, width between two columns, height of a lane of the timeline."""
NAMES, SPAN, BREAK = 190, 760, 10.0
"""Width of the names and of the time in a timeline; seconds after which idle time is cut short."""

FILLS = {
    "done": "#d7f0dc", "running": "#dce8fb", "waiting": "#fff3cd", "failed": "#f8d7da", "in_doubt": "#fde2c8",
    "destroyed": "#e2e3e5",
}  # fmt: skip
MARKS = {
    "not_applied": ("▽", "#b8860b"), "not_ready": ("▽", "#b8860b"), "in_doubt": ("?", "#c2410c"),
    "looked": ("○", "#475569"), "recovered": ("◆", "#15803d"), "created": ("●", "#15803d"), "read": ("●", "#15803d"),
    "adopted": ("■", "#15803d"), "failed": ("✕", "#b91c1c"), "rejected": ("✕", "#b91c1c"),
    "conflict": ("✕", "#b91c1c"), "twins": ("✕", "#b91c1c"), "deleted": ("✕", "#475569"),
}  # fmt: skip
PAUSES = frozenset({"not_applied", "not_ready", "in_doubt", "looked"})
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1e293b}.s{font-size:10px;fill:#475569}"
    "@media(prefers-color-scheme:dark){.p{fill:#f8fafc}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A step in the graph; `note` says what is special about it."""

    name: str
    needs: Sequence[str]
    note: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened to a step, at a time in epoch seconds."""

    at: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One step in time: from its first intent to its end, None while there is none."""

    name: str
    state: str
    begin: float | None
    end: float | None
    marks: Sequence[Mark] = ()

    @property
    def times(self) -> list[float]:
        """Every moment at which something happened."""
        return sorted(at for at in (self.begin, self.end, *(mark.at for mark in self.marks)) if at is not None)

    @property
    def span(self) -> tuple[float, float] | None:
        """From the first thing that happened to the step's end, or to the last thing if it has none."""
        times = self.times
        return (times[0], self.end or times[-1]) if times else None


# --- the graph --------------------------------------------------------------------------------------------------------


def graph_mermaid(nodes: Sequence[Node]) -> str:
    """The graph as a Mermaid flowchart."""
    lines = ["flowchart LR"]
    for node in nodes:
        words = "<br/>".join(filter(None, (said(node.name), node.note, said(node.state))))
        lines.append(f'    {node.name}["{words}"]')
    lines += [f"    {need} --> {node.name}" for node in nodes for need in node.needs]
    return "\n".join(lines) + "\n"


def graph_svg(nodes: Sequence[Node]) -> str:
    """The graph as a picture, each step right of all that it needs."""
    places = dict(_places(nodes))
    width, height = BOX
    columns, rows = (1 + max((place[axis] for place in places.values()), default=0) for axis in (0, 1))

    def corner(name: str) -> tuple[float, float]:
        column, row = places[name]
        return 10 + column * (width + GAP), 10 + row * ROW

    parts = []
    for node in nodes:
        x, y = corner(node.name)
        for need in node.needs:
            from_x, from_y = corner(need)
            x1, y1, x2, y2 = from_x + width, from_y + height / 2, x, y + height / 2
            bend = (x1 + x2) / 2
            parts.append(
                f'<path d="M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}" fill="none" stroke="#94a3b8" '
                'marker-end="url(#tip)"/>'
            )
    for node in nodes:
        x, y = corner(node.name)
        fill, under = FILLS.get(node.state, "#f1f5f9"), ", ".join(filter(None, (node.note, said(node.state))))
        parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="#64748b"/>'
            f'<text x="{x + 10}" y="{y + (18 if under else 27)}">{escape(said(node.name))}</text>'
            f'<text class="s" x="{x + 10}" y="{y + 34}">{escape(under)}</text>'
        )
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#94a3b8"/></marker></defs>'
    )
    return _svg(20 + columns * (width + GAP) - GAP, 20 + rows * ROW - (ROW - height), [tip, *parts])


def _places(nodes: Sequence[Node]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Column and row of each step: a column right of the last thing it needs, rows from the top."""
    columns, used = dict[str, int](), dict[int, int]()
    for node in nodes:
        column = columns[node.name] = 1 + max((columns[need] for need in node.needs), default=-1)
        yield node.name, (column, used.setdefault(column, 0))
        used[column] += 1


# --- time -------------------------------------------------------------------------------------------------------------


def timeline_mermaid(source: str, lanes: Sequence[Lane]) -> str:
    """The run's time as a Mermaid Gantt chart, in milliseconds."""
    lines = ["gantt", f"    title {source}", "    dateFormat x", "    axisFormat %H:%M:%S"]
    for lane in lanes:
        if lane.span is None:
            continue
        lines.append(f"    section {said(lane.name)}")
        begin, end = lane.span
        tag = {"failed": "crit, ", "in_doubt": "crit, ", "running": "active, ", "waiting": "active, "}
        span = f"{round(begin * 1000)}, {max(round(end * 1000), round(begin * 1000) + 1)}"
        lines.append(f"    {said(lane.state)} :{tag.get(lane.state, '')}{span}")
        lines += [
            f"    {said(mark.kind)} :milestone, {round(mark.at * 1000)}, 0d"
            for mark in lane.marks
            if mark.kind in PAUSES or mark.kind == "recovered"
        ]
    return "\n".join(lines) + "\n"


def timeline_svg(lanes: Sequence[Lane]) -> str:
    """The run's time as a picture: a bar from the first intent to the end, lighter where the step waited, a mark for
    each thing that happened; long idle times are cut short, and say how long they were."""
    axis = _Axis(at for lane in lanes for at in lane.times)
    parts = []
    for place, lane in enumerate(lanes):
        y = 30 + place * LANE
        words = f"{said(lane.name)}" + (f" ({said(lane.state)})" if lane.state != "done" else "")
        parts.append(f'<text x="10" y="{y + 13}">{escape(words)}</text>')
        parts += _bars(lane, axis, y)
        for mark in lane.marks:
            sign, colour = MARKS.get(mark.kind, ("·", "#475569"))
            parts.append(
                f'<text x="{axis.x(mark.at):.1f}" y="{y + 14}" text-anchor="middle" style="fill:{colour}">'
                f"<title>{escape(f'{said(mark.kind)}  {mark.text}')}</title>{sign}</text>"
            )
    bottom = 30 + len(lanes) * LANE
    for x, words in axis.ticks():
        parts.append(f'<line x1="{x:.1f}" y1="24" x2="{x:.1f}" y2="{bottom}" stroke="#cbd5e1" stroke-dasharray="2 3"/>')
        parts.append(f'<text class="s" x="{x:.1f}" y="16" text-anchor="middle">{escape(words)}</text>')
    return _svg(NAMES + SPAN + 40, bottom + 10, parts)


def _bars(lane: Lane, axis: _Axis, y: float) -> Iterator[str]:
    span = lane.span
    if span is None:
        return
    left, right = axis.x(span[0]), axis.x(span[1])
    fill = FILLS.get(lane.state, "#f1f5f9")
    yield (
        f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 2):.1f}" height="18" rx="3" fill="{fill}" '
        'stroke="#64748b"/>'
    )
    for mark, until in zip(lane.marks, [*(m.at for m in lane.marks[1:]), span[1]], strict=True):
        if mark.kind in PAUSES and until > mark.at:
            x, end = axis.x(mark.at), axis.x(until)
            yield (
                f'<rect x="{x:.1f}" y="{y + 6}" width="{end - x:.1f}" height="6" fill="#fbbf24">'
                "<title>waits</title></rect>"
            )


class _Axis:
    """From time to place, with long idle times cut short."""

    def __init__(self, times: Iterable[float]) -> None:
        self.times = sorted(set(times)) or [0.0]
        gaps = [after - before for before, after in zip(self.times, self.times[1:], strict=False)]
        self.shown = [min(gap, BREAK) for gap in gaps]
        self.cut = [gap for gap in gaps if gap > BREAK]
        self.places: Mapping[float, float] = dict(zip(self.times, self._sums(), strict=True))

    def _sums(self) -> Iterator[float]:
        total, scale = 0.0, SPAN / (sum(self.shown) or 1.0)
        yield float(NAMES)
        for gap in self.shown:
            total += gap
            yield NAMES + total * scale

    def x(self, at: float) -> float:
        """The place of a moment at which something happened."""
        return self.places[at]

    def ticks(self) -> Iterator[tuple[float, str]]:
        """The begin, the end, and each time that was cut short."""
        yield self.places[self.times[0]], "0 s"
        for before, after in zip(self.times, self.times[1:], strict=False):
            if after - before > BREAK:
                yield (self.places[before] + self.places[after]) / 2, f"… {duration(after - before)} …"
        if len(self.times) > 1:
            yield self.places[self.times[-1]], duration(self.times[-1] - self.times[0])


# --- pages ------------------------------------------------------------------------------------------------------------


def page(title: str, pictures: Sequence[tuple[str, str]], lanes: Sequence[Lane] = ()) -> str:
    """A page that needs nothing else: pictures with their headings, and what happened in words."""
    parts = [f"<h2>{escape(heading)}</h2>{svg}" for heading, svg in pictures]
    rows = sorted((mark.at, lane.name, mark) for lane in lanes for mark in lane.marks)
    if rows:
        first = rows[0][0]
        cells = "".join(
            f"<tr><td>{escape(duration(at - first))}</td><td>{escape(said(name))}</td>"
            f"<td>{escape(said(mark.kind))}</td><td>{escape(mark.text)}</td></tr>"
            for at, name, mark in rows
        )
        parts.append(f"<h2>What happened</h2><table><tr><th>after<th>step<th>what<th></tr>{cells}</table>")
    style = (
        "body{font:14px system-ui,sans-serif;margin:2em;max-width:72em}td,th{padding:.2em 1em .2em 0;text-align:left}"
        "svg{max-width:100%;height:auto}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{style}</style>'
        f"<h1>{escape(title)}</h1>{''.join(parts)}</html>\n"
    )


def said(word: str) -> str:
    """A name of the code as people say it."""
    return word.replace("_", " ")


def _svg(width: float, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}"><style>{_STYLE}</style><rect class="p" width="100%" height="100%" fill="#ffffff"/>'
        f"{''.join(parts)}</svg>"
    )
