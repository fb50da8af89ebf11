"""Registering runs: what is there already, what is new, what gets new inputs. Inside one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from engine.journal import rows, rules, sql
from engine.journal.texts import CHUNK, KNOWN, among, chunks, epochs, put, texts
from engine.model import Known, NewRun, RunStatus, Scope
from engine.ports import Standing


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
        """Whether `run` brings anything new; a done run keeps what it was done with. Raises `WorkflowChanged`."""
        if self.known.status is RunStatus.DONE:
            return False
        rules.check_variant(self.known, run.variant)
        old = self.known.inputs_print, self.known.source, self.scope
        return self.known.status is RunStatus.DESTROYED or old != (run.inputs_print, run.source, scope)


def find(connection: Connection, runs: Sequence[NewRun]) -> dict[str, Found]:
    """Those of the runs that are there already, by id."""
    found = {}
    for key, run_id, status, inputs_print, definition, source, suspect, scope, variant, begun_by in among(
        connection, KNOWN, [run.run_id for run in runs]
    ):
        known = Known(
            key=key,
            run_id=run_id,
            status=RunStatus(status),
            inputs_print=inputs_print,
            definition=definition,
            source=source,
            variant=variant,
            begun=begun_by is not None,
        )
        found[run_id] = Found(known=known, suspect=bool(suspect), scope=scope)
    return found


def compare(connection: Connection, runs: Sequence[NewRun]) -> list[tuple[Standing, Known | None]]:
    """What `register` would find."""
    found = find(connection, runs)
    return [found[run.run_id].judge(run) if run.run_id in found else (Standing.NEW, None) for run in runs]


def register(
    connection: Connection, runs: Sequence[NewRun], *, batch: int | None, now: float
) -> list[tuple[Standing, Known]]:
    """`ports.Journal.register`; without a batch nothing is enrolled."""
    scopes = _scope_ids(connection, {run.scope for run in runs})
    before = find(connection, runs)
    fresh = [run for run in runs if run.run_id not in before]
    if fresh:
        values = [rows.new_run_row(run, scopes[run.scope], batch, now) for run in fresh]
        put(connection, texts(connection).new_run, values)
    after = find(connection, fresh)
    result = [
        before[run.run_id].judge(run) if run.run_id in before else (Standing.NEW, after[run.run_id].known)
        for run in runs
    ]
    continued = [run for run, (standing, _) in zip(runs, result, strict=True) if standing is Standing.CONTINUED]
    keys = sorted(epochs(connection, [before[run.run_id].known.key for run in continued]))
    _revise(connection, [(run, before[run.run_id]) for run in continued], scopes)
    if batch is not None:
        _enroll(connection, batch, keys)
    return result


def _revise(connection: Connection, runs: Sequence[tuple[NewRun, Found]], scopes: dict[Scope, int]) -> None:
    values = [
        {
            "run": found.known.key,
            "scope": scopes[run.scope],
            "source": run.source,
            "variant": run.variant,
            "definition": run.definition,
            "inputs": run.inputs,
            "inputs_print": run.inputs_print,
        }
        for run, found in runs
        if found.differs(run, scopes[run.scope])
    ]
    if values:
        connection.execute(sql.REVISE, values)


def _scope_ids(connection: Connection, scopes: Collection[Scope]) -> dict[Scope, int]:
    """The rows of scopes, added where they are new."""
    known = {rows.read_scope(row): row.id for row in connection.execute(sql.SCOPES)}
    if new := [rows.scope_row(scope) for scope in scopes if scope not in known]:
        connection.execute(sql.ADD_SCOPE, new)
        known = {rows.read_scope(row): row.id for row in connection.execute(sql.SCOPES)}
    return known


def enroll(connection: Connection, batch: int, statuses: Collection[RunStatus], run_ids: Collection[str] | None) -> int:
    """`ports.Journal.enroll`."""
    states = {"statuses": [status.value for status in statuses]}
    if run_ids is None:
        keys = list(connection.execute(sql.IN_STATES, states).scalars())
    else:
        parts = (states | {"run_ids": ids} for ids in chunks(sorted(run_ids), CHUNK))
        keys = [key for part in parts for key in connection.execute(sql.IN_STATES_OF, part).scalars()]
    _enroll(connection, batch, keys)
    return len(keys)


def _enroll(connection: Connection, batch: int, keys: Sequence[int]) -> None:
    for part in chunks(keys, CHUNK):
        connection.execute(sql.ENROLL, {"to": batch, "keys": part})
