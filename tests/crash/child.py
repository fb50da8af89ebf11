"""`headway` in a process of its own, as a script says: with a trap, another clock, less disk.

The processes are forked from one that has imported everything (multiprocessing's fork server), so that each costs what
it does and not what Python's imports do.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import aiosqlite  # noqa: F401 - the imports that commands make when they are called
import alembic.command  # noqa: F401
import psycopg  # noqa: F401

import engine.clock
import workflows.aep
import workflows.cli.apply
import workflows.cli.batch_commands
import workflows.cli.calling
import workflows.cli.driving
import workflows.cli.inspect
from engine.simulation.sabotage import sabotaged
from tests.crash.destroying import destroy
from tests.crash.traps import Trap, arm
from workflows.cli import main

CAPABILITIES_3 = 0x20080522
"""The version of capset's structures (linux/capability.h)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """How far the system's clock is off, in seconds: `before`, and `after` so many readings."""

    before: float = 0.0
    after: float = 0.0
    readings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a process is to do. `largest_file`: bytes to which any file may grow (the disk is full). `humble`: the modes
    of files hold for it, even if it is root's. `sabotage`: a rule that it breaks."""

    arguments: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]
    out: Path
    err: Path
    trap: Trap | None = None
    skew: Skew | None = None
    largest_file: int | None = None
    humble: bool = False
    sabotage: str | None = None


def play(script: Script) -> None:
    """Follow the script, then leave with the command's exit code."""
    for file, number in ((script.out, 1), (script.err, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.chdir(script.folder)
    os.environ.clear()
    os.environ.update(script.environ)
    if script.trap is not None:
        arm(script.trap)
    if script.skew is not None:
        _set_clocks(_Skewed(script.skew))
    if script.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (script.largest_file, resource.RLIM_INFINITY))
    if script.humble:
        _lay_down_capabilities()
    command: Callable[[tuple[str, ...]], int] = destroy if script.arguments[0] == "destroy" else main
    with sabotaged(script.sabotage) if script.sabotage else nullcontext():
        sys.exit(command(script.arguments))


def _lay_down_capabilities() -> None:
    """Root without capabilities is a user like any other."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(struct.pack("=Ii", CAPABILITIES_3, 0), bytes(24)):
        raise OSError(ctypes.get_errno(), "capset")


def _set_clocks(wall: Callable[[], float]) -> None:
    """The engine's clock and the client's."""
    for clock in (engine.clock.SystemClock, workflows.aep.SystemClock):
        setattr(clock, "wall", staticmethod(wall))  # noqa: B010 - the product has no hooks


class _Skewed:
    """The wall clock of a machine whose owner sets it."""

    def __init__(self, skew: Skew) -> None:
        self._skew, self._left = skew, skew.readings

    def __call__(self) -> float:
        self._left -= 1
        return time.time() + (self._skew.before if self._left >= 0 else self._skew.after)
