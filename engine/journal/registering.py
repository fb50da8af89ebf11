"""Registering runs: what is there already, what is new, what gets new inputs. Inside one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.journal import rules, sql
from engine.model import Known, NewRun, RunStatus, Scope
from engine.ports import Standing

T = TypeVar("T")

CHUNK = 500
"""Values in one `IN (…)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A run that is there already; `scope` is its row."""

    known: Known
    suspect: bool
    scope: int

    def judge(self, run: NewRun) -> tuple[Standing, Known]:
        """What registering `run` again means."""
        return rules.judge(self.known, self.suspect, run), self.known

    def differs(self, run: NewRun, scope: int) -> bool:
        """Whether `run` brings anything new."""
        known = self.known
        return known.status is RunStatus.DESTROYED or (
            (known.inputs_print, known.source, self.scope) != (run.inputs_print, run.source, scope)
        )


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Consecutive parts of a sequence."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


async def find(connection: AsyncConnection, runs: Sequence[NewRun]) -> dict[str, Found]:
    """Those of the runs that are there already, by id."""
    found = {}
    for ids in chunks([run.run_id for run in runs]):
        for key, run_id, status, inputs_print, definition, source, suspect, scope in await connection.execute(
            sql.KNOWN, {"run_ids": ids}
        ):
            known = Known(
                key=key,
                run_id=run_id,
                status=RunStatus(status),
                inputs_print=inputs_print,
                definition=definition,
                source=source,
            )
            found[run_id] = Found(known=known, suspect=suspect, scope=scope)
    return found


async def register(
    connection: AsyncConnection, runs: Sequence[NewRun], *, batch: int | None, now: float
) -> list[tuple[Standing, Known]]:
    """`ports.Journal.register`; without a batch nothing is enrolled."""
    scopes = await _scope_ids(connection, {run.scope for run in runs})
    before = await find(connection, runs)
    fresh = [run for run in runs if run.run_id not in before]
    if fresh:
        await connection.execute(sql.ADD_RUN, [_row(run, scopes[run.scope], batch, now) for run in fresh])
    after = await find(connection, fresh)
    result = [
        before[run.run_id].judge(run) if run.run_id in before else (Standing.NEW, after[run.run_id].known)
        for run in runs
    ]
    continued = [
        (run, known) for run, (standing, known) in zip(runs, result, strict=True) if standing is Standing.CONTINUED
    ]
    revised = [
        {
            "run": known.key,
            "scope": scopes[run.scope],
            "source": run.source,
            "inputs": run.inputs,
            "inputs_print": run.inputs_print,
        }
        for run, known in continued
        if before[run.run_id].differs(run, scopes[run.scope])
    ]
    if revised:
        await connection.execute(sql.REVISE, revised)
    if batch is not None:
        for keys in chunks([known.key for _, known in continued]):
            await connection.execute(sql.ENROLL_KEYS, {"to": batch, "keys": keys})
    return result


def _row(run: NewRun, scope: int, batch: int | None, now: float) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "workflow": run.workflow,
        "variant": run.variant,
        "scope": scope,
        "source": run.source,
        "inputs": run.inputs,
        "inputs_print": run.inputs_print,
        "definition": run.definition,
        "shared": run.shared,
        "batch": batch,
        "created_at": now,
    }


async def _scope_ids(connection: AsyncConnection, scopes: Collection[Scope]) -> dict[Scope, int]:
    """The rows of scopes, added where they are new."""
    for scope in scopes:
        values = {"gateway": scope.gateway, "org": scope.org, "sandbox": scope.sandbox, "created": scope.created or ""}
        await connection.execute(sql.ADD_SCOPE, values)
    found = {
        Scope(gateway=gateway, org=org, sandbox=sandbox, created=created or None): id
        for id, gateway, org, sandbox, created in await connection.execute(sql.SCOPES)
    }
    return {scope: found[scope] for scope in scopes}
