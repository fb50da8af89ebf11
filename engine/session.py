"""One process at work on one journal: what its runs have in common, and their places in the window."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

import anyio

from engine.errors import Answer, NotApplied, Rejected, TooLate
from engine.machine import Timing
from engine.model import Json, RunState, value
from engine.ports import Clock, Gate, Journal
from engine.retry import RetryPolicy, next_delay
from engine.workflow import Step, Workflow

T = TypeVar("T")

READS = RetryPolicy(initial_interval=0.5, max_interval=15.0)

WITNESSES = 512
"""How many of our own objects per kind are remembered as witnesses, at least a second apart: some minutes of work."""


@value
class Notice:
    """Something worth telling while it happens: to a progress display, a log, a stream of events."""

    name: str
    run: RunState
    step: str = ""
    detail: Mapping[str, Json]


@value
class Witness:
    """An object of ours, sent by this process at `sent` (boot clock): a list that shows it shows all before it."""

    sent: float
    name: str
    id: str


@dataclass(slots=True, kw_only=True)
class Session:
    """What the runs of one process share."""

    journal: Journal
    gate: Gate
    clock: Clock
    rng: Random
    timing: Timing
    resources: Mapping[type[Any], Any]
    observer: Callable[[Notice], None] | None = None
    max_attempts: int | None = None
    replace: bool = False
    """Whether what cannot be changed in place may be taken down and made anew."""
    delete_data: bool = False
    """Whether what holds data may be deleted for that."""
    refresh: bool = False
    """Whether what runs have made is looked at first, and what others did to it by hand is put back."""
    unsure: dict[int, anyio.Event | None] = field(default_factory=dict)
    """Active runs, by key, that do not know from their sentinel yet whether another journal knows them; and the event
    that others wait for, if any do."""
    learning: int = 0
    """How many shared steps wait for all of these: meanwhile sentinels get permits before what follows them."""
    driven: int = 0
    """How many runs this process has begun to drive."""
    another_journal: bool = False
    """Whether some run of this process was known to another journal (rule 7)."""
    unanswered: dict[object, str] = field(default_factory=dict)
    """Why the reads that are being repeated were not answered, for whoever shows progress."""
    witnesses: dict[str, deque[Witness]] = field(default_factory=dict)
    _by_step: dict[Workflow[Any], Mapping[str, Any]] = field(default_factory=dict)
    _tags: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def resources_of(self, workflow: Workflow[Any]) -> Mapping[str, Any]:
        """The resources of a workflow's steps, by name, as far as the engine was given them."""
        known = self._by_step.get(workflow)
        if known is None:
            given = {step.name: self.resources.get(step.resource) for step in workflow.steps.values()}
            known = self._by_step[workflow] = {n: r for n, r in given.items() if r is not None}
        return known

    def tag(self) -> str:
        """A name for one attempt, unlike any other of any process."""
        return f"{self.journal.process}-{next(self._tags)}"

    def tell(self, name: str, run: RunState, step: str = "", **detail: Json) -> None:
        """Pass a notice on, if anybody listens."""
        if self.observer:
            self.observer(Notice(name=name, run=run, step=step, detail=detail))

    def remember(self, kind: str, *, sent: float, name: str, id: str) -> None:
        """Keep an object that this process made, as a witness for later looks."""
        kept = self.witnesses.get(kind)
        if kept is None:
            kept = self.witnesses[kind] = deque(maxlen=WITNESSES)
        if not kept or sent - kept[-1].sent >= 1.0:
            kept.append(Witness(sent=sent, name=name, id=id))

    def witness(self, kind: str, since: float) -> Witness | None:
        """The oldest object of ours sent after `since`: the one that a list is likeliest to show already."""
        return next((w for w in self.witnesses.get(kind, ()) if w.sent > since), None)

    def forget(self, kind: str, id: str) -> None:
        """A deleted object is no witness."""
        kept = self.witnesses.get(kind)
        if kept:
            self.witnesses[kind] = deque((w for w in kept if w.id != id), maxlen=WITNESSES)

    def learned(self, key: int) -> None:
        """A run knows from its sentinel whether another journal was here, or ends without knowing."""
        event = self.unsure.pop(key, None)
        if event is not None:
            event.set()

    async def learn(self) -> None:
        """Wait until each run that is under way knows from its sentinel, or has ended."""
        self.learning += 1
        try:
            for key in list(self.unsure):
                if key in self.unsure:
                    event = self.unsure[key] = self.unsure[key] or anyio.Event()
                    await event.wait()
        finally:
            self.learning -= 1

    async def ask(
        self, family: str, question: Callable[[], Awaitable[T]], sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    ) -> T:
        """A read, repeated until it is answered or `Timing.patience` ends, in which an outage or a pause of the whole
        service does not count. Raises the last `Answer` then, `Rejected` at once when it is refused."""
        tries, began, me = 0, self.clock.boot(), object()
        try:
            while True:
                try:
                    return await question()
                except Rejected:
                    raise
                except Answer as answer:
                    tries += 1
                    if self.gate.troubled(family):
                        began = self.clock.boot()
                    if self.clock.boot() - began > self.timing.patience:
                        raise
                    self.unanswered[me] = answer.failure.message
                    floor = answer.retry_after if isinstance(answer, NotApplied) else None
                await sleep(next_delay(READS, tries, self.rng, floor))
        finally:
            self.unanswered.pop(me, None)

    def charges(self, answer: Answer, family: str) -> bool:
        """Whether an answer is one of the step's attempts: not what never left, nor what a service in trouble gives to
        all."""
        return not (isinstance(answer, TooLate) or self.gate.troubled(family))

    def policy(self, step: Step) -> RetryPolicy:
        """The step's retry policy, with the command's `--max-attempts` in force."""
        return step.retry if self.max_attempts is None else replace(step.retry, max_attempts=self.max_attempts)


class Slot:
    """A run's place in the window of active runs. It is given up while all its branches (`walkers`) wait long."""

    def __init__(self, window: anyio.Semaphore | None = None) -> None:
        self.window, self.held, self.walkers, self.idlers = window, window is not None, 0, 0

    @asynccontextmanager
    async def idle(self) -> AsyncIterator[None]:
        """While one branch waits; the last one to wait gives the place up, the first to go on takes one again."""
        self.idlers += 1
        if self.idlers >= self.walkers:
            self.release()
        try:
            yield
        finally:
            self.idlers -= 1
        if self.window is not None and not self.held:
            self.held = True
            try:
                await self.window.acquire()
            except BaseException:
                self.held = False
                raise

    def ended(self) -> None:
        """A branch has ended; perhaps all others wait."""
        self.walkers -= 1
        if 0 < self.walkers <= self.idlers:
            self.release()

    def release(self) -> None:
        """Give the place up, if it is held."""
        if self.held and self.window is not None:
            self.held = False
            self.window.release()
