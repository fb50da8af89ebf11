"""One run as it is being driven: its state, its receipts, what is known of the other side, and how it waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from typing import Any, NoReturn, TypeVar, Unpack

import anyio

from engine import labels, machine, prints
from engine.errors import Answer
from engine.model import (
    Attempt,
    Event,
    Failure,
    Json,
    Receipt,
    Record,
    RunChanges,
    RunState,
    RunStatus,
    StepState,
    StepStatus,
    Verb,
    replace,
)
from engine.resource import Adopt, View
from engine.session import Session, Slot
from engine.stopping import Stop
from engine.workflow import Plan, Workflow

T = TypeVar("T")


class StepFailed(Exception):
    """This step ends here for this process; what is wrong is in its state. The next command tries again. Without a name
    it is the run that ends here."""

    def __init__(self, failure: Failure, step: str) -> None:
        super().__init__(failure.message)
        self.failure, self.step = failure, step


class Active:
    """One run, owned and in memory. Only this object writes its records. `state` and `steps` are what is durable; of
    steps also what a look has shown since, which the next record of theirs says.

    A shared step's pseudo-run is an `Active` too, with a plan of one step.
    """

    def __init__(
        self,
        session: Session,
        *,
        workflow: Workflow[Any],
        plan: Plan,
        inputs: Any,
        state: RunState,
        slot: Slot | None = None,
        stopping: Stop | None = None,
    ) -> None:
        self.session, self.workflow, self.plan, self.inputs, self.state = session, workflow, plan, inputs, state
        session.driven += 1
        self._place = session.driven  # in the order in which the runs were begun
        self._latest = state  # with what is still being written: branches change different things of it at once
        self.steps: dict[str, StepState] = dict(state.steps)
        self.slot, self.stopping = slot or Slot(), stopping or Stop()
        self.resource: Callable[[str], Any] = session.resources_of(workflow).__getitem__
        """The instance of a step's resource. Raises `KeyError` when the engine was given none."""
        # Floats are times on the boot clock, dictionaries and sets are by step.
        self.taken_over = session.clock.boot()  # since the claim, an earlier owner's intents cannot be written any more
        self.receipts = self._own_receipts()  # those of shared steps are added as they come
        off = any(step.off for step in self.steps.values())
        self.resumed = bool(self.receipts or state.was or state.formerly or off)  # there may be something to change
        self.earlier_inputs = state.was
        plans = [workflow.plan(workflow.decode(inputs)) for inputs in state.was]
        earlier = (one.sentinel for one in plans)
        self.earlier_sentinels = dict.fromkeys(name for name in earlier if name and name != plan.sentinel)
        self.unguarded = any(p.sentinel is None for p in (plan, *plans))
        """Whether the run has, or had, inputs without a sentinel, which would tell the generation."""
        self.made: set[str] = set()  # created by this process
        self.taken: set[str] = set()  # found by this process, and taken
        self.left_behind: set[str] = set()  # what earlier inputs made and today's share or adopt: told already
        self.seen: dict[str, View] = {}  # what a refresh saw
        before = self.taken_over + session.timing.send_window  # whoever sent it before, this process too
        self.sends = {name: before for name, step in self.steps.items() if step.attempts}
        """Until when the latest request of a step may have left."""
        self.lease_seen = float("-inf")  # when the sentinel was last looked at and named this journal
        self.guard_sent: dict[str, float] = {}  # when the request for a guard that this process made has left
        self.told_generation = -1  # which generation the sentinel told then
        self.named_since: dict[str, float] = {}  # since when what may be a sentinel names this journal
        self._events: list[Event] = []

    # the journal

    def step(self, name: str) -> StepState:
        """The step's state; a fresh one if it was never touched."""
        step = self.steps.get(name)
        return StepState(name=name) if step is None else step

    def note(self, step: str, name: str, **detail: Json) -> None:
        """A line of history, written with the next record of this run."""
        self._events.append(Event(step=step, at=self.session.clock.wall(), name=name, detail=detail))

    async def write(self, *steps: StepState, **changes: Unpack[RunChanges]) -> None:
        """Make these steps and changes of the run durable; `state` and `steps` show them only then. A record that
        changes nothing of the run says whether it gets on or waits, where that is new, and that it has begun, until
        that is durable: another branch's record that said so may be lost."""
        state = self._latest
        status = self._doing(steps)
        if not changes and (self.state.begun_by is None or state.status is not status):
            changes = RunChanges(begun_by=state.begun_by or self.session.journal.process, status=status)
        if changes:
            state = self._latest = replace(state, **changes)
        events, self._events = tuple(self._events), []
        await self.session.journal.write(Record(run=state, steps=steps, events=events, with_run=bool(changes)))
        if changes:
            self.state = state
        for step in steps:
            name, receipt = step.name, step.receipt
            self.steps[name] = step
            if receipt is not None and self.owns(name):
                self.receipts[name] = receipt
            else:
                self.receipts.pop(name, None)

    def _doing(self, steps: Sequence[StepState]) -> RunStatus:
        """RUNNING or WAITING, once these steps are durable: a run waits when none of its steps is under way, and one is
        to be tried again later."""
        if self._latest.status is not RunStatus.WAITING and all(step.due is None for step in steps):
            return RunStatus.RUNNING
        now = {**self.steps, **{step.name: step for step in steps}}.values()
        under_way = any(step.status is StepStatus.INTENT for step in now)
        later = any(step.status is StepStatus.PENDING and step.due is not None for step in now)
        return RunStatus.WAITING if later and not under_way else RunStatus.RUNNING

    # what the step is, and what it asks for

    def owns(self, name: str) -> bool:
        """Whether the step is one of the run's own: not shared, and not one that earlier inputs asked for."""
        return name in self.plan.steps and name not in self.plan.shared

    def spec(self, name: str) -> Any:
        """What the step asks for, by its pure function."""
        return self.workflow.spec(self.workflow.steps[name], self.asking(name), self.receipts)

    def asking(self, name: str) -> Any:
        """The inputs that say what the step asks for, as a rule today's. A step that was sent as the run's own, and
        that today's inputs share or adopt, is finished with the inputs that it was sent with (rule 9)."""
        step = self.steps.get(name)
        if step is None or not step.attempts or step.receipt is not None:
            return self.inputs
        known = all(need in self.receipts for need in self.workflow.steps[name].needs)
        if not known or (self.owns(name) and self._makes(name, self.inputs)):
            return self.inputs
        for inputs in map(self.workflow.decode, reversed(self.earlier_inputs)):
            plan = self.workflow.plan(inputs)
            if name in plan.steps and name not in plan.shared and self._makes(name, inputs):
                return inputs
        return self.inputs

    def _makes(self, name: str, inputs: Any) -> bool:
        return not isinstance(self.workflow.spec(self.workflow.steps[name], inputs, self.receipts), Adopt)

    def printed(
        self, name: str, *, source: str | None = None, inputs: Any = None, receipts: Mapping[str, Receipt] | None = None
    ) -> str:
        """The print of what the step asks for, now or under another name, other inputs, other receipts."""
        step, asking = self.workflow.steps[name], self.asking(name) if inputs is None else inputs
        print_of = prints.asked(self.workflow, step, asking, self.receipts)
        return prints.printed(print_of, source or self.state.source, step.needs, receipts or self.receipts)

    @property
    def holder(self) -> str | None:
        """The step whose note says whose the run is: the sentinel, once the run has made it; until then the sentinel of
        earlier inputs, if that was another step. What was adopted holds nothing."""
        candidates = (self.plan.sentinel, *self.earlier_sentinels)
        return next((name for name in candidates if name and self.made_by_us(name)), None)

    @property
    def untold(self) -> bool:
        """Whether the run may have had a generation that its sentinel does not tell of: raised by inputs without a
        sentinel, or by another journal, while the one that made the sentinel did not know of it."""
        return self.unguarded or self.state.suspect

    def made_by_us(self, name: str) -> bool:
        """Whether the step has a receipt of something that is the run's own."""
        return self.step(name).ours

    @contextmanager
    def as_before(self, inputs: str) -> Iterator[None]:
        """While it lasts, plan, inputs and receipts are those of inputs (encoded) that the run had before."""
        plan, today, receipts = self.plan, self.inputs, self.receipts
        self.inputs = self.workflow.decode(inputs)
        self.plan, self.receipts = self.workflow.plan(self.inputs), {}
        self.receipts = self._own_receipts()
        try:
            yield
        finally:
            self.plan, self.inputs = plan, today
            shared = {name: receipt for name, receipt in receipts.items() if name in plan.shared}
            self.receipts = shared | self._own_receipts()

    def _own_receipts(self) -> dict[str, Receipt]:
        return {name: step.receipt for name, step in self.steps.items() if step.receipt and self.owns(name)}

    def now(self) -> RunState:
        """The run with its steps as they are, and the inputs that they may have."""
        return replace(self.state, steps=self.steps, was=self.earlier_inputs)

    def unique(self, name: str) -> bool:
        """Whether the platform itself refuses a second object of this step. Titles guard themselves as long as all
        attempts bear the same one: a source that was renamed may have an object under each of its names, if nothing is
        known of it, or if an open attempt cannot be repeated under its old name."""
        if not self.resource(name).unique or not self.state.formerly:
            return bool(self.resource(name).unique)
        step = self.step(name)
        return not self.suspect and (not step.attempts or prints.same_needs(step.spec, self.printed(name)))

    def names(self, name: str) -> tuple[str, ...]:
        """Every name that the step's object may bear."""
        return labels.names(self.state, name, unique=self.resource(name).unique)

    def attempt(self, verb: Verb = Verb.CREATE) -> Attempt:
        """A new attempt of this process."""
        return Attempt(tag=self.session.tag(), by=self.session.journal.process, at=self.session.clock.wall(), verb=verb)

    # evidence

    @property
    def suspect(self) -> bool:
        """Whether another journal may know more: of this run, or, for what runs share, of any run (rule 7)."""
        return self.state.suspect or (self.state.shared and self.session.another_journal)

    @property
    def alone_since(self) -> float:
        """Since when (boot clock) any other journal that looks at the run's sentinels finds this one named, and stops;
        minus infinity where no other journal is known."""
        return max(self.named_since.values(), default=self.taken_over) if self.suspect else float("-inf")

    def last_possible_send(self, name: str) -> float:
        """When an open request of this step can last have left, on the boot clock (rule 4)."""
        sent = self.sends.get(name, float("-inf")) if self.step(name).attempts else float("-inf")
        return max(sent, self.alone_since + self.session.timing.succession)

    # waiting

    def turn(self, name: str) -> int:
        """When the step's effect gets its permit, lowest first: the oldest run before all others, so that sources
        finish early and no lease ends in the queue. What runs share is due at once; while it waits for sentinels, all
        other steps come after the runs that have begun by now."""
        if self.state.shared:
            return 0
        return self.session.driven if self.session.learning and name not in self.plan.first else self._place

    def aside(self) -> AbstractAsyncContextManager[None]:
        """A wait that may be long: it gives the run's place in the window to another run. Not so while others may wait
        for this run to learn from its sentinel, since they could hold all places then, for ever."""
        return nullcontext() if self.state.key in self.session.unsure else self.slot.idle()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds, aside if that is long."""
        if seconds <= 0:
            return
        async with self.aside() if seconds >= 2 else nullcontext():
            await anyio.sleep(seconds)

    async def ask(self, name: str, question: Callable[[], Awaitable[T]]) -> T:
        """A read, as patient as `Session.ask`. Raises `StepFailed` when it is refused, or when patience ends."""
        try:
            return await self.session.ask(self.resource(name).family, question, self.sleep)
        except Answer as answer:
            await self.fail(name, answer.failure)

    async def fail(self, name: str, failure: Failure) -> NoReturn:
        """Give the step up, durably, and raise `StepFailed`. With an open attempt it is in doubt, never failed."""
        now = self.session.clock.wall()
        self.note(name, "failed", **failure.details)
        await self.write(machine.failed(self.step(name), failure, now))
        self.session.tell("step_failed", self.state, name, kind=failure.kind, message=failure.message)
        raise StepFailed(failure, name)

    async def accuse(self, name: str, failure: Failure) -> NoReturn:
        """Report, durably, what a person must look at (a stale owner may not accuse). Raises `StepFailed`."""
        self.note(name, failure.kind, **failure.details)
        await self.write(machine.accused(self.step(name), failure, self.session.clock.wall()))
        self.session.tell("step_accused", self.state, name, kind=failure.kind, message=failure.message)
        raise StepFailed(failure, name)


Shared = Callable[[Active, str], Awaitable[Receipt]]
"""Asks for the receipt of a run's shared step, which is made once for all who ask. Raises `StepFailed`."""
