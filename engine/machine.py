"""The state machine of a step: how it comes to its object, and every decision. Pure, and THE file to read first.

A step is *pending* (surely nothing of ours is out there), has an *intent* (something may be), is *done* (something is,
and we know its id), *failed* (refused for good), *in doubt* (a person must look) or *destroyed*. The transitions come
first; the two decisions, `decide` (send, or look?) and `judge` (what does a look prove?), are at the end. What becomes
of the object once there is one is in `upkeep`. "Rule n", here and everywhere, is one of docs/architecture.md.

    PENDING ──intend──> INTENT ──created / take──> DONE ──deleted──> DESTROYED
       ^                  │ │
       └──not_applied─────┘ └──rejected (and no earlier attempt open)──> FAILED
          absent
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from engine.model import Attempt, Failure, Origin, Receipt, StepState, StepStatus, replace, value
from engine.resource import View


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The times that the rules need, in seconds, all derived from `settle` (rules 1, 4 and 7)."""

    settle: float = 120.0
    """After its last possible send, how long an effect may still appear."""

    @cached_property
    def send_window(self) -> float:
        """How long an intent allows sending."""
        return min(5.0, self.settle / 2)

    @property
    def gateway(self) -> float:
        """How long a request may wait before it is processed."""
        return self.settle / 2

    @cached_property
    def lease(self) -> float:
        """How long a look at the sentinel holds."""
        return min(30.0, max(5.0, self.settle / 4))

    @property
    def read_lag(self) -> float:
        """How stale a read by id may be."""
        return min(10.0, self.settle / 12)

    @property
    def succession(self) -> float:
        """How long a run's earlier journal may still send after the sentinel was signed anew."""
        return self.send_window + self.lease + self.read_lag

    @property
    def patience(self) -> float:
        """How long to look for evidence before a person is asked."""
        return 60 * self.settle


# --- what happened to a step ------------------------------------------------------------------------------------------


def intend(step: StepState, attempt: Attempt, body: str, spec: str, generation: int) -> StepState:
    """The intent of a new attempt (rule 1)."""
    return replace(
        step,
        status=StepStatus.INTENT,
        attempts=(*step.attempts, attempt),
        body=body,
        spec=spec,
        generation=generation,
        tries=step.tries + 1,
        failure=None,
        due=None,
        started_at=step.started_at or attempt.at,
    )


def created(step: StepState, tag: str, receipt: Receipt, now: float, *, proven: bool) -> StepState:
    """The answer settles its own attempt only: earlier ones stay, and the receipt is unconfirmed without proof that
    they came to nothing (rules 3 and 4)."""
    if receipt.confirmed is not proven:
        receipt = replace(receipt, confirmed=proven)
    return done(step, without(step, tag), receipt, now)


def read(step: StepState, receipt: Receipt, spec: str, now: float) -> StepState:
    """A step that only reads, or that adopts what a user named."""
    return replace(done(step, step.attempts, receipt, now), spec=spec, started_at=step.started_at or now)


def take(step: StepState, view: View, tag: str, now: float, *, unique: bool) -> StepState:
    """A hit proven ours settles the attempt that made it and the earlier ones; a later one stays in doubt (rule 5).
    A hit that none of the open attempts made (another journal did) settles none of them.

    Where the platform refuses a second one, there is nothing to wait for. The attempts stay all the same, as their
    requests may still be under way, and a delete must wait for them (rule 10).
    """
    tags = [a.tag for a in step.attempts]
    later = step.attempts[tags.index(tag) + 1 :] if tag in tags else step.attempts
    receipt = Receipt(
        id=view.id,
        etag=view.etag,
        version=view.version,
        origin=Origin.RECOVERED,
        data=view.data,
        confirmed=unique or not later,
    )
    return done(step, step.attempts if unique else later, receipt, now)


def withdrawn(step: StepState, tag: str) -> StepState:
    """Nothing of the attempt has left: it is none."""
    return replace(not_applied(step, tag, None, None), tries=step.tries - 1)


def not_applied(step: StepState, tag: str, failure: Failure | None, due: float | None) -> StepState:
    """Refused before acting: the attempt is forgotten."""
    left = without(step, tag)
    return replace(
        step,
        attempts=left,
        status=StepStatus.INTENT if left else StepStatus.PENDING,
        failure=failure,
        due=due,
        body=_body(step, tag, left),
    )


