"""The state machine of a step that has its object: what becomes of the object. Pure; `machine` is what comes before.

DONE ──amending──> INTENT ──amended, not_amended──> DONE      changed in place, or switched off and on
DONE ──superseded, lost, recreated──> PENDING, INTENT         another one takes its place
DONE ──deleting──> INTENT ──deleted──> DESTROYED              or spared: it stays
"""

from __future__ import annotations

from engine.machine import done, without
from engine.model import Attempt, Failure, Origin, Receipt, StepState, StepStatus, Verb, replace
from engine.resource import SWITCH, View


def lost(step: StepState) -> StepState:
    """The receipt names nothing that exists (rule 7); no change of it can have an effect any more."""
    attempts = creating(step)
    status = StepStatus.INTENT if attempts else StepStatus.PENDING
    return replace(
        step, receipt=None, attempts=attempts, body=None, status=status, finished_at=None, off=stays_off(step)
    )


def amending(step: StepState, attempt: Attempt, body: str) -> StepState:
    """The intent to change the step's object in place. The receipt stays as we left the object: what was seen, and the
    attempt depends on, may be older."""
    attempts = (*step.attempts, attempt)
    return replace(step, attempts=attempts, body=body, status=StepStatus.INTENT, tries=step.tries + 1)


def amended(step: StepState, view: View | Receipt, spec: str, now: float) -> StepState:
    """The object is as it is wanted, and no attempt to change it can have an effect any more."""
    had = _receipt(step)
    receipt = replace(had, etag=view.etag, version=view.version or had.version)
    if isinstance(view, Receipt):
        receipt = replace(receipt, data={**receipt.data, **view.data})
    return replace(done(step, creating(step), receipt, step.finished_at or now), spec=spec)


def not_amended(step: StepState, tag: str, failure: Failure) -> StepState:
    """A change that was refused is forgotten; earlier attempts stay (rule 3)."""
    return replace(_still_changing(step, without(step, tag)), failure=failure)


def switching(step: StepState, attempt: Attempt, *, on: bool) -> StepState:
    """The intent to switch the step's object off or on: the journal says first how it is to be. Of its etag it says
    what we left, as in `amending`."""
    return replace(_on(step, on=on), attempts=(*step.attempts, attempt))


def switched(step: StepState, etag: str | None, *, on: bool) -> StepState:
    """The object is off or on as it was to be, and no request to switch it can have an effect any more."""
    left = tuple(attempt for attempt in step.attempts if attempt.verb is not Verb.SWITCH)
    step = _on(step, on=on)
    return replace(step, receipt=replace(_receipt(step), etag=etag), attempts=left, failure=None)


def believed(step: StepState, view: View) -> StepState:
    """Another journal may have switched the object: what it is now is what is wanted of it, and of what takes its
    place. One that was made anew here, and is still to be switched off, is what this journal knows it to be."""
    on = view.data.get(SWITCH)
    if step.receipt is None or not isinstance(on, bool) or step.receipt.data.get(SWITCH) is on:
        return step
    return _on(step, on=on)


def calmed(step: StepState) -> StepState:
    """No request to make the step's object can arrive any more. What an open change made of it is still unknown."""
    return _still_changing(step, changing(step))


def superseded(step: StepState) -> StepState:
    """Another object is to take the place of this one, which stays, or was deleted by hand, and is never taken again
    (rule 10)."""
    return replace(lost(step), tombstones=(*step.tombstones, _receipt(step).id), spec=None)


def recreated(step: StepState, tombstones: tuple[str, ...]) -> StepState:
    """A person said that it is to be made anew: no doubt is left, and none of the `tombstones` is ever taken."""
    anew = replace(lost(step), attempts=(), failure=None, status=StepStatus.PENDING)
    return replace(anew, tombstones=tombstones)


def deleting(step: StepState, attempt: Attempt) -> StepState:
    """The intent to delete: the id is a tombstone from now on (rule 10)."""
    id = _receipt(step).id
    tombstones = step.tombstones if id in step.tombstones else (*step.tombstones, id)
    return replace(step, attempts=(*changing(step), attempt), tombstones=tombstones, status=StepStatus.INTENT)


def spared(step: StepState, id: str) -> StepState:
    """The deletion was refused, and no request can delete it any more: the object is what it was."""
    left = tuple(tombstone for tombstone in step.tombstones if tombstone != id)
    return replace(_still_changing(step, changing(step)), tombstones=left)


def deleted(step: StepState, now: float) -> StepState:
    """Gone, and never taken again."""
    gone = replace(step, receipt=None, attempts=(), body=None, spec=None, off=stays_off(step))
    return replace(gone, status=StepStatus.DESTROYED, finished_at=now)


def stays_off(step: StepState) -> bool:
    """Whether the step's object, or what takes its place, is to be off. What was adopted says nothing of that."""
    receipt = step.receipt
    return step.off or (
        receipt is not None and receipt.origin is not Origin.ADOPTED and receipt.data.get(SWITCH) is False
    )


def open_switches(step: StepState) -> tuple[Attempt, ...]:
    """Requests to switch the object that may have had an effect, or may have one still."""
    return tuple(attempt for attempt in step.attempts if attempt.verb is Verb.SWITCH)


def changing(step: StepState) -> tuple[Attempt, ...]:
    """Changes that may have had an effect, or may have one still."""
    return tuple(attempt for attempt in step.attempts if attempt.verb is Verb.UPDATE)


def _receipt(step: StepState) -> Receipt:
    if step.receipt is None:
        raise ValueError(f"step {step.name}: nothing to change, to switch, or to delete")
    return step.receipt


def _on(step: StepState, *, on: bool) -> StepState:
    receipt = _receipt(step)
    return replace(step, receipt=replace(receipt, data={**receipt.data, SWITCH: on}), off=not on)


def creating(step: StepState) -> tuple[Attempt, ...]:
    """Requests to make the object that may still arrive."""
    return tuple(attempt for attempt in step.attempts if attempt.verb is Verb.CREATE)


def _still_changing(step: StepState, left: tuple[Attempt, ...]) -> StepState:
    """A step that has a receipt, with these of its attempts left."""
    open = any(attempt.verb is Verb.UPDATE for attempt in left)
    status = StepStatus.INTENT if open else StepStatus.DONE
    return replace(step, attempts=left, status=status, body=step.body if open else None)
