"""What a schedule may draw its world from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple

SETTLE = 120.0
GATEWAY, LAG = SETTLE / 2, SETTLE / 2
"""The longest that a request may wait in the gateway; the longest that a healthy list may lag."""
READ_LAG = 10.0
"""How stale a read by id may be."""
TIMEOUT = 15.0
"""The client's read timeout."""


class Kill(NamedTuple):
    """Kill the schedule's process number `process` (1, 2, …) at its task step, before or after its commit, number so
    and so: crashes that are named, not drawn."""

    process: int
    moment: Literal["step", "before", "after"]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Each field holds the choices of which a schedule draws one. The default covers everything; a denser weather
    looks around one rule. Times in seconds; rates are probabilities, per task step for crashes and freezes."""

    calm_at: Sequence[float] = (0, 30, 200, 600, 1500)
    """From then on nothing goes wrong any more, so that every schedule can end."""
    crash_rate: Sequence[float] = (0, 0.001, 0.004)
    kill_rate: Sequence[float] = (0, 0, 0.05)
    """Of each request that has an effect: its process is killed while it is out."""
    stop_rate: Sequence[float] = (0, 0, 0.3)
    """Of each process: somebody stops it while it works; what is out has a while to be answered."""
    freeze_rate: Sequence[float] = (0, 0.001, 0.004)
    freezes: Sequence[float] = (2, 7, 40, 200)
    fault_rate: Sequence[float] = (0, 0.1, 0.3)
    """Of each request; `fates` says what may become of it."""
    fates: Sequence[str] = ("refused", "rejected", "error", "error", "error_after", "lost", "lost", "late", "late")
    late: Sequence[float] = (0.1, 2, 15, 30, GATEWAY - 1)
    """How long at most a late request waits in the gateway."""
    permits: Sequence[float] = (0, 0, 0.5, 30)
    """How long each permit takes."""
    wire_rate: Sequence[float] = (0, 0, 0.1)
    """Of each request: it waits before it leaves, for its place on the wire, a name, a handshake."""
    wires: Sequence[float] = (0.1, 2, 4, 6, 20)
    """For how long."""
    stall_rate: Sequence[float] = (0, 0, 0.02)
    """Of each request: its process freezes while it waits to leave, or while it is out."""
    stalls: Sequence[str] = ("",)
    """Of requests with which verb; empty: of all."""
    outages: Sequence[int] = (0, 0, 0, 1, 3)
    """How many: all requests refused, failing, or going nowhere, for up to ten minutes."""
    expiry_rate: Sequence[float] = (0, 0, 0.3)
    """Of each process: its credentials end while it works."""
    storage_rate: Sequence[float] = (0, 0, 0.01)
    """Of each commit: it fails, before it is durable or after."""
    jump_rate: Sequence[float] = (0, 0.3)
    """Of each process: its wall clock is set while it works."""
    servers: Sequence[bool] = (False, True)
    """Whether the store is one that several processes may open (PostgreSQL), or one with a lock (SQLite)."""
    lists: Sequence[str] = ("ordered", "ordered", "each", "tail", "fresh")
    lag: Sequence[float] = (0, 1, 20, LAG - 1)
    """How long at most a list that is no tail lags."""
    read_lag: Sequence[float] = (0, 0, READ_LAG)
    runs: Sequence[int] = (1, 2, 2)
    rivals: Sequence[str] = ("", "", "", "second", "copy", "other")
    """A second person with a journal of his own, with a copy of the first one's, or with other runs."""
    scripts: Sequence[tuple[str, ...]] = (
        ("run",), ("run",), ("run", "destroy"), ("run", "destroy", "run"), ("run", "change"), ("run", "replace"),
        ("run", "change", "change"), ("run", "change", "replace", "destroy"), ("run", "rename"),
        ("run", "rename", "change", "destroy"), ("run", "pause", "replace"), ("run", "pause", "unpause", "pause"),
        ("run", "pause", "change", "unpause"), ("run", "pause", "destroy", "run"), ("run", "share", "own"),
        ("run", "adopt", "own", "destroy"), ("run", "share", "adopt"), ("run", "pause", "share"),
        ("run", "chain"), ("run", "chain", "chain", "destroy"), ("run", "chain", "share"), ("run", "pause", "chain"),
        ("run", "adopt", "chain", "own"), ("run", "chain", "change", "refresh"),
    )  # fmt: skip
    disaster: Sequence[float] = (0, 0.2, 0.6)
    """How likely the journal is broken between two commands, or while one is at work."""
    disasters: Sequence[str] = ("deleted", "restored", "failover", "rewound")
    regret: Sequence[float] = (0, 0.5)
    """How likely people keep what they were destroying when the journal broke."""
    tabular: Sequence[bool] = (False, False, True)
    """Whether nothing titled goes before the source: only the sentinel does."""
    adopts: Sequence[str] = ("", "", "source", "schema")
    """Which step of the first run takes an object that somebody else made."""
    mend_rate: Sequence[float] = (0, 0, 0.3)
    """Before each command: the manifest says something else of the runs that are not finished."""
    hands: Sequence[float] = (0, 0, 0, 0.7)
    """How likely, before runs are refreshed, each of three times, somebody deletes or changes one of their objects."""
    hurry: Sequence[float] = (0, 0.3)
    """How likely people kill a command and go on with the next."""
    relaunch: Sequence[float] = (0.2, 3, 30, 150)
    stay_rate: Sequence[float] = (0, 0, 0.5)
    """Of each command that ended: its process keeps the journal open, and is given the next one."""
    kills: tuple[Kill, ...] = ()

    def but(self, **choices: Any) -> Weather:
        """The same weather with other choices for some fields."""
        return replace(self, **choices)


ANY = Weather()

STILL = Weather(
    calm_at=[1], crash_rate=[0], kill_rate=[0], stop_rate=[0], freeze_rate=[0], fault_rate=[0], permits=[0],
    wire_rate=[0], stall_rate=[0], outages=[0], expiry_rate=[0], storage_rate=[0], jump_rate=[0], servers=[False],
    lists=["fresh"], read_lag=[0], runs=[1], rivals=[""], scripts=[("run",)], disaster=[0], regret=[0],
    tabular=[False], adopts=[""], mend_rate=[0], hurry=[0], hands=[0], relaunch=[0.2], stay_rate=[0],
)  # fmt: skip
"""Nothing goes wrong: from here a weather is built up, and to here a failing one is shrunk."""

CHOICES = tuple(field.name for field in fields(Weather) if field.name != "kills")
