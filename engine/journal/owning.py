"""Reading runs with their steps, and owning them. Inside one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from engine.journal import registering, rows, rules, sql
from engine.journal.places import Place
from engine.journal.texts import STEPS, among
from engine.model import NewRun, RunState, Scope, StepState


@dataclass(frozen=True, slots=True, kw_only=True)
class Owning:
    """How the process `process` reads runs, and makes them its own."""

    place: Place
    process: str
    scopes: dict[int, Scope] = field(default_factory=dict)
    """A copy of the table of scopes, whose rows never change."""

    def states(self, connection: Connection, found: Iterable[Any]) -> list[RunState]:
        """Rows of runs as values, with their steps, in order of key."""
        runs = sorted(found, key=lambda row: row.key)
        steps: dict[int, dict[str, StepState]] = {row.key: {} for row in runs}
        for row in among(connection, STEPS, list(steps)):
            steps[row[0]][row[1]] = rows.read_step(row)
        if any(row.scope not in self.scopes for row in runs):
            self.scopes.update({row.id: rows.read_scope(row) for row in connection.execute(sql.SCOPES)})
        return [rows.read_run(row, self.scopes[row.scope], steps[row.key]) for row in runs]

    def load(self, connection: Connection, run_id: str) -> RunState | None:
        """One run, without owning it."""
        return next(iter(self.states(connection, connection.execute(sql.RUN, {"id": run_id}))), None)

    def claim(self, connection: Connection, batch: int, *, begun: bool, after: int, limit: int) -> Sequence[RunState]:
        """`ports.Journal.claim`."""
        values = {"of": batch, "after": after, "most": limit, "process": self.process}
        return self.states(connection, connection.execute(sql.CLAIM[begun], values))

    def claim_one(self, connection: Connection, run_id: str) -> RunState:
        """`ports.Journal.claim_one`."""
        values = {"id": run_id, "process": self.process}
        for state in self.states(connection, connection.execute(sql.CLAIM_ONE, values)):
            return state
        raise rules.unknown(run_id)

    def claim_shared(self, connection: Connection, run: NewRun, *, patient: bool, now: float) -> RunState | None:
        """`ports.Journal.claim_shared` at one moment; None: another process is making it, and we still wait for that
        (`patient`)."""
        self.place.serialise(connection)
        found = self.load(connection, run.run_id)
        if found is not None:
            theirs = patient and found.owner not in (None, self.process)
            theirs = theirs and self.place.lives(connection, str(found.owner))
            turn = rules.turn(found.status, found.suspect, theirs=theirs)
            if turn is not rules.Turn.OWN:
                return rules.to_read(found) if turn is rules.Turn.READ else None
        registering.register(connection, [run], batch=None, now=now)
        return self.claim_one(connection, run.run_id)
