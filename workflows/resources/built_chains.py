"""Chains that people built by hand, read back from their flow (contract 3, 5, 6, 8, 10.2). Only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import Rejected
from engine.labels import parse
from engine.model import Failure, Json
from workflows.aep import AepClient
from workflows.resources._columns import Field, read_columns
from workflows.resources._flow_service import FlowServiceObjects
from workflows.resources._json import dig, rows, table, text
from workflows.resources._registry import read_schema
from workflows.resources.auth_specs import read_connection_spec
from workflows.resources.classes import class_columns
from workflows.resources.datasets import read_dataset
from workflows.resources.exploration import REST_TABLE, Explorer, Table
from workflows.resources.flows import DeltaColumn, Flows, schedule_of
from workflows.resources.mapping_sets import Row, mapping_rows, read_mapping_set
from workflows.resources.source_connections import SourceConnections
from workflows.resources.target_connections import TargetConnections
from workflows.sources import ADHOC, SourceType, discover


@dataclass(frozen=True, slots=True, kw_only=True)
class AdHoc:
    """What only the chain of 2020 has: class and schema of the columns, and the connection to the data lake, by id."""

    class_id: str
    schema_id: str
    lake_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltChain:
    """A flow and what it stands on, by id. `adhoc` is None unless the whole chain is that of 2020. `columns` is empty
    where no object of the chain says what the table holds; `schedule` is the flow's, its numbers as numbers. `ours`:
    the flow bears headway's marker."""

    flow_id: str
    name: str
    source: SourceType
    base_id: str
    source_id: str
    target_id: str
    dataset_id: str
    mapping_id: str
    adhoc: AdHoc | None
    table: str
    columns: tuple[Field, ...]
    delta: DeltaColumn | None
    schedule: Mapping[str, Json]
    rows: tuple[Row, ...]
    ours: bool


async def read_chain(client: AepClient, flow_id: str) -> BuiltChain:
    """A flow and what it stands on. Raises `Rejected` where there is no such flow, where it is a draft or of a kind
    that no connector has, and where something that it stands on is gone; and answers that say nothing about it."""
    flow = await _read(Flows(client), flow_id)
    if text(flow, "state") == "draft":
        raise _refused("it is a draft", "Publish it first.")
    source_id, target_id = _only(flow, "sourceConnectionIds"), _only(flow, "targetConnectionIds")
    source, target = (
        await _read(SourceConnections(client), source_id),
        await _read(TargetConnections(client), target_id),
    )
    kind = await _kind(client, source)
    base_id, dataset_id = text(source, "baseConnectionId"), text(target, "params", "dataSetId")
    if base_id is None:
        raise _refused(f"its source connection {source_id} has no base connection")
    if dataset_id is None or await read_dataset(client, dataset_id) is None:
        raise _refused(f"the dataset {dataset_id} of its target connection is not there")
    transformations = {text(one, "name"): table(one, "params") for one in rows(flow, "transformations")}
    mapping = transformations.get("Mapping", {})
    mapping_id, version = text(mapping, "mappingId"), dig(mapping, "mappingVersion")
    content = await read_mapping_set(client, mapping_id, version) if mapping_id else None
    if mapping_id is None or content is None:
        raise _refused(f"its mapping set {mapping_id} is not there" if mapping_id else "it has no mapping set")
    path = text(source, "params", "tableName") or text(source, "params", "path")
    live = Table(base_id=base_id, path=path or REST_TABLE, rest=kind.explore == "rest")
    if path is None and not live.rest:
        raise _refused(f"its source connection {source_id} names no table")
    adhoc, columns = await _adhoc(client, kind, source, target)
    return BuiltChain(
        flow_id=flow_id,
        name=text(flow, "name") or live.path,
        source=kind,
        base_id=base_id,
        source_id=source_id,
        target_id=target_id,
        dataset_id=dataset_id,
        mapping_id=mapping_id,
        adhoc=adhoc,
        table=live.path,
        columns=columns or await _columns(client, source, live),
        delta=_delta(dig(transformations.get("Copy"), "deltaColumn")),
        schedule=schedule_of(flow),
        rows=mapping_rows(content),
        ours=bool(parse(text(flow, "description") or "").attempt),
    )


async def _read(objects: FlowServiceObjects, id: str) -> Json:
    view = await objects.read(id)
    if view is None:
        raise _refused(f"there is no {objects.kind} {id} in this sandbox", "Look at the id, and at AEP_SANDBOX_NAME.")
    return view.content


def _only(flow: Json, key: str) -> str:
    """The one connection at an end of a flow (contract 9.6: 1321)."""
    ids = rows(flow, key)
    if len(ids) != 1:
        raise _refused(f"it has {len(ids)} {key}, and not one")
    return str(ids[0])


async def _kind(client: AepClient, source: Json) -> SourceType:
    spec_id = text(source, "connectionSpec", "id") or ""
    known = {one.connection_spec_id: one for one in discover().values()}
    if spec_id not in known:
        name = text(await read_connection_spec(client, spec_id), "name")
        called = f"{spec_id} ({name})" if name else spec_id
        raise _refused(f"its source is of connection spec {called}", f"headway knows {', '.join(discover())}.")
    return known[spec_id]


async def _adhoc(
    client: AepClient, kind: SourceType, source: Json, target: Json
) -> tuple[AdHoc | None, tuple[Field, ...]]:
    """What the chain of 2020 has more, and the columns of its class. Some called the class the schema (contract 13.1):
    such a chain, and one without a connection to the data lake, is none of 2020 as a whole."""
    described, lake_id = text(source, "data", "schema", "id"), text(target, "baseConnectionId")
    if described is None:
        return None, ()
    schema = await read_schema(client, described)
    class_id = next((ref for one in rows(schema, "allOf") if "/classes/" in (ref := text(one, "$ref") or "")), None)
    class_ = schema if "/classes/" in described else await read_schema(client, class_id) if class_id else None
    whole = lake_id is not None and class_id is not None and class_ is not None and ADHOC in kind.chains
    adhoc = AdHoc(class_id=class_id, schema_id=described, lake_id=lake_id) if whole and class_id and lake_id else None
    return adhoc, class_columns(class_)


async def _columns(client: AepClient, source: Json, live: Table) -> tuple[Field, ...]:
    """As the source connection lists them, else as the live table has them."""
    listed = read_columns({"schema": {"columns": rows(source, "params", "columns")}})
    if listed:
        return listed
    try:
        return tuple(await Explorer(client).columns(live) or ())
    except Rejected:  # somebody's credentials may have passed: the flow is there all the same
        return ()


def _delta(said: Json) -> DeltaColumn | None:
    name, form, zone = text(said, "name"), text(said, "dateFormat"), text(said, "timezone")
    if name is None:
        return None
    plain = DeltaColumn(name=name)
    return DeltaColumn(name=name, format=form or plain.format, timezone=zone or plain.timezone)


def _refused(message: str, hint: str | None = None) -> Rejected:
    return Rejected(Failure(kind="not_importable", message=message, hint=hint))
