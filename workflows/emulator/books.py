"""The books: what clients did and what was done to them. `report.py` turns them into an account."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any

KEPT = 1000  # mistakes and warnings kept in full; beyond that only counted
PAUSES = 64  # Retry-Afters kept per family: those of a burst say the same
TOLERANCE = 0.05  # seconds by which a clock or a rounded header may differ


class Books:
    """Counters and lists of one emulator since its start or its last reset.

    created, deleted: effects per kind of object. requests: per (service, method). answers: per status.
    faults: per kind of fault carried out. mistakes: requests refused through the client's fault, but for
    `headway doctor`'s questions whether one may create. conflicts: refusals that the protocol foresees, per code.
    premature: requests sent before the end of a Retry-After.
    warnings: slips that were accepted (contract 13).
    """

    def __init__(self, grace: float) -> None:
        self.started = time.time()
        self.created: Counter[str] = Counter()
        self.deleted: Counter[str] = Counter()
        self.requests: Counter[tuple[str, str]] = Counter()
        self.answers: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.conflicts: Counter[str] = Counter()
        self.mistake_count = 0
        self.mistakes: list[dict[str, Any]] = []
        self.premature_count = 0
        self.premature: list[dict[str, Any]] = []
        self.warnings: list[dict[str, Any]] = []
        self._grace = grace
        self._pauses: dict[tuple[str, str], deque[tuple[float, float]]] = {}  # when sent, until when

    def request(self, service: str, method: str, path: str, org: str) -> None:
        """A request arrived; it is premature when a Retry-After of its family, known long enough, still runs."""
        self.requests[service, method] += 1
        pauses = self._pauses.get((org, service))
        if not pauses:
            return
        now = time.monotonic()
        while pauses and pauses[0][1] <= now:
            pauses.popleft()
        early = [until for sent, until in pauses if sent + self._grace < now < until - TOLERANCE]
        if early:
            self.premature_count += 1
            if len(self.premature) < KEPT:
                seconds = round(max(early) - now, 3)
                self.premature.append({"service": service, "method": method, "path": path, "early_by": seconds})

    def pause(self, service: str, org: str, seconds: float) -> None:
        """A Retry-After was sent."""
        now = time.monotonic()
        self._pauses.setdefault((org, service), deque(maxlen=PAUSES)).append((now, now + seconds))

    def mistake(self, method: str, path: str, status: int, code: str, reason: str) -> None:
        """A request was refused through the client's fault."""
        self.mistake_count += 1
        if len(self.mistakes) < KEPT:
            self.mistakes.append({"method": method, "path": path, "status": status, "code": code, "reason": reason})

    def warn(self, method: str, path: str, reason: str) -> None:
        """A slip was accepted."""
        if len(self.warnings) < KEPT:
            self.warnings.append({"method": method, "path": path, "reason": reason})
