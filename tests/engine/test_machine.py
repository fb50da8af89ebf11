"""The state machine of a step, walked at random: what may be out there is never forgotten, what is ours never lost."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine import machine, upkeep
from engine.machine import Move, Sighting, Timing, Verdict
from engine.model import Attempt, Failure, Origin, Receipt, StepState, StepStatus, Verb, replace
from engine.resource import View

REFUSED = Failure(kind="rejected", message="refused")
UNKNOWN = Failure(kind="in_doubt", message="no answer")
TAGS = st.integers(0, 3)


def view(id: str) -> View:
    return View(id=id, name="n", note="", created=1.0, etag='"1"')


def knows_nothing(self: "StepLife") -> bool:
    return self.step.receipt is None


def is_open(self: "StepLife") -> bool:
    return self.step.receipt is None and bool(self.step.attempts)


def has_receipt(self: "StepLife") -> bool:
    return self.step.receipt is not None and not self.deleting


class StepLife(RuleBasedStateMachine):
    """One step, driven as the engine drives it; every change is compared with the state before."""

    def __init__(self) -> None:
        super().__init__()
        self.step = StepState(name="s")
        self.deleting = False
        self._serial = itertools.count(1)

    def become(
        self,
        step: StepState,
        *,
        settles: frozenset[str] = frozenset(),
        drops: bool = False,
        takes: bool = False,
        unsent: int = 0,
    ) -> None:
        """`settles`: the attempts that this change has evidence or an answer for; `drops`: it says that the object is
        gone; `takes`: it brings a receipt; `unsent`: how many attempts turn out to have been none."""
        old, self.step = self.step, step
        gone = {a.tag for a in old.attempts} - {a.tag for a in step.attempts}
        assert gone <= settles, "an attempt that nothing was learned of was forgotten"
        if old.receipt and not drops:
            assert step.receipt, "a receipt was lost"
            assert step.receipt.id == old.receipt.id, "an id changed"
        assert takes or step.receipt is None or old.receipt is not None, "a receipt came from nowhere"
        assert set(old.tombstones) <= set(step.tombstones), "a deleted id was forgotten"
        assert step.tries >= old.tries - unsent
        assert step.generation >= old.generation
        assert old.started_at is None or step.started_at == old.started_at

    def tag(self, number: int) -> str:
        """One of the open attempts."""
        return self.step.attempts[number % len(self.step.attempts)].tag

    @property
    def tags(self) -> frozenset[str]:
        return frozenset(attempt.tag for attempt in self.step.attempts)

    # sending

    @precondition(knows_nothing)
    @rule(later=st.booleans())
    def intend(self, later: bool) -> None:
        number = next(self._serial)
        attempt = Attempt(tag=f"t{number}-", by="p", at=float(number))
        generation = self.step.generation + later
        before = self.step.tries
        self.become(machine.intend(self.step, attempt, f"body {attempt.tag}", "spec", generation))
        assert (self.step.tries, self.step.attempts[-1], self.step.failure) == (before + 1, attempt, None)

    @precondition(is_open)
    @rule(number=TAGS)
    def withdrawn(self, number: int) -> None:
        tag, before = self.tag(number), self.step.tries
        self.become(machine.withdrawn(self.step, tag), settles=frozenset({tag}), unsent=1)
        assert self.step.tries == before - 1

    # answers

    @precondition(is_open)
    @rule(number=TAGS, proven=st.booleans())
    def created(self, number: int, proven: bool) -> None:
        tag = self.tag(number)
        alone = self.tags == {tag}
        receipt = Receipt(id=f"id-{next(self._serial)}")
        self.become(
            machine.created(self.step, tag, receipt, 9.0, proven=proven and alone), settles=frozenset({tag}), takes=True
        )
        assert self.step.receipt is not None
        assert self.step.receipt.confirmed is (proven and alone)

    @precondition(is_open)
    @rule(number=TAGS)
    def not_applied(self, number: int) -> None:
        tag = self.tag(number)
        self.become(machine.not_applied(self.step, tag, REFUSED, 10.0), settles=frozenset({tag}))
        assert self.step.status is (StepStatus.INTENT if self.step.attempts else StepStatus.PENDING)

    @precondition(is_open)
    @rule()
    def doubted(self) -> None:
        self.become(machine.doubted(self.step, UNKNOWN, None))
        assert self.step.status is StepStatus.INTENT

    @precondition(is_open)
    @rule(number=TAGS)
    def rejected(self, number: int) -> None:
        tag = self.tag(number)
        self.become(machine.rejected(self.step, tag, REFUSED, 9.0), settles=frozenset({tag}))
        assert self.step.status is (StepStatus.INTENT if self.step.attempts else StepStatus.FAILED)

    # evidence

    @precondition(knows_nothing)
    @rule(number=TAGS, foreign=st.booleans(), unique=st.booleans())
    def take(self, number: int, foreign: bool, unique: bool) -> None:
        order = [attempt.tag for attempt in self.step.attempts]
        foreign = foreign or not order
        tag = "somebody-else" if foreign else self.tag(number)
        settled = frozenset() if foreign else frozenset(order[: order.index(tag) + 1])
        self.become(
            machine.take(self.step, view(f"id-{next(self._serial)}"), tag, 9.0, unique=unique),
            settles=settled, takes=True,
        )  # fmt: skip
        assert self.step.receipt is not None
        assert self.step.receipt.origin is Origin.RECOVERED
        assert self.step.receipt.confirmed is (unique or settled == frozenset(order))

    @precondition(knows_nothing)
    @rule()
    def absent(self) -> None:
        self.become(machine.absent(self.step), settles=self.tags)
        assert (self.step.status, self.step.attempts) == (StepStatus.PENDING, ())

    @precondition(has_receipt)
    @rule()
    def confirmed(self) -> None:
        self.become(machine.confirmed(self.step, 9.0), settles=self.tags)
        assert self.step.receipt is not None
        assert self.step.receipt.confirmed

    @precondition(has_receipt)
    @rule()
    def lost(self) -> None:
        self.become(upkeep.lost(self.step), drops=True)
        assert self.step.receipt is None

    # verdicts

    @rule()
    def failed(self) -> None:
        old = self.step
        self.become(machine.failed(old, REFUSED, 9.0))
        if old.receipt is None:
            assert self.step.status is (StepStatus.IN_DOUBT if old.attempts else StepStatus.FAILED)
        else:
            assert self.step.status is old.status

    @rule()
    def accused(self) -> None:
        self.become(machine.accused(self.step, UNKNOWN, 9.0))
        assert self.step.status is StepStatus.IN_DOUBT

    # deleting

    @precondition(has_receipt)
    @rule()
    def delete(self) -> None:
        assert self.step.receipt is not None
        id, number = self.step.receipt.id, next(self._serial)
        attempt = Attempt(tag=f"d{number}-", by="p", at=float(number), verb=Verb.DELETE)
        # destroy resolves open intents and waits until none can still be in the gateway, before it deletes (rule 10)
        self.become(replace(self.step, attempts=()), settles=self.tags)
        self.become(upkeep.deleting(self.step, attempt))
        self.deleting = True
        assert id in self.step.tombstones

    @precondition(lambda self: self.deleting)
    @rule()
    def deleted(self) -> None:
        self.become(upkeep.deleted(self.step, 9.0), settles=self.tags, drops=True)
        self.deleting = False
        assert self.step.status is StepStatus.DESTROYED

    # always

    @invariant()
    def nothing_is_out_there_when_it_says_so(self) -> None:
        if self.step.status in (StepStatus.PENDING, StepStatus.FAILED, StepStatus.DESTROYED):
            assert (self.step.attempts, self.step.receipt) == ((), None)

    @invariant()
    def done_means_that_the_id_is_known(self) -> None:
        if self.step.status is StepStatus.DONE:
            assert self.step.receipt is not None
        if self.step.receipt:
            assert self.step.status in (StepStatus.DONE, StepStatus.INTENT, StepStatus.IN_DOUBT)

    @invariant()
    def an_intent_is_an_open_attempt(self) -> None:
        if self.step.status is StepStatus.INTENT:
            assert self.step.attempts

    @invariant()
    def the_body_bears_the_tag_of_the_last_open_attempt(self) -> None:
        if self.step.body is not None:
            assert self.step.attempts
            assert self.step.attempts[-1].tag in self.step.body
            assert not any(attempt.tag in self.step.body for attempt in self.step.attempts[:-1])

    @invariant()
    def a_sure_receipt_has_no_other_attempt_open(self) -> None:
        if self.step.receipt and self.step.receipt.confirmed and self.step.receipt.origin is Origin.CREATED:
            assert not [a for a in self.step.attempts if a.verb is Verb.CREATE]


StepLife.TestCase.settings = settings(max_examples=100, stateful_step_count=25)
TestStepLife = StepLife.TestCase


@pytest.mark.parametrize("change", [upkeep.deleting, machine.confirmed])
def test_without_a_receipt_there_is_nothing_to_delete_or_to_confirm(change: Callable[..., StepState]) -> None:
    with pytest.raises(ValueError, match="step s: nothing to"):
        change(StepState(name="s"), Attempt(tag="t", by="p", at=1.0))


FLAGS = st.booleans()
SIGHTINGS = st.builds(
    Sighting,
    live=st.lists(st.just(view("id-1")), max_size=2),
    gone=FLAGS,
    witness=FLAGS,
    fresh=FLAGS,
    asked=st.floats(0, 300),
    due=st.floats(0, 300),
)


@given(SIGHTINGS, FLAGS)
def test_absence_is_never_judged_by_time_alone(seen: Sighting, doubted: bool) -> None:
    verdict, settled = machine.judge(seen, doubted=doubted), seen.asked >= seen.due
    if seen.live:
        assert verdict is (Verdict.WAIT if seen.gone and not settled else Verdict.FOUND)
    else:
        assert verdict is not Verdict.FOUND
    if verdict is Verdict.ABSENT:
        assert not doubted or (settled and seen.witness and seen.fresh)
        assert settled or not seen.gone
    if verdict is Verdict.UNPROVEN:
        assert doubted
        assert settled
        assert not seen.witness


@given(st.booleans(), FLAGS, FLAGS, FLAGS)
def test_a_doubt_is_looked_at_before_anything_is_sent_again(
    unique: bool, suspect: bool, stranger: bool, doubted: bool
) -> None:
    attempts = (Attempt(tag="t", by="p", at=1.0),) if doubted else ()
    move = machine.decide(StepState(name="s", attempts=attempts), unique=unique, suspect=suspect, stranger=stranger)
    assert (move is Move.CREATE) is (unique or not (doubted or suspect or stranger))


@given(st.floats(0, 1e6))
def test_no_intent_can_be_sent_so_late_that_settle_does_not_cover_it(settle: float) -> None:
    timing = Timing(settle=settle)
    assert 0 <= timing.send_window <= timing.gateway <= timing.settle
    assert timing.read_lag <= timing.settle
