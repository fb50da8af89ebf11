"""Waiting for a permit: the thin part, with tasks and the clock.

Who waits sleeps on an event of its own; the lowest `turn` is served first, and among equals first come, first served
within a family, while families alternate. What only reads has no turn: it joins behind whoever was served last and the
reads that wait already, so that it goes early, and even many of them let others through.

There is no task in the background: the first waiter of each family also sleeps until the time at which it may go, and
whoever gives something back (a permit, an answer) sees to it that what has become free is handed out, a permit when the
loop comes round again, so that its last holder may go on with it. So nothing runs when nobody waits.
"""

from __future__ import annotations

import asyncio
import math
from bisect import insort
from collections.abc import Callable, Mapping
from operator import attrgetter
from random import Random

import anyio

from engine.pacing.ahead import Ahead
from engine.pacing.at_once import AtOnce
from engine.pacing.blame import Common
from engine.pacing.cap import Cap
from engine.pacing.family import Family, FamilyView

TICK = 0.001
"""The shortest sleep, in seconds: timers are no finer, and a sleep that rounding makes too short must not spin."""


class _Waiter:
    __slots__ = ("event", "granted", "reads", "turn")

    def __init__(self, turn: int, *, reads: bool) -> None:
        self.turn, self.reads = turn, reads
        self.event = anyio.Event()
        self.granted = False


class _Lane:
    """A family, who waits for it, by turn, and the time until which its first waiter sleeps."""

    __slots__ = ("family", "name", "queue", "reported", "wakes_at")

    def __init__(self, name: str, family: Family) -> None:
        self.name = name
        self.family = family
        self.queue: list[_Waiter] = []
        self.wakes_at = math.inf
        self.reported = -math.inf


_turn: Callable[[_Waiter], int] = attrgetter("turn")


def _first_turn(lane: _Lane) -> int:
    return lane.queue[0].turn


