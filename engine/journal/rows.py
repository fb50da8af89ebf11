"""Between the engine's values and the rows of `tables.py`. Pure.

What a value does not say (None, empty, a default) is NULL in its row or absent from its JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from engine.model import (
    Attempt,
    Event,
    Failure,
    Json,
    NewRun,
    Receipt,
    RunState,
    RunStatus,
    Scope,
    StepState,
    StepStatus,
)

T = TypeVar("T")
Row = tuple[Any, ...]

# Reading a hundred thousand runs looks millions of these up.
STEP_STATUS = {status.value: status for status in StepStatus}
RUN_STATUS = {status.value: status for status in RunStatus}

_encode = msgspec.json.Encoder().encode
_ATTEMPTS = msgspec.json.Decoder(tuple[Attempt, ...])
_RECEIPT = msgspec.json.Decoder(Receipt)
_FAILURE = msgspec.json.Decoder(Failure)
_TEXTS = msgspec.json.Decoder(tuple[str, ...])
_DETAIL: msgspec.json.Decoder[Mapping[str, Json]] = msgspec.json.Decoder(dict[str, Any])


def dump(value: object) -> str | None:
    """JSON text; None for what says nothing."""
    if not value:
        return None
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair, from the other side: the slow way takes it
        return json.dumps(msgspec.to_builtins(value))


def parse(decoder: msgspec.json.Decoder[T], text: str) -> T:
    """What `dump` wrote."""
    try:
        return decoder.decode(text)
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(text), decoder.type)


def texts(text: str | None) -> tuple[str, ...]:
    """A list of texts, as JSON."""
    return parse(_TEXTS, text) if text else ()


# --- steps ------------------------------------------------------------------------------------------------------------


def step_row(run: int, step: StepState) -> Row:
    """In the order of `tables.steps`."""
    return (
        run,
        step.name,
        step.status._value_,
        dump(step.attempts) if step.attempts else None,
        step.tries,
        step.spec,
        step.generation,
        dump(step.receipt) if step.receipt else None,
        dump(step.failure) if step.failure else None,
        step.due,
        dump(step.tombstones) if step.tombstones else None,
        step.started_at,
        step.finished_at,
        step.body,
        step.off or None,
    )


def read_step(row: Sequence[Any]) -> StepState:
    """From a row in the order of `tables.steps`."""
    (
        _,
        name,
        status,
        attempts,
        tries,
        spec,
        generation,
        receipt,
        failure,
        due,
        tombstones,
        started_at,
        finished_at,
        body,
        off,
    ) = row
    return StepState(
        name=name,
        status=STEP_STATUS[status],
        attempts=parse(_ATTEMPTS, attempts) if attempts else (),
        tries=tries,
        body=body,
        spec=spec,
        generation=generation,
        receipt=parse(_RECEIPT, receipt) if receipt else None,
        failure=read_failure(failure),
        due=due,
        tombstones=texts(tombstones),
        started_at=started_at,
        finished_at=finished_at,
        off=bool(off),
    )


def read_failure(text: str | None) -> Failure | None:
    """A failure as JSON."""
    return parse(_FAILURE, text) if text else None


# --- runs and history -------------------------------------------------------------------------------------------------


def run_row(run: RunState) -> Row:
    """What can change of a run, in the order of `rules.RUN_CHANGES`, then its key."""
    return (
        run.status.value,
        run.generation,
        run.suspect,
        dump(run.doomed),
        run.begun_by,
        dump(run.failure),
        run.finished_at,
        run.definition,
        run.inputs_print,
        run.inputs,
        dump(run.was),
        run.key,
    )


def read_run(row: Sequence[Any], scope: Scope, steps: Mapping[str, StepState]) -> RunState:
    """From a row in the order of `tables.runs`."""
    (
        key,
        run_id,
        workflow,
        variant,
        _,
        source,
        shared,
        status,
        generation,
        suspect,
        doomed,
        begun_by,
        owner,
        epoch,
        _,
        failure,
        created_at,
        finished_at,
        definition,
        inputs_print,
        inputs,
        was,
        formerly,
    ) = row
    return RunState(
        key=key,
        run_id=run_id,
        workflow=workflow,
        variant=variant,
        scope=scope,
        source=source,
        inputs=inputs,
        inputs_print=inputs_print,
        definition=definition,
        shared=shared,
        status=RUN_STATUS[status],
        generation=generation,
        suspect=suspect,
        doomed=texts(doomed),
        was=texts(was),
        formerly=texts(formerly),
        begun_by=begun_by,
        owner=owner,
        epoch=epoch,
        failure=read_failure(failure),
        created_at=created_at,
        finished_at=finished_at,
        steps=steps,
    )


def new_run_row(run: NewRun, scope: int, batch: int | None, now: float) -> Row:
    """In the order of `texts.NEW_RUN`."""
    return (
        run.run_id,
        run.workflow,
        run.variant,
        scope,
        run.source,
        run.shared,
        RunStatus.PENDING.value,
        0,
        run.previously is not None,  # under its earlier name, a journal that is lost knew it
        0,
        batch,
        now,
        run.definition,
        run.inputs_print,
        run.inputs,
        dump([run.previously]) if run.previously else None,
    )


def scope_row(scope: Scope) -> dict[str, str]:
    """For `tables.scopes`, without its id."""
    return {"gateway": scope.gateway, "org": scope.org, "sandbox": scope.sandbox, "created": scope.created or ""}


def event_row(run: int, event: Event) -> Row:
    """In the order of `tables.history` without its id."""
    return run, event.step, event.at, event.name, dump(event.detail)


def read_event(row: Sequence[Any]) -> Event:
    """From a row (step, at, name, detail)."""
    step, at, name, detail = row
    return Event(step=step, at=at, name=name, detail=parse(_DETAIL, detail) if detail else {})


def read_scope(row: Any) -> Scope:
    """From a row of `tables.scopes`."""
    return Scope(gateway=row.gateway, org=row.org, sandbox=row.sandbox, created=row.created or None)
