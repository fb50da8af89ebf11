"""The journal's statements, one text for both stores; those that take thousands of rows are in `texts.py`.

Upserts are plain text: SQLAlchemy has no construct for `ON CONFLICT` that both stores share.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, case, exists, func, or_, select, text, tuple_, update
from sqlalchemy.sql.dml import ReturningUpdate

from engine.journal.tables import definitions, history, meta, pauses, runs, scopes

# --- the journal itself -----------------------------------------------------------------------------------------------

META = select(meta.c.key, meta.c.value)
SET_META = text(
    "INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
SUSPECT_ALL = update(runs).values(suspect=True).where(~runs.c.suspect)
NEW_BATCH = text(
    "INSERT INTO meta (key, value) VALUES ('batch', '1') ON CONFLICT (key) DO UPDATE "
    "SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT) RETURNING CAST(value AS INTEGER)"
)

# --- registering ------------------------------------------------------------------------------------------------------

ADD_SCOPE = text(
    "INSERT INTO scopes (gateway, org, sandbox, created) VALUES (:gateway, :org, :sandbox, :created) "
    "ON CONFLICT DO NOTHING"
)
SCOPES = select(scopes)
USED_SCOPES = select(scopes).where(exists().where(runs.c.scope == scopes.c.id)).order_by(scopes.c.id)

# New inputs for a run. Whoever works on the old ones is fenced: the epoch rises.
REVISE = (
    update(runs)
    .where(runs.c.key == bindparam("run"))
    .values(
        epoch=runs.c.epoch + 1,
        run_id=bindparam("id"),
        scope=bindparam("scope"),
        source=bindparam("new_source"),
        variant=bindparam("variant"),
        inputs=bindparam("new_inputs"),
        inputs_print=bindparam("print"),
        was=bindparam("before"),
        formerly=bindparam("names"),
        status=case(
            (runs.c.status == "done", "pending"), (runs.c.status == "destroyed", "pending"), else_=runs.c.status
        ),
        finished_at=None,
        definition=case((runs.c.status == "destroyed", bindparam("definition")), else_=runs.c.definition),
    )
)

# Enrolling forgets the owner, so that `claim` hands out each run of a batch once. Whoever changes several runs locks
# them in the order of their keys first, or two processes could wait for each other for ever.
ENROLL = update(runs).values(batch=bindparam("to"), owner=None).where(runs.c.key.in_(bindparam("keys", expanding=True)))
IN_STATES = (
    select(runs.c.key)
    .where(~runs.c.shared, runs.c.status.in_(bindparam("statuses", expanding=True)))
    .order_by(runs.c.key)
    .with_for_update(key_share=True)
)
IN_STATES_OF = IN_STATES.where(runs.c.run_id.in_(bindparam("run_ids", expanding=True)))

# --- owning -----------------------------------------------------------------------------------------------------------


_own = update(runs).values(epoch=runs.c.epoch + 1, owner=bindparam("process"))


def claim(begun: bool) -> ReturningUpdate[Any]:
    """Own the next runs of a batch."""
    chosen = (
        select(runs.c.key)
        .where(runs.c.batch == bindparam("of"), runs.c.key > bindparam("after"))
        .where(runs.c.begun_by.is_not(None) if begun else runs.c.begun_by.is_(None))
        .where(or_(runs.c.owner.is_(None), runs.c.owner != bindparam("process")))
        .order_by(runs.c.key)
        .limit(bindparam("most"))
        .with_for_update(key_share=True)
    )
    return _own.where(runs.c.key.in_(chosen)).returning(runs)


CLAIM = {begun: claim(begun) for begun in (True, False)}
CLAIM_ONE = _own.where(runs.c.run_id == bindparam("id")).returning(runs)

# --- reading ----------------------------------------------------------------------------------------------------------

RUN = select(runs).where(runs.c.run_id == bindparam("id"))
COUNTS = select(runs.c.status, func.count()).where(~runs.c.shared).group_by(runs.c.status)


# The next runs of a kind by source name, and what a page of them holds. The state is looked up as an expression, or
# SQLite would take the index by state and sort all of its runs for each page.
NEXT_KEYS = (
    select(runs.c.source, runs.c.key)
    .where(runs.c.shared == bindparam("shared"))
    .where((runs.c.status + "").in_(bindparam("statuses", expanding=True)))
    .where(tuple_(runs.c.source, runs.c.key) > tuple_(bindparam("source"), bindparam("after")))
    .order_by(runs.c.source, runs.c.key)
    .limit(bindparam("most"))
)
SOME_RUNS = select(runs).where(
    runs.c.key.in_(bindparam("keys", expanding=True)),
    runs.c.shared == bindparam("shared"),
    runs.c.status.in_(bindparam("statuses", expanding=True)),
)


def events(step: bool) -> Select[Any]:
    """The next events of a run, or of one of its steps, oldest first."""
    query = (
        select(history.c.id, history.c.step, history.c.at, history.c.name, history.c.detail)
        .where(history.c.run == bindparam("key"), history.c.id > bindparam("after"))
        .order_by(history.c.id)
        .limit(bindparam("most"))
    )
    return query.where(history.c.step == bindparam("step")) if step else query


EVENTS = {step: events(step) for step in (True, False)}


# --- what is kept beside runs -----------------------------------------------------------------------------------------

DEFINE = text("INSERT INTO definitions (fingerprint, text) VALUES (:fingerprint, :text) ON CONFLICT DO NOTHING")
DEFINITION = select(definitions.c.text).where(definitions.c.fingerprint == bindparam("print"))
PAUSE = text(
    "INSERT INTO pauses (family, until, seconds, boot) VALUES (:family, :until, :seconds, :boot) "
    "ON CONFLICT (family) DO UPDATE SET until = excluded.until, seconds = excluded.seconds, boot = excluded.boot"
)
PAUSES = select(pauses.c.family, pauses.c.until, pauses.c.seconds, pauses.c.boot)
