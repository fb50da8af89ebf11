"""Progress while runs are driven, on stderr: a live view on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from workflows.cli.tally import Tally
from workflows.cli.words import amount, cut, duration, number

if TYPE_CHECKING:
    from rich.console import RenderableType

    from engine.pacing import FamilyView
    from engine.session import Notice

LIVE, LINES = 0.25, 10.0
"""Seconds between two pictures of the live view, and between two plain lines."""

Limits = Callable[[], str]
"""What holds the requests back at the moment, and why; empty when nothing does."""


class View(Protocol):
    """A way to show progress."""

    every: float

    def tell(self, text: str) -> None:
        """Tell something as it happens: a failure, a reason to wait."""
        ...

    def show(self) -> None:
        """Show where things stand; called every `every` seconds."""
        ...


class Quiet:
    """Shows nothing."""

    every = 3600.0

    def tell(self, text: str) -> None:
        pass

    def show(self) -> None:
        pass


class Lines:
    """One plain line now and then, and one for each failure."""

    every = LINES

    def __init__(self, tally: Tally, limits: Limits) -> None:
        self.tally, self.limits = tally, limits

    def tell(self, text: str) -> None:
        say(text)

    def show(self) -> None:
        tally = self.tally
        say("   ".join(filter(None, (counts(tally), pace(tally, time.monotonic()), limited(self.limits())))))


class Live:
    """Four pictures a second of where things stand."""

    every = LIVE

    def __init__(self, tally: Tally, limits: Limits) -> None:
        from rich.console import Console
        from rich.live import Live as Screen

        self.tally, self.limits = tally, limits
        self.console = Console(stderr=True, highlight=False)
        self.screen = Screen(console=self.console, auto_refresh=False, transient=True)

    def tell(self, text: str) -> None:
        """The newest of it is part of the picture."""

    def show(self) -> None:
        self.screen.update(self._picture(), refresh=True)

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        tally, width = self.tally, self.console.width
        ended = tally.total - tally.left
        share = ended / tally.total if tally.total else 1.0
        lines = [
            Text("  " + counts(tally)),
            Text.assemble(
                "  ", (bar(share, min(24, width // 3)), "green"), f"  {share:4.0%}   {pace(tally, time.monotonic())}"
            ),
        ]
        if limits := self.limits():
            lines.append(Text(cut(f"  limit  {limits}", width)))
        if tally.waiting and tally.reason:
            lines.append(Text(cut(f"  waiting  {tally.reason}", width)))
        if tally.newest:
            source, message = tally.newest
            lines.append(Text(cut(f"  newest failure  {source}: {message}", width), style="red"))
        return Group(*lines)


def counts(tally: Tally) -> str:
    """The counts of sources in one line."""
    figures = {
        "done": tally.done,
        "running": tally.running,
        "waiting": tally.waiting,
        "failed": tally.failed,
        "in doubt": tally.in_doubt,
    }
    return "   ".join(f"{name} {number(value)}" for name, value in figures.items()) + f"   of {number(tally.total)}"


def pace(tally: Tally, now: float) -> str:
    """How fast it goes, and how long it will take; nothing while all runs wait, as then it says nothing of the rest."""
    rate = tally.rate(now)
    if rate is None or not tally.running:
        return ""
    left = f"   {duration(60 * tally.left / rate)} left" if tally.left else ""
    return f"{amount(round(rate), 'source')}/min{left}"


def limited(limits: str) -> str:
    """What holds back, as part of a plain line."""
    return f"limit {limits}" if limits else ""


FAMILIES = {
    "flowservice": "Flow Service",
    "schemaregistry": "Registry",
    "catalog": "Catalog",
    "conversion": "Data Prep",
    "sandbox-management": "Sandboxes",
}
"""The services as people call them, by the engine's name of their family."""


def limits_of(views: Mapping[str, FamilyView]) -> str:
    """The limits in force, and why: `Flow Service 58/s learned (429 twice in the last minute)   all others 120/s …`.
    Services under the same limit are told together, what many share last."""
    under: dict[str, list[str]] = {}
    for name, view in views.items():
        if view.why:
            under.setdefault(view.why, []).append(FAMILIES.get(name, name))
    alone = sorted(under.items(), key=lambda limit: len(limit[1]))
    return "   ".join(f"{_together(names, len(views))} {why}" for why, names in alone)


def _together(names: list[str], known: int) -> str:
    if len(names) > 2:
        return "all services" if len(names) == known else "all others"
    return " and ".join(names)


def bar(share: float, width: int) -> str:
    """A bar of `width` characters, to an eighth of a character."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)


def say(text: str) -> None:
    """One line on stderr; when nobody reads it any more, the work goes on."""
    try:
        print(text, file=sys.stderr, flush=True)
    except BrokenPipeError:
        return


def is_screen(*, json: bool) -> bool:
    """Whether a live view has a terminal to itself."""
    import os

    dumb = os.environ.get("TERM", "").lower() in ("", "dumb", "unknown")
    return sys.stderr.isatty() and not dumb and not (json and sys.stdout.isatty())


@contextmanager
def viewing(tally: Tally, limits: Limits, *, quiet: bool, verbose: bool, json: bool) -> Iterator[View]:
    """The view that fits the terminal and the options."""
    if quiet:
        yield Quiet()
    elif verbose or not is_screen(json=json):
        yield Lines(tally, limits)
    else:
        view = Live(tally, limits)
        with view.screen:
            yield view


class Observer:
    """Passes the engine's notices on to the counts, the view, and whoever else listens."""

    def __init__(self, listeners: list[Callable[[Notice], None]]) -> None:
        self.listeners = listeners
        self.tally: Tally | None = None
        self.view: View = Quiet()

    def __call__(self, notice: Notice) -> None:
        for listener in self.listeners:
            listener(notice)
        if self.tally is not None and (news := self.tally.hear(notice)):
            self.view.tell(news)
