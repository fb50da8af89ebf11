"""Between the engine's values and the rows of `tables.py`. Pure.

What a value does not say (None, empty, a default) is NULL in its row or absent from its JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson

from engine.model import (
    Attempt,
    Event,
    Failure,
    Json,
    NewRun,
    Origin,
    Receipt,
    RunState,
    RunStatus,
    Scope,
    StepState,
    StepStatus,
    Verb,
)

Row = tuple[Any, ...]

# Reading a hundred thousand runs looks millions of these up.
STEP_STATUS = {status.value: status for status in StepStatus}
RUN_STATUS = {status.value: status for status in RunStatus}
ORIGIN = {origin.value: origin for origin in Origin}
FAILURE = tuple(field.name for field in fields(Failure))


def dump(value: object) -> str | None:
    """JSON text; None for what says nothing."""
    if not value:
        return None
    try:
        return orjson.dumps(value, default=_plain).decode()
    except TypeError:  # half a surrogate pair or a huge number, both from the other side: the slow way takes them
        return json.dumps(value, default=_plain)


def parse(text: str) -> Any:
    """What `dump` wrote."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def texts(text: str | None) -> tuple[str, ...]:
    """A list of texts, as JSON."""
    return tuple(parse(text)) if text else ()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


# --- steps ------------------------------------------------------------------------------------------------------------


def step_row(run: int, step: StepState) -> Row:
    """In the order of `tables.steps`."""
    return (
        run,
        step.name,
        step.status._value_,
        dump([_attempt(a) for a in step.attempts]) if step.attempts else None,
        step.tries,
        step.spec,
        step.generation,
        _dump_receipt(step.receipt) if step.receipt else None,
        dump_failure(step.failure) if step.failure else None,
        step.due,
        dump(step.tombstones) if step.tombstones else None,
        step.started_at,
        step.finished_at,
        step.body,
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
    ) = row
    return StepState(
        name=name,
        status=STEP_STATUS[status],
        attempts=tuple(_read_attempt(a) for a in parse(attempts)) if attempts else (),
        tries=tries,
        body=body,
        spec=spec,
        generation=generation,
        receipt=_read_receipt(receipt),
        failure=read_failure(failure),
        due=due,
        tombstones=tuple(parse(tombstones)) if tombstones else (),
        started_at=started_at,
        finished_at=finished_at,
    )


def _attempt(attempt: Attempt) -> dict[str, Json]:
    value: dict[str, Json] = {"tag": attempt.tag, "by": attempt.by, "at": attempt.at}
    if attempt.condition:
        value["condition"] = attempt.condition
    return value if attempt.verb is Verb.CREATE else value | {"verb": attempt.verb.value}


def _read_attempt(value: Mapping[str, Any]) -> Attempt:
    verb = Verb(value.get("verb", Verb.CREATE))
    return Attempt(tag=value["tag"], by=value["by"], at=value["at"], verb=verb, condition=value.get("condition", ""))


def _dump_receipt(receipt: Receipt) -> str | None:
    value: dict[str, Json] = {"id": receipt.id, "origin": receipt.origin._value_}
    if receipt.etag is not None:
        value["etag"] = receipt.etag
    if receipt.version is not None:
        value["version"] = receipt.version
    if not receipt.confirmed:
        value["confirmed"] = False
    if receipt.data:
        value["data"] = receipt.data
    return dump(value)


def _read_receipt(text: str | None) -> Receipt | None:
    if text is None:
        return None
    value = parse(text)
    return Receipt(
        id=value["id"],
        origin=ORIGIN[value["origin"]],
        etag=value.get("etag"),
        version=value.get("version"),
        confirmed=value.get("confirmed", True),
        data=value.get("data", {}),
    )


def dump_failure(failure: Failure | None) -> str | None:
    """A failure as JSON."""
    if failure is None:
        return None
    return dump({name: value for name in FAILURE if (value := getattr(failure, name)) is not None})


def read_failure(text: str | None) -> Failure | None:
    """What `dump_failure` wrote."""
    return Failure(**parse(text)) if text else None


# --- runs and history -------------------------------------------------------------------------------------------------


def run_row(run: RunState) -> Row:
    """What can change of a run, in the order of `rules.RUN_CHANGES`, then its key."""
    return (
        run.status.value,
        run.generation,
        run.suspect,
        dump(run.doomed),
        run.begun_by,
        run.due,
        dump_failure(run.failure),
        run.finished_at,
        run.definition,
        run.inputs_print,
        run.inputs,
        dump(run.was),
        run.key,
    )


def read_run(row: Any, scope: Scope, steps: Mapping[str, StepState]) -> RunState:
    """From a row with the columns of `tables.runs` by name."""
    return RunState(
        key=row.key,
        run_id=row.run_id,
        workflow=row.workflow,
        variant=row.variant,
        scope=scope,
        source=row.source,
        inputs=row.inputs,
        inputs_print=row.inputs_print,
        definition=row.definition,
        shared=row.shared,
        status=RUN_STATUS[row.status],
        generation=row.generation,
        suspect=row.suspect,
        doomed=tuple(parse(row.doomed)) if row.doomed else (),
        was=texts(row.was),
        formerly=texts(row.formerly),
        begun_by=row.begun_by,
        owner=row.owner,
        epoch=row.epoch,
        due=row.due,
        failure=read_failure(row.failure),
        created_at=row.created_at,
        finished_at=row.finished_at,
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
        False,
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
    return Event(step=step, at=at, name=name, detail=parse(detail) if detail else {})


def read_scope(row: Any) -> Scope:
    """From a row of `tables.scopes`."""
    return Scope(gateway=row.gateway, org=row.org, sandbox=row.sandbox, created=row.created or None)
