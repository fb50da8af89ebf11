"""Carries out the faults: draws, counters, token buckets, outages, lags. `app.py` asks it about every request."""

from __future__ import annotations

import math
import random
import re
import time
from collections import Counter
from dataclasses import dataclass

from workflows.emulator.books import Books
from workflows.emulator.errors import trouble
from workflows.emulator.faults import Faults, Outage, Rate, Rule
from workflows.emulator.http import Call


@dataclass(slots=True)
class _Bucket:
    rate: Rate
    tokens: float
    filled: float

    def take(self, now: float) -> float:
        """0 when a token was there, else the seconds until one will be."""
        self.tokens = min(self.rate.burst, self.tokens + (now - self.filled) * self.rate.per_second)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate.per_second


@dataclass(slots=True)
class _Armed:
    rule: Rule
    path: re.Pattern[str]
    methods: frozenset[str]
    services: frozenset[str]
    ops: frozenset[str]
    seen: int = 0
    done: int = 0

    def befalls(self, call: Call, op: str, rng: random.Random) -> bool:
        if self.methods and call.method not in self.methods:
            return False
        if self.services and call.service not in self.services:
            return False
        if (self.ops and op not in self.ops) or not self.path.search("/" + "/".join(call.segments)):
            return False
        self.seen += 1
        if self.seen <= self.rule.skip or (self.rule.times is not None and self.done >= self.rule.times):
            return False
        if self.rule.p < 1 and rng.random() >= self.rule.p:
            return False
        self.done += 1
        return True


class Chaos:
    """The faults in force. Replacing them (`arm`) starts their counters and windows anew."""

    def __init__(self, faults: Faults, seed: int, books: Books) -> None:
        self._rng = random.Random(f"faults {seed}")
        self._books = books
        self.arm(faults)

    def arm(self, faults: Faults) -> None:
        """Put faults in force; with a seed, draws begin anew, too."""
        if faults.seed is not None:
            self._rng = random.Random(f"faults {faults.seed}")
        self.faults = faults
        self._started = time.monotonic()
        self._rules = [
            _Armed(rule, re.compile(rule.path or ""), _set(rule.method), _set(rule.service), _set(rule.op))
            for rule in faults.rules
        ]
        self._rates = {rate.service: rate for rate in faults.rates}
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._limits = dict(faults.concurrency)
        self.inside: Counter[str] = Counter()  # requests under way, per service

    def index_lag(self) -> float:
        """How late the next change reaches the lists."""
        lag = self.faults.index_lag
        return self._rng.uniform(0, lag) if lag else 0.0

    def look(self, call: Call) -> None:
        """Set the moments that this request's lists and reads show."""
        faults, now = self.faults, time.monotonic()
        if faults.list_lag or faults.replica_lag or faults.index_lag:
            behind = faults.replica_lag if faults.replica_lag and self._rng.random() < 0.5 else 0.0
            call.horizon = now - faults.list_lag - behind
        if faults.read_lag:
            call.read_horizon = now - faults.read_lag

    def wait(self) -> float:
        """How long the next request waits in the gateway."""
        faults = self.faults
        if faults.tail and self._rng.random() < faults.tail:
            return self._rng.uniform(faults.latency, max(faults.latency, faults.tail_latency))
        return faults.latency

    def outage(self, service: str) -> Outage | None:
        """The outage that a service is in."""
        elapsed = time.monotonic() - self._started
        for outage in self.faults.outages:
            if outage.start <= elapsed < outage.end and outage.service in {None, service}:
                self._books.faults["outage"] += 1
                return outage
        return None

    def admit(self, call: Call) -> None:
        """Let a request in; raises Problem 429 beyond a service's rate, 500 with too many requests at once."""
        service = call.service
        rate = self._rates.get(service)
        if rate is not None:
            now = time.monotonic()
            bucket = self._buckets.setdefault((call.org, service), _Bucket(rate, rate.burst, now))
            pause = bucket.take(now)
            if pause:
                self._books.faults["rate"] += 1
                raise trouble(429, service, retry_after=math.ceil(pause), as_date=rate.date)
        limit = self._limits.get(service)
        if limit is not None and self.inside[service] > limit:
            self._books.faults["concurrency"] += 1
            raise trouble(500, service)

    def delay(self, rule: Rule) -> float:
        """How many seconds a rule delays this time."""
        return rule.delay if rule.delay_max is None else self._rng.uniform(rule.delay, rule.delay_max)

    def draw(self, call: Call, op: str) -> Rule | None:
        """The rule that befalls a request, if any."""
        for armed in self._rules:
            if armed.befalls(call, op, self._rng):
                self._books.faults[armed.rule.kind] += 1
                return armed.rule
        return None


def _set(alternatives: str | None) -> frozenset[str]:
    return frozenset(alternatives.split("|")) if alternatives else frozenset()
