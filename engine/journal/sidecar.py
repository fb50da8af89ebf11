"""The file beside an SQLite journal: its lock, and a watermark: what the journal last was (rule 7).

`headway.db.lock` is locked with `flock`, which the kernel releases however the process ends, and says in JSON who holds
it. It also repeats the journal's name and its number of commits after each commit, so that a journal that was restored
from a backup in place is found out: it counts fewer. Restoring the watermark too is found out by its change time, which
no program can set: the watermark records when it was last written.

The watermark is never ahead of the journal: it is written after the commit, and nothing waits for its disk. A process
that is killed in between leaves it behind by one, which proves nothing and accuses nobody.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import msgspec

SIZE = 512
DRIFT = 1.5
"""Seconds by which a file's change time may differ from the time written into it just before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lock; `since` in epoch seconds."""

    pid: int
    command: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """What the journal was after its last commit, as far as the sidecar knows."""

    journal: str
    commits: int


class Sidecar:
    """The open sidecar of one journal. Raises `OSError`, and `BlockingIOError` when another process holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.watermark: Watermark | None = None
        self._file = -1
        self._holder: dict[str, object] = {}

    def lock(self, holder: Holder) -> None:
        """Take the lock and say who holds it."""
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.watermark = read_watermark(self.path)  # before anything touches the file, and with it its change time
            if os.fstat(self._file).st_mode & 0o077:
                os.fchmod(self._file, 0o600)
            self._holder = asdict(holder)
            self.note(self.watermark)
            os.fsync(self._file)
        except BaseException:
            os.close(self._file)
            raise

    def note(self, watermark: Watermark | None) -> None:
        """Record what the journal is now."""
        known = {"journal": watermark.journal, "commits": watermark.commits} if watermark else {}
        now = {"at": time.time()}  # the kernel's clock and no other: it is held against the file's change time
        os.pwrite(self._file, msgspec.json.encode(self._holder | known | now).ljust(SIZE), 0)

    def stat(self) -> os.stat_result:
        """Which file is locked."""
        return os.fstat(self._file)

    def release(self) -> None:
        """Give the lock back; the file stays, with the watermark."""
        os.close(self._file)


def describe_holder(path: Path) -> str:
    """Who says to hold the lock, for people."""
    try:
        text = json.loads(path.read_text())
        pid, command, since = int(text["pid"]), str(text["command"]), datetime.fromtimestamp(text["since"]).astimezone()
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
    today = since.date() == datetime.now().astimezone().date()
    return f"process {pid} on this machine ({command}, since {since:{'%H:%M:%S' if today else '%Y-%m-%d %H:%M:%S'}})"


def read_watermark(path: Path) -> Watermark | None:
    """What the sidecar knows; None when it is not there, says nothing, or was not written by us last."""
    try:
        text = json.loads(path.read_text())
        if abs(path.stat().st_ctime - float(text["at"])) > DRIFT:
            return None
        return Watermark(journal=str(text["journal"]), commits=int(text["commits"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
