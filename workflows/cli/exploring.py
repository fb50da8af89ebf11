"""`explore`: the tables and columns behind a base connection, live, and sources for the manifest from them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from workflows.cli.calling import run_async
from workflows.cli.options import Calling
from workflows.cli.words import amount

if TYPE_CHECKING:
    from engine.resource import Adopt
    from workflows.aep import AepClient
    from workflows.cli.sketching import Sketch
    from workflows.resources import Field, Listed, SchemaSpec
    from workflows.sources import SourceType


AT_ONCE = 8
"""Tables that are looked at side by side: each look asks the vendor's system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreOptions:
    """What the person asked for."""

    options: Calling
    where: str
    tables: list[str]
    write: Path | None
    json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A base connection, and what kind of system is behind it."""

    id: str
    source: SourceType

    @property
    def rest(self) -> bool:
        """Whether it has JSON in place of tables."""
        return self.source.explore == "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A table that was looked at, and what may be made of it."""

    table: str
    columns: Sequence[Field]
    mappings: dict[str, str]
    delta: str | None


def explore(
    where: Annotated[
        str,
        Argument(
            metavar="CONNECTOR-OR-BASE-ID",
            help="A base connection by id, or a connector (servicenow, zendesk, …) that has one.",
        ),
    ],
    options: Calling,
    tables: Annotated[list[str], Argument(metavar="TABLE", help="Tables to look at; none: list all tables.")] = [],  # noqa: B006
    *,
    write: Annotated[
        Path | None,
        Option("--write", metavar="FILE", help="Add the tables (none named: all) as sources to this manifest."),
    ] = None,
    json: Annotated[bool, Option("--json", help="One JSON line per table, or per column of the tables named.")] = False,
) -> int:
    """List the tables of a live base connection, or the columns of some; add them to a manifest.

    For each column the field of the target is suggested that it is like in name and type, and for each table the
    column that tells which rows are new. --write adds sources at the end of the manifest's list, comments and order
    as they are, with the suggestions in them: look at them before `headway run`.

    Example:
      headway explore servicenow
      headway explore 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66 incident
      headway explore 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66 incident case --write sources.yaml
    """
    _check_meant(where)
    return run_async(_explore, ExploreOptions(options=options, where=where, tables=tables, write=write, json=json))


def _check_meant(where: str) -> None:
    """Refuse what is neither a connector nor an id, before anything is sent. Raises `Refusal`."""
    from workflows.cli.failures import Refusal
    from workflows.onboarding.manifest.check import BASE_ID
    from workflows.onboarding.manifest.mistakes import nearest
    from workflows.sources import discover

    connectors = discover()
    if where in connectors or BASE_ID.fullmatch(where):
        return
    near = nearest(where, connectors)
    raise Refusal(
        f"there is no connector {where!r}" + (f"; did you mean {near!r}?" if near else ""),
        f"name one of {', '.join(connectors)}, or a base connection by its id (8-4-4-4-12 hex digits)",
    )


async def _explore(asked: ExploreOptions) -> int:
    from workflows.aep import AepClient
    from workflows.cli.compose import read_credentials
    from workflows.cli.preparing import find_sandbox
    from workflows.cli.sketching import Sketch
    from workflows.resources import Explorer

    sketch = Sketch.of(asked.write)
    credentials = read_credentials(asked.options.credentials)
    async with AepClient(credentials) as client:
        await find_sandbox(client, credentials)
        base = await _base(client, asked.where)
        await _conceal(client, base.id, asked.options.store)
        listed = await Explorer(client).tables(base.id, rest=base.rest)
        if not asked.tables and asked.write is None:
            _list(asked, base, listed)
            return 0
        names = asked.tables or [table.path for table in listed]
        _known(names, listed)
        seen = await _look(client, base, names, sketch.target)
    if asked.write is None:
        for one in seen:
            _show(asked, one)
        return 0
    return _write(asked, sketch, base, seen)


async def _base(client: AepClient, where: str) -> Base:
    """The base connection that is meant, and its connector. Raises `Refusal`."""
    from workflows.cli.failures import Refusal
    from workflows.resources import base_connections, read_base_spec
    from workflows.sources import discover

    connectors = discover()
    if where not in connectors:
        spec_id = await read_base_spec(client, where)
        source = next((one for one in connectors.values() if one.connection_spec_id == spec_id), None)
        if source is None:
            known = ", ".join(connectors)
            raise Refusal(f"the base connection {where} is of a system that headway does not know", f"it knows {known}")
        return Base(id=where, source=source)
    source = connectors[where]
    found = await base_connections(client, source.connection_spec_id)
    if len(found) == 1:
        return Base(id=found[0].id, source=source)
    if not found:
        raise Refusal(
            f"there is no base connection to {source.title} in this sandbox",
            "describe one in the manifest (`headway init` shows how): `headway run` makes it",
        )
    ids = "\n".join(f"  {one.id}  {one.name}" for one in found)
    raise Refusal(f"there are {len(found)} base connections to {source.title}:\n{ids}", "name one by its id")


