"""A service in virtual time, with the manners of real ones, and callers that keep to `Gate` as the engine does."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import anyio

from engine.pacing import Pacing
from engine.retry import RetryPolicy, next_delay
from tests.pacing.virtual_time import clock, in_virtual_time

FAMILY = "flowservice"


@dataclass
class Service:
    """A token bucket (`rate` a second, `burst` deep; a change comes at a time), `at_once` requests at most, outages.

    `retry_after`: what a 429 names, None for nothing. `noise`: share of requests that get a 429 whatever the bucket
    says; `errors`: the same with a 500; `counted`: so many refusals in a row in every so many requests.
    Latency is `latency` ± `jitter`, and for `tail` of the requests seconds longer.
    """

    rate: float = float("inf")
    burst: float = 60.0
    changes: Sequence[tuple[float, float]] = ()
    retry_after: float | None = 1.0
    at_once: int = 1_000_000
    outages: Sequence[tuple[float, float]] = ()
    refusing: Sequence[tuple[float, float]] = ()
    noise: float = 0.0
    errors: float = 0.0
    counted: tuple[int, int] = (0, 1)
    latency: float = 0.05
    jitter: float = 0.3
    tail: float = 0.0
    seed: int = 1
    answers: Counter[int] = field(default_factory=Counter)
    arrivals: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self._tokens, self._filled = self.burst, 0.0
        self._changes = deque(self.changes)

    async def call(self) -> tuple[int, float | None]:
        """Status and Retry-After."""
        seconds = self.latency * self.rng.uniform(1.0 - self.jitter, 1.0 + self.jitter)
        await anyio.sleep(0.2 * seconds)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.arrivals.append(clock())
        try:
            status = self._judge(clock())
            if status == 201:
                self.taken.append(clock())
                await anyio.sleep(0.6 * seconds + (self.rng.expovariate(1.0) if self.rng.random() < self.tail else 0.0))
        finally:
            self.in_flight -= 1
        await anyio.sleep(0.2 * seconds)
        self.answers[status] += 1
        return status, self.retry_after if status == 429 else None

    def _judge(self, now: float) -> int:
        while self._changes and self._changes[0][0] <= now:
            self._fill(self._changes[0][0])
            self.rate = self._changes.popleft()[1]
        self._fill(now)
        if _within(now, self.outages):
            return 503
        refused, every = self.counted
        counted_out = len(self.arrivals) % every >= every - refused
        if self._tokens < 1 or counted_out or _within(now, self.refusing) or self.rng.random() < self.noise:
            return 429
        self._tokens -= 1
        return 500 if self.in_flight > self.at_once or self.rng.random() < self.errors else 201

    def _fill(self, now: float) -> None:
        if self.rate < float("inf"):
            self._tokens = min(self.burst, self._tokens + (now - self._filled) * self.rate)
        else:
            self._tokens = self.burst
        self._filled = now


def _within(now: float, windows: Sequence[tuple[float, float]]) -> bool:
    return any(start <= now < end for start, end in windows)


@dataclass
class Batch:
    """So many requests sent by so many callers, each until it is taken. `charged`: attempts that failed by themselves;
    `premature`: requests sent after a Retry-After was read and before it ended. `journal`: seconds that an
    intent takes in the mean."""

    gate: Pacing
    service: Service
    size: int
    callers: int = 100
    journal: float = 0.002
    family: str = FAMILY
    sent: list[float] = field(default_factory=list)
    charged: int = 0
    worst: int = 0
    premature: int = 0
    floor: float = 0.0
    took: float = 0.0

    async def run(self) -> "Batch":
        self.left = self.size
        started = clock()
        async with anyio.create_task_group() as group:
            for _ in range(self.callers):
                group.start_soon(self._caller)
        self.took = clock() - started
        return self

    async def _caller(self) -> None:
        while self.left > 0:
            self.left -= 1
            await self.one()

    async def one(self, turn: int = 0) -> None:
        """One request, until it is taken."""
        tries = 0
        while not await self._try(turn):
            tries += not self.gate.troubled(self.family)
            self.worst = max(self.worst, tries)
            await anyio.sleep(next_delay(RetryPolicy(), max(tries, 1), self.service.rng))
        self.charged += tries

    async def _try(self, turn: int) -> bool:
        await self.gate.enter(self.family, turn)
        try:
            await anyio.sleep(self.service.rng.uniform(0.0, 2.0) * self.journal)  # the intent is written
            while (pause := self.gate.paused(self.family)) > 0:
                self.gate.leave(self.family)
                await anyio.sleep(pause)
                await self.gate.enter(self.family, turn)
            status, retry_after = await self._send()
            if retry_after is not None:
                self.floor = max(self.floor, clock() + retry_after)
            self.gate.observe(self.family, status, retry_after)
        finally:
            self.gate.leave(self.family)
        return status < 300

    async def _send(self) -> tuple[int, float | None]:
        while True:
            await self.gate.board(self.family)
            try:
                if not (wait := self.gate.departs_in(self.family)):
                    self.sent.append(clock())
                    self.premature += clock() < self.floor - 1e-9
                    return await self.service.call()
            finally:
                self.gate.alight(self.family)
            await anyio.sleep(wait)


def onboard(
    service: Service,
    size: int,
    *,
    callers: int = 100,
    concurrency: int = 64,
    rate: float | None = None,
    journal: float = 0.002,
) -> Batch:
    """A whole batch in virtual time."""

    async def main() -> Batch:
        gate = Pacing(boot=clock, rng=Random(service.seed), concurrency=concurrency, rate=rate)
        return await Batch(gate=gate, service=service, size=size, callers=callers, journal=journal).run()

    return in_virtual_time(main)


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most events in any window of so many seconds (start included, end not)."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds + 1e-9:
            first += 1
        most = max(most, last - first + 1)
    return most


def gaps(times: Sequence[float]) -> list[float]:
    """Seconds between one event and the next."""
    return [later - earlier for earlier, later in pairwise(times)]