def doubted(step: StepState, failure: Failure, due: float | None) -> StepState:
    """The outcome is unknown; the intent stays. `due`: when to send again, where sending is looking."""
    return replace(step, status=StepStatus.INTENT, failure=failure, due=due)


def rejected(step: StepState, tag: str, failure: Failure, now: float) -> StepState:
    """Refused for good: this settles its own attempt only (rule 3)."""
    left = without(step, tag)
    if left:
        return replace(step, attempts=left, failure=failure, status=StepStatus.INTENT, body=_body(step, tag, left))
    return failed(replace(step, attempts=(), body=None), failure, now)


def failed(step: StepState, failure: Failure, now: float) -> StepState:
    """Given up. A step with an open attempt is in doubt, never failed: a maybe is not forgotten. One that has a receipt
    keeps its status."""
    if step.receipt is not None:
        return replace(step, failure=failure)
    status = StepStatus.IN_DOUBT if step.attempts else StepStatus.FAILED
    return replace(step, status=status, failure=failure, finished_at=now)


def accused(step: StepState, failure: Failure, now: float) -> StepState:
    """A verdict that a person must look at: twins, a conflict, or evidence that does not come."""
    return replace(step, status=StepStatus.IN_DOUBT, failure=failure, finished_at=now)


def absent(step: StepState) -> StepState:
    """Proven: none of the open attempts had an effect (rule 4)."""
    return replace(step, attempts=(), body=None, status=StepStatus.PENDING)


def confirmed(step: StepState, now: float) -> StepState:
    """The receipt's object is the only one."""
    if step.receipt is None:
        raise ValueError(f"step {step.name}: nothing to confirm")
    return done(step, (), replace(step.receipt, confirmed=True), now)


def _body(step: StepState, tag: str, left: tuple[Attempt, ...]) -> str | None:
    """The body of the attempts that are left: it bears the tag of the last of them."""
    return step.body.replace(tag, left[-1].tag) if left and step.body else None


def without(step: StepState, tag: str) -> tuple[Attempt, ...]:
    """The other attempts."""
    return tuple([a for a in step.attempts if a.tag != tag])


def done(step: StepState, attempts: tuple[Attempt, ...], receipt: Receipt, now: float) -> StepState:
    """With this receipt, and these attempts left."""
    return replace(
        step,
        status=StepStatus.DONE,
        attempts=attempts,
        receipt=receipt,
        body=None,
        failure=None,
        due=None,
        finished_at=now,
    )


# --- what to do next --------------------------------------------------------------------------------------------------


class Move(Enum):
    """What a step without a receipt needs next."""

    CREATE = "create"
    LOOK = "look"


def decide(step: StepState, *, unique: bool, suspect: bool, stranger: bool) -> Move:
    """Send, or look first.

    A doubt is looked at before anything is sent again, and so is the frontier of a run that another process began
    (`stranger`, rule 7). Where the platform itself refuses a second one, sending *is* looking (rule 4).
    """
    if unique:
        return Move.CREATE
    return Move.LOOK if step.attempts or suspect or stranger else Move.CREATE


class Verdict(Enum):
    """What a look proves (rule 4)."""

    FOUND = "found"
    ABSENT = "absent"
    UNPROVEN = "unproven"
    """Absent as far as can be seen, but no younger object vouches for the list: send again, and confirm."""
    WAIT = "wait"


@value
class Sighting:
    """What a look saw: our live objects, oldest first; whether a hit answered 404; whether a younger object of ours
    exists (`witness`) and was shown by the same query (`fresh`). `asked` and `due` on the boot clock."""

    live: Sequence[View]
    gone: bool
    witness: bool
    fresh: bool
    asked: float
    due: float


def judge(seen: Sighting, *, doubted: bool) -> Verdict:
    """Evidence, never time alone (rule 4); a listed hit that answers 404 is not absence before settle (rule 5)."""
    if seen.gone and seen.asked < seen.due:
        return Verdict.WAIT
    if seen.live:
        return Verdict.FOUND
    if not doubted:
        return Verdict.ABSENT
    if seen.asked < seen.due:
        return Verdict.WAIT
    if seen.witness:
        return Verdict.ABSENT if seen.fresh else Verdict.WAIT
    return Verdict.UNPROVEN