async def _conceal(client: AepClient, base_id: str, store: str) -> None:
    """Mask what runs made the base connection with, if any did, and the journal can be read: it need not be there."""
    from engine.errors import StorageError
    from workflows.cli.compose import conceal, looking

    with suppress(StorageError):
        async with looking(store) as engine:
            ids = {made.id async for run in engine.journal.stream(shared=True) for made in run.receipts.values()}
            if base_id in ids:
                async for run in engine.journal.stream():
                    conceal(client, run)


def _known(names: Sequence[str], listed: Sequence[Listed]) -> None:
    """Refuse tables that there are not, all at once. Raises `Refusal`."""
    from difflib import get_close_matches

    from workflows.cli.failures import Refusal

    paths = [table.path for table in listed]
    missing = [name for name in names if paths and name not in paths]
    near = {name: get_close_matches(name, paths, n=1) for name in missing}
    lines = [
        f"there is no table {name!r}" + (f"; did you mean {near[name][0]!r}?" if near[name] else "") for name in near
    ]
    if lines:
        raise Refusal("\n".join(lines), "name a table by its path, which stands first in the list")


async def _look(client: AepClient, base: Base, names: Sequence[str], target: SchemaSpec | Adopt) -> list[Seen]:
    """What the tables hold, and what may be made of it."""
    from engine.together import together
    from workflows.cli.failures import Refusal
    from workflows.onboarding.suggest import suggest_delta_column, suggest_mappings
    from workflows.resources import Explorer, Table, read_target_fields

    fields, explorer = await read_target_fields(client, target), Explorer(client)
    tables = [Table(base_id=base.id, path=name, rest=base.rest) for name in dict.fromkeys(names)]
    seen: list[Sequence[Field] | None] = []
    for start in range(0, len(tables), AT_ONCE):
        seen += await together(*(partial(explorer.columns, table) for table in tables[start : start + AT_ONCE]))
    found = {table.path: columns for table, columns in zip(tables, seen, strict=True)}
    hidden = [name for name in found if found[name] is None]
    if hidden:
        raise Refusal(f"the platform does not show the columns of {', '.join(hidden)}")
    return [
        Seen(
            table=name,
            columns=columns,
            mappings=suggest_mappings(columns, fields) if fields else {},
            delta=suggest_delta_column(columns) if base.source.copies else None,
        )
        for name in dict.fromkeys(names)
        if (columns := found[name]) is not None
    ]


# --- what is told -----------------------------------------------------------------------------------------------------


def _list(asked: ExploreOptions, base: Base, listed: Sequence[Listed]) -> None:
    from workflows.cli.events import print_json

    if asked.json:
        for table in listed:
            print_json({"table": table.path, "name": table.name})
        return
    print(f"{base.source.title}   base connection {base.id}   {amount(len(listed), 'table')}")
    width = max((len(table.path) for table in listed), default=0)
    for table in listed:
        print(f"  {table.path:<{width}}   {table.name}".rstrip() if table.name != table.path else f"  {table.path}")
    print(f"Next   headway explore {base.id} TABLE                        its columns")
    print(f"       headway explore {base.id} TABLE --write sources.yaml   a source for the manifest")


def _show(asked: ExploreOptions, seen: Seen) -> None:
    from workflows.cli.events import print_json

    if asked.json:
        for column in seen.columns:
            suggested = {"mapping": seen.mappings.get(column.name), "delta_column": column.name == seen.delta}
            print_json({"table": seen.table, "column": column.name, "type": column.type, **suggested})
        return
    print(f"{seen.table}   {amount(len(seen.columns), 'column')}")
    name = max((len(column.name) for column in seen.columns), default=0)
    kind = max((len(column.type) for column in seen.columns), default=0)
    for column in seen.columns:
        path = seen.mappings.get(column.name)
        words = [f"→ {path}" if path else "", "delta column" if column.name == seen.delta else ""]
        print(f"  {column.name:<{name}}   {column.type:<{kind}}   {'   '.join(filter(None, words))}".rstrip())


def _write(asked: ExploreOptions, sketch: Sketch, base: Base, seen: Sequence[Seen]) -> int:
    from workflows.cli.events import print_json

    added, there = sketch.add(base.id, base.source, seen)
    if asked.json:
        for name, one in added.items():
            print_json({"source": name, "table": one.table, "mappings": len(one.mappings), "delta_column": one.delta})
        return 0
    for table in there:
        print(f"{table} is in {sketch.file} already")
    for name, one in added.items():
        hints = [f"{amount(len(one.mappings), 'mapping')} of {amount(len(one.columns), 'column')} suggested"]
        hints += [f"delta column {one.delta}"] if one.delta else []
        hints += ["no time of change: name a delta_column"] if base.source.copies and not one.delta else []
        print(f"{name}   {', '.join(hints)}")
    print(f"{amount(len(added), 'source')} added to {sketch.file}")
    if added:
        print(f"Next   look at the mappings, then   {asked.options.headway('plan', str(sketch.file))}")
    return 0
