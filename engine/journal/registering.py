"""Registering runs: what is there already, what is new, what gets new inputs. Inside one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from engine.journal import rows, rules, sql
from engine.journal.texts import CHUNK, INPUTS, KNOWN, among, chunks, epochs, put, texts
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
        """Whether `run` brings anything new."""
        old = self.known.inputs_print, self.known.source, self.scope
        return self.known.status is RunStatus.DESTROYED or old != (run.inputs_print, run.source, scope)


def find(connection: Connection, runs: Sequence[NewRun]) -> dict[str, Found]:
    """Those of the runs that are there already, by id, or else under the name that they had before."""
    found = _find(connection, [run.run_id for run in runs])
    renamed = {run.previous_id: run.run_id for run in runs if run.previous_id and run.run_id not in found}
    before = _find(connection, list(renamed)) if renamed else {}
    living = {renamed[id]: one for id, one in before.items() if one.known.status is not RunStatus.DESTROYED}
    return {**living, **found}


def _find(connection: Connection, ids: Sequence[str]) -> dict[str, Found]:
    found = {}
    for key, run_id, status, inputs_print, source, suspect, scope in among(connection, KNOWN, ids):
        known = Known(key=key, run_id=run_id, status=RunStatus(status), inputs_print=inputs_print, source=source)
        found[run_id] = Found(known=known, suspect=bool(suspect), scope=scope)
    return found


def compare(connection: Connection, runs: Sequence[NewRun]) -> list[tuple[Standing, Known | None]]:
    """What `register` would find."""
    found = find(connection, runs)
    return [found[run.run_id].judge(run) if run.run_id in found else (Standing.NEW, None) for run in runs]


def register(
    connection: Connection, runs: Sequence[NewRun], *, batch: int | None, now: float, changing: Collection[str] = ()
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
    taken = [run for run, (standing, _) in zip(runs, result, strict=True) if rules.takes(standing, run, changing)]
    keys = sorted(epochs(connection, [before[run.run_id].known.key for run in taken]))
    _revise(connection, [(run, before[run.run_id]) for run in taken], scopes)
    if batch is not None:
        _enroll(connection, batch, keys)
    return result


def _revise(connection: Connection, runs: Sequence[tuple[NewRun, Found]], scopes: dict[Scope, int]) -> None:
    """Give runs new inputs."""
    differing = {found.known.key: (run, found.suspect) for run, found in runs if found.differs(run, scopes[run.scope])}
    values = [
        {
            "run": key,
            "id": run.run_id,
            "scope": scopes[run.scope],
            "new_source": run.source,
            "new_inputs": run.inputs,
            "print": run.inputs_print,
            "variant": run.variant,
            "definition": run.definition,
            "before": rows.dump(
                rules.inputs_before(rows.texts(was), inputs, run.inputs, begun=bool(begun_by) or suspect)
            ),
            "names": rows.dump(rules.names_before(rows.texts(formerly), run, source)),
        }
        for key, begun_by, inputs, was, formerly, source in among(connection, INPUTS, sorted(differing))
        for run, suspect in (differing[key],)
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