class _Lanes(dict[str, _Lane]):
    """By family; one that is asked for the first time is made."""

    def __init__(self, make: Callable[[str], _Lane]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> _Lane:
        lane = self[name] = self._make(name)
        return lane


class Pacing:
    """Permits to send, by rate and by number at once; what a service allows is learned from its answers.

    `concurrency` bounds the requests on the wire at once (`board`), `rate` those that leave per second, both over all
    families together; there may be more permits, for requests that are not ready yet (`Ahead`).
    `boot` is the engine's clock that never steps. `on_pause` hears of every `Retry-After`: the family and the seconds
    for which it must not be sent to, so that the wait can outlive the process (`restore`).
    """

    def __init__(
        self, *, boot: Callable[[], float], rng: Random, concurrency: int = 64, rate: float | None = None,
        on_pause: Callable[[str, float], None] | None = None,
    ) -> None:  # fmt: skip
        if concurrency < 1:
            raise ValueError(f"at least one request must be allowed at once, not {concurrency}")
        self._boot = boot
        self._rng = rng
        self._concurrency = concurrency
        self._cap = None if rate is None else Cap(rate)
        self._on_pause = on_pause
        self._lanes = _Lanes(self._new_lane)
        self._waiting: list[_Lane] = []  # lanes with a queue, the one that was served last at the end
        self._common, self._at_once = Common(), AtOnce(concurrency)
        self._permits = 0
        self._served = self._reading = 0  # the turn that was served last, and how many wait to read
        self._wire, self._ready, self._ahead = anyio.Semaphore(concurrency, fast_acquire=True), 0, Ahead()
        self._due = False  # what has become free is handed out at the loop's next turn

    async def enter(self, family: str, turn: int | None = None) -> None:
        """Wait for a permit; the caller gives it back with `leave`, whatever happens."""
        reads = turn is None
        turn = self._served + self._reading + 1 if turn is None else turn
        if self.try_enter(family, turn):
            return
        lane, waiter = self._lanes[family], _Waiter(turn, reads=reads)
        self._reading += reads
        if not lane.queue:
            self._waiting.append(lane)
        insort(lane.queue, waiter, key=_turn)
        self._hand_out()
        try:
            while not waiter.granted:
                await self._sleep(lane, waiter)
        except BaseException:
            self._abandon(lane, waiter)
            raise

    def try_enter(self, family: str, turn: int) -> bool:
        """Take a permit if one is free at this moment and due to nobody who waits; whether it was."""
        lane, now = self._lanes[family], self._boot()
        if self._opens_at(lane, now) > now:
            return False
        if self._waiting and any(
            one.queue[0].turn <= turn and self._opens_at(one, now) <= now for one in self._waiting
        ):
            return False
        self._take(lane, now, turn)
        return True

    def leave(self, family: str) -> None:
        self._lanes[family].family.give_back()
        self._permits -= 1
        if self._waiting and not self._due:  # not at once: whoever gave it back may need it for what follows
            self._due = True
            asyncio.get_running_loop().call_soon(self._hand_out)

    async def board(self, family: str) -> None:
        """Wait for a place on the wire, with a permit in hand; the caller gives it back with `alight`."""
        self._ready += 1
        try:
            await self._wire.acquire()
        except BaseException:
            self._ready -= 1
            raise
        self._lanes[family].family.board()

    def alight(self, family: str) -> None:
        """The request is answered, or never left."""
        self._lanes[family].family.alight()
        self._ready -= 1
        self._wire.release()

    def observe(self, family: str, status: int | None, retry_after: float | None) -> None:
        """The head of an answer is known; called once while the permit is held, when its place on the wire is free.

        `status` is None when there was no answer; `retry_after` are seconds. A status that is a verdict on the request
        rather than on the service (contract 12.1) is to be given as 4xx.
        """
        lane = self._lanes[family]
        now = self._boot()
        alone = lane.family.permits <= 1 and not lane.queue
        lane.family.observe(now, status, retry_after, together=self._permits, alone=alone)
        if retry_after is not None:
            self._report(lane, now)
        if lane.queue:
            self._hand_out()

    def departs_in(self, family: str) -> float:
        """Seconds that a request, whose permit is out, must still wait at the moment at which it would leave: a pause
        may have begun since, and the bound on the rate holds there. 0: it leaves now; ask again after a wait."""
        pause = self.paused(family)
        if pause > 0 or self._cap is None:
            return pause
        return self._cap.departs_in(self._boot())

    def paused(self, family: str) -> float:
        """Seconds of the pause that are left: the family's own, or the moment for which all families wait."""
        now = self._boot()
        return max(self._lanes[family].family.paused(now), self._common.paused(now))

    def troubled(self, family: str) -> bool:
        return self._lanes[family].family.troubled(self._boot())

    def snapshot(self) -> Mapping[str, FamilyView]:
        """Every family that was ever asked about, as it is now."""
        now = self._boot()
        return {name: lane.family.view(now, len(lane.queue)) for name, lane in self._lanes.items()}

    def restore(self, pauses: Mapping[str, float]) -> None:
        """Go on with the pauses (seconds that are left) that an earlier process was told of."""
        now = self._boot()
        for name, seconds in pauses.items():
            lane = self._lanes[name]
            lane.family.pause(now, seconds)
            lane.reported = max(lane.reported, now + seconds)

    def _new_lane(self, name: str) -> _Lane:
        return _Lane(name, Family(most=self._concurrency, common=self._common, at_once=self._at_once, rng=self._rng))

    def _is_full(self) -> bool:
        """Whether a permit must come back before the next can go out."""
        out, most = self._permits, self._concurrency
        return out >= self._at_once.room or (out >= most and out >= most + self._ahead.of(most))

    def _opens_at(self, lane: _Lane, now: float) -> float:
        if self._is_full():
            return math.inf
        if self._cap is None:
            return lane.family.opens_at(now)
        return max(lane.family.opens_at(now), self._cap.opens_at)

    def _take(self, lane: _Lane, now: float, turn: int) -> None:
        self._served = turn
        self._ahead.sample(preparing=self._permits - self._ready, out=self._ready)
        self._permits += 1
        lane.family.take(now)
        if self._cap is not None:
            self._cap.take(now)

    def _report(self, lane: _Lane, now: float) -> None:
        """Tell of a pause, rounded up: the answers of one moment all name it, and one telling is enough."""
        until = now + lane.family.paused(now)
        if self._on_pause is not None and until > lane.reported:
            lane.reported = now + math.ceil(until - now)
            self._on_pause(lane.name, lane.reported - now)

    async def _sleep(self, lane: _Lane, waiter: _Waiter) -> None:
        """Sleep until woken or, at the head of the queue, until it is time."""
        delay = math.inf
        if lane.queue[0] is waiter:
            now = self._boot()
            lane.wakes_at = self._opens_at(lane, now)
            delay = max(lane.wakes_at - now, TICK)
        if delay == math.inf:
            await waiter.event.wait()
        else:
            with anyio.move_on_after(delay):
                await waiter.event.wait()
        if not waiter.granted:
            waiter.event = anyio.Event()
            self._hand_out()

    def _abandon(self, lane: _Lane, waiter: _Waiter) -> None:
        if waiter.granted:
            self.leave(lane.name)
            return
        self._unqueue(lane, waiter)
        self._hand_out()

    def _unqueue(self, lane: _Lane, waiter: _Waiter) -> None:
        if lane.queue[0] is waiter:
            lane.wakes_at = math.inf
        lane.queue.remove(waiter)
        self._reading -= waiter.reads
        if not lane.queue:
            self._waiting.remove(lane)

    def _hand_out(self) -> None:
        """Grant what is free, by turn; let the first of the others sleep until it is time."""
        self._due = False
        now = self._boot()
        while ready := [lane for lane in self._waiting if self._opens_at(lane, now) <= now]:
            lane = min(ready, key=_first_turn)
            self._waiting.remove(lane)
            self._waiting.append(lane)
            waiter = lane.queue[0]
            self._unqueue(lane, waiter)
            self._take(lane, now, waiter.turn)
            waiter.granted = True
            waiter.event.set()
        for lane in self._waiting:
            opens = self._opens_at(lane, now)
            if opens < lane.wakes_at:
                lane.wakes_at = opens
                lane.queue[0].event.set()
