"""What is checked against the platform before anything is sent: schedules, credentials, tables, fields.

Each question is asked once for all sources that it concerns; what cannot be known now is found out by the steps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.errors import Rejected, UnknownRun
from engine.identity import run_id
from engine.model import Json, Known, Receipt, RunStatus, Scope
from engine.resource import Adopt
from engine.together import together
from workflows.cli.asking import KEPT, Asking
from workflows.cli.compose import WORKFLOW, App
from workflows.cli.findings import Findings
from workflows.cli.render import say
from workflows.onboarding.access import auth_flaws, base_flaws, secret_flaws
from workflows.onboarding.chains import existing_dataset, live_table, onboarding, schedule_mistakes, source_type
from workflows.onboarding.fitting import column_flaws, mapping_flaws, missing_table
from workflows.onboarding.inputs import Column, Inputs, Schedule
from workflows.onboarding.manifest import Flaw, Path, Spool
from workflows.resources import (
    Explorer,
    Field,
    Fields,
    FlowSpecQuery,
    FlowSpecs,
    Listed,
    SchemaSpec,
    Table,
    read_base_spec,
    read_connection_spec,
    read_dataset_schema,
    read_target_fields,
)

UNTOUCHED = (RunStatus.PENDING, RunStatus.FAILED)
"""States in which the manifest can still be mended; a run on its way keeps what it was begun with."""


@dataclass(frozen=True, slots=True)
class Due:
    """A source that is about to be sent: what the manifest says of it, what the journal knows of its run, and whether
    it is finished, and the manifest says something else of it now."""

    inputs: Inputs
    known: Known | None
    changed: bool

    @property
    def mendable(self) -> bool:
        """Whether the manifest counts: a run on its way keeps what it was begun with."""
        return self.known is None or self.known.status in UNTOUCHED or self.changed


@dataclass(slots=True)
class _Base:
    """The base connection of a source: an existing one, or one that a run made (`id`), or one to make."""

    id: str | None
    to_make: bool


class Preflight:
    """Checks of sources that are about to be sent."""

    def __init__(self, app: App, scope: Scope, manifest: str, spool: Spool) -> None:
        client = app.client
        self._app, self._scope, self._findings = app, scope, Findings(manifest, spool)
        self._explorer = Explorer(client)
        self._rules = Asking[tuple[str, FlowSpecQuery], Mapping[str, Json]](self._read_rules)
        self._schedules: dict[tuple[str, Schedule, Column | None], list[str]] = {}
        self._specs = Asking[str, Json](partial(read_connection_spec, client))
        self._bases = Asking[str, str](partial(read_base_spec, client))
        self._made = Asking[str, str](self._read_made)
        self._tables = Asking[Table, Sequence[Field]](self._explorer.columns)
        self._listed = Asking[str, Sequence[Listed]](self._explorer.tables)
        self._datasets = Asking[str, str](partial(read_dataset_schema, client))
        self._targets = Asking[SchemaSpec | Adopt, Fields](partial(read_target_fields, client))

    async def check(self, batch: Sequence[Due]) -> None:
        """Note what is wrong with some sources."""
        all_ = [(due.inputs, await self._base(due.inputs)) for due in batch]
        open_ = [it for it, due in zip(all_, batch, strict=True) if due.mendable]
        specs = {source_type(inputs).connection_spec_id for inputs, base in all_ if base.to_make}
        bases = {id for inputs, _ in all_ if (id := inputs.base_connection.id)}
        datasets = {id for inputs, _ in open_ if (id := existing_dataset(inputs)) and inputs.target.schema}
        await together(
            partial(self._rules.about, {_query(inputs) for inputs, _ in all_}),
            partial(self._specs.about, specs),
            partial(self._bases.about, bases),
            partial(self._targets.about, {_target(inputs) for inputs, _ in open_}),
            partial(self._datasets.about, datasets),
            partial(self._tables.about, {table for inputs, base in open_ if (table := _table(inputs, base))}),
        )
        await self._listed.about(base.id for inputs, base in open_ if base.id and _is_missing(self._live(inputs, base)))
        for inputs, base in all_:
            if "flow" not in inputs.existing:
                self._note_schedule(inputs)
            self._note_base(inputs, base)
        for inputs, base in open_:
            self._note_table(inputs, base)
            self._note_target(inputs)

    def close(self) -> None:
        """Say what could not be looked at, and refuse, if anything was wrong, with everything that was. Raises
        `Refusal`."""
        for asking, what in ((self._tables, "tables"), (self._targets, "target schemas")):
            if asking.unheard:
                say(f"{asking.unheard:,} {what} could not be looked at beforehand; the steps will tell")
        self._findings.close()

    # what is wrong

    def _note(self, inputs: Inputs, flaw: Flaw) -> None:
        self._findings.note(inputs.source, flaw)

    def _note_schedule(self, inputs: Inputs) -> None:
        """Note what the connector's rules forbid. Schedules are few: equal ones are checked once."""
        delta = next((column for column in inputs.columns if column.name == inputs.delta_column), None)
        key = (inputs.connector, inputs.schedule, delta)
        known = self._schedules.get(key)
        if known is None:
            rules = self._rules.get(_query(inputs))
            if not isinstance(rules, Mapping):
                return
            if len(self._schedules) == KEPT:
                self._schedules.clear()
            known = self._schedules[key] = schedule_mistakes(inputs, rules)
        for mistake in known:
            self._note(inputs, Flaw(("schedule",), mistake))

    def _note_base(self, inputs: Inputs, base: _Base) -> None:
        if base.to_make:
            for flaw in secret_flaws(inputs, os.environ):
                self._note(inputs, flaw)
            spec = self._specs.get(source_type(inputs).connection_spec_id)
            for flaw in auth_flaws(inputs, spec, os.environ) if isinstance(spec, Mapping) else ():
                self._note(inputs, flaw)
        elif inputs.base_connection.id:
            spec_id = self._bases.get(inputs.base_connection.id)
            if isinstance(spec_id, Rejected):
                self._note(inputs, _refusal(("base_connection",), spec_id))
            for flaw in base_flaws(inputs, spec_id):
                self._note(inputs, flaw)

    def _live(self, inputs: Inputs, base: _Base) -> Sequence[Field] | Rejected | None:
        """The columns of its table; None where they are not known, and behind a base connection that is not there, or
        is another system's."""
        table, spec_id = _table(inputs, base), self._bases.get(inputs.base_connection.id or "")
        if table is None or isinstance(spec_id, Rejected) or any(base_flaws(inputs, spec_id)):
            return None
        return self._tables.get(table)

    def _note_table(self, inputs: Inputs, base: _Base) -> None:
        live = self._live(inputs, base)
        if _is_missing(live):
            listed = self._listed.get(base.id or "")
            tables = [one.path for one in listed] if isinstance(listed, list) else []
            self._note(inputs, missing_table(inputs, tables))
        elif isinstance(live, Rejected):
            if inputs.base_connection.id:  # one that was made may get other credentials on the way
                self._note(inputs, _refusal(("base_connection",), live))
        elif live is not None:
            for flaw in column_flaws(inputs, live):
                self._note(inputs, flaw)

    def _note_target(self, inputs: Inputs) -> None:
        target = self._targets.get(_target(inputs))
        if isinstance(target, Rejected):
            self._note(inputs, _refusal(("target", "dataset" if inputs.target.schema is None else "schema"), target))
        elif target is not None and "mapping_set" not in inputs.existing:
            for flaw in mapping_flaws(inputs, target):
                self._note(inputs, flaw)

        on = self._datasets.get(existing_dataset(inputs) or "") if inputs.target.schema else None
        if isinstance(on, Rejected):
            self._note(inputs, _refusal(("target", "dataset"), on))
        elif on is not None and on != inputs.target.schema:
            message = f"dataset {inputs.target.dataset} is on the schema {on}"
            self._note(inputs, Flaw(("target", "schema"), message, "leave schema out, or name that one"))

    # what is there

    async def _read_rules(self, question: tuple[str, FlowSpecQuery]) -> Mapping[str, Json] | None:
        """The rules of a connector's flows, from the journal where an earlier run has read them."""
        key, query = question
        made = await self._receipt(key, "flow_spec")
        resource: Any = self._app.engine.resources[FlowSpecs]
        try:
            receipt: Receipt = made or await resource.fetch(query)
        except Rejected:
            return None
        return receipt.data

    async def _base(self, inputs: Inputs) -> _Base:
        """Which base connection the source has; one that is shared may have been made by any of its sources."""
        if inputs.base_connection.id:
            return _Base(inputs.base_connection.id, to_make=False)
        made = await self._made(_shared(inputs, "base_connection"))
        return _Base(made if isinstance(made, str) else None, to_make=made is None)

    async def _read_made(self, key: str) -> str | None:
        receipt = await self._receipt(key, "base_connection")
        return receipt.id if receipt else None

    async def _receipt(self, key: str, step: str) -> Receipt | None:
        """The receipt of a shared step, if it is done."""
        try:
            run = await self._app.engine.journal.load(run_id(WORKFLOW, self._scope, key, shared=True))
        except UnknownRun:
            return None
        return run.steps[step].receipt if run.status is RunStatus.DONE else None


def _table(inputs: Inputs, base: _Base) -> Table | None:
    """The table to look at; none that somebody else described."""
    return None if base.id is None or "source_connection" in inputs.existing else live_table(inputs, base.id)


def _is_missing(live: Sequence[Field] | Rejected | None) -> bool:
    """Whether there is no such table."""
    return isinstance(live, Rejected) and live.failure.kind == "no_table"


def _refusal(path: Path, refused: Rejected) -> Flaw:
    """What the platform refused, and what to do as the second half of a sentence."""
    hint = refused.failure.hint or ""
    return Flaw(path, refused.failure.message, f"{hint[:1].lower()}{hint[1:].removesuffix('.')}" if hint else None)


def _shared(inputs: Inputs, step: str) -> str:
    return onboarding.plan(inputs).shared[step]


def _query(inputs: Inputs) -> tuple[str, FlowSpecQuery]:
    query: FlowSpecQuery = onboarding.spec(onboarding.steps["flow_spec"], inputs, {})
    return _shared(inputs, "flow_spec"), query


def _target(inputs: Inputs) -> SchemaSpec | Adopt:
    spec: SchemaSpec | Adopt = onboarding.spec(onboarding.steps["target_schema"], inputs, {})
    return spec
