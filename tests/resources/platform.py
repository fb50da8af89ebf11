"""An emulated platform with a client to it, and for each kind an object to ask for, its references made beforehand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

from engine.model import Receipt
from engine.resource import Label
from workflows.aep import AepClient, Credentials
from workflows.emulator import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_ORG,
    DEFAULT_SANDBOX,
    DEFAULT_SCOPES,
    EmulatorConfig,
    Faults,
    Rule,
    serving,
)
from workflows.resources import (
    DATA_LAKE,
    Classes,
    ClassSpec,
    Connections,
    ConnectionSpec,
    Datasets,
    DatasetSpec,
    DeltaColumn,
    Field,
    Flows,
    FlowSpec,
    FlowSpecQuery,
    FlowSpecs,
    MappingSets,
    MappingSpec,
    Schemas,
    SchemaSpec,
    SourceConnections,
    SourceConnectionSpec,
    TargetConnections,
    TargetConnectionSpec,
)

NOW = 4_000_000_000.0
"""Epoch seconds of bodies whose start must lie in the future: the year 2096."""
SERVICENOW = "eb13cb25-47ab-407f-ba89-c0125281c563"
PROFILE = "https://ns.adobe.com/xdm/context/profile"
DETAILS = "https://ns.adobe.com/xdm/context/profile-person-details"
ENVIRON = {"PASSWORD": "correct horse battery", "ZENDESK_TOKEN": "zendesk token"}
COLUMNS = (Field(name="Id", type="string"), Field(name="updatedAt", type="date-time"), Field(name="n", type="integer"))
AUTH = {"endpoint": "https://acme.service-now.com", "username": "headway", "password": "${env:PASSWORD}"}


class Platform:
    """The emulator, and one resource of each kind that speaks to it."""

    def __init__(self, emulator: Any, client: AepClient) -> None:
        self.emulator, self.client = emulator, client
        self.kinds: dict[str, Any] = {
            kind.kind: kind(self.client)
            for kind in (
                Classes, Schemas, SourceConnections, Datasets, TargetConnections, MappingSets, FlowSpecs, Flows,
            )
        }  # fmt: skip
        self.kinds["connection"] = Connections(self.client, ENVIRON)

    def fault(self, **rule: Any) -> None:
        """From now on this befalls matching requests, and nothing else does."""
        self.emulator.chaos.arm(Faults(rules=(Rule(**rule),)))

    def requests(self, service: str, method: str) -> int:
        """How many such requests came in."""
        return int(self.emulator.platform.books.requests[service, method])

    async def make(self, kind: str, spec: Any, name: str = "made") -> Receipt:
        """Create an object as the engine does."""
        resource = self.kinds[kind]
        await resource.prepare(spec)
        body = resource.body(spec, label(name), NOW)
        receipt: Receipt = await resource.create(orjson.dumps(body).decode(), 5.0)
        return receipt

    async def spec(self, kind: str, **changes: Any) -> Any:
        """What to ask for, after everything that it refers to was made."""
        return await SPECS[kind](self, **changes)


@asynccontextmanager
async def platform(
    *, secret: str = DEFAULT_CLIENT_SECRET, sandbox: str = DEFAULT_SANDBOX, **settings: Any
) -> AsyncIterator[Platform]:
    async with serving(EmulatorConfig(port=0, **settings)) as (url, emulator):
        credentials = Credentials(
            api_key=DEFAULT_CLIENT_ID,
            client_secret=secret,
            scopes=DEFAULT_SCOPES,
            ims_org=DEFAULT_ORG,
            sandbox=sandbox,
            base_url=url,
            ims_url=url,
        )
        async with AepClient(credentials, attempts=2, sleep=at_once) as client:
            yield Platform(emulator, client)


async def at_once(seconds: float) -> None:
    """Instead of a pause between two reads."""


def label(name: str) -> Label:
    return Label(name=name, note=f"{name}. headway attempt=p1-7", attempt="p1-7")


# --- an object of each kind -------------------------------------------------------------------------------------------


async def _connection(_: Platform, auth: dict[str, str] | None = None) -> ConnectionSpec:
    auth = AUTH if auth is None else auth
    return ConnectionSpec(connection_spec_id=SERVICENOW, auth_spec="Basic Authentication", auth=auth)


async def _class(_: Platform, columns: tuple[Field, ...] = COLUMNS) -> ClassSpec:
    return ClassSpec(columns=columns)


async def _schema(_: Platform, groups: tuple[str, ...] = (DETAILS,)) -> SchemaSpec:
    return SchemaSpec(all_of=(PROFILE, *groups))


async def _source(to: Platform, table: str = "incident") -> SourceConnectionSpec:
    klass = await to.make("class", await to.spec("class"), f"class of {table}")
    schema = await to.make("schema", SchemaSpec(all_of=(klass.id,)), f"schema of {table}")
    base = await to.make("connection", await to.spec("connection"))
    return SourceConnectionSpec(
        base_id=base.id, connection_spec_id=SERVICENOW, format="parquet_xdm", table=table, schema_id=schema.id
    )


async def _dataset(to: Platform, title: str = "people") -> DatasetSpec:
    schema = await to.make("schema", await to.spec("schema"), title)
    return DatasetSpec(schema_id=schema.id)


async def _target(to: Platform, title: str = "people of target") -> TargetConnectionSpec:
    schema = await to.make("schema", await to.spec("schema"), title)
    dataset = await to.make("dataset", DatasetSpec(schema_id=schema.id))
    lake = await to.make("connection", ConnectionSpec(connection_spec_id=DATA_LAKE))
    return TargetConnectionSpec(dataset_id=dataset.id, schema_id=schema.id, base_id=lake.id)


async def _mapping(to: Platform, pairs: tuple[tuple[str, str], ...] = (("Id", "_id"),)) -> MappingSpec:
    schema = await to.make("schema", await to.spec("schema"), f"people {len(to.emulator.platform.books.created)}")
    return MappingSpec(schema_id=schema.id, structure="profile", pairs=pairs)


async def _flow(to: Platform, interval: int = 1) -> FlowSpec:
    source = await to.make("source connection", await to.spec("source connection"))
    target = await to.spec("target connection")
    mapping = await to.make(
        "mapping set", MappingSpec(schema_id=target.schema_id, structure="flow", pairs=(("Id", "_id"),))
    )
    rules = await to.kinds["flow spec"].fetch(FlowSpecQuery(name="CRMToAEP"))
    return FlowSpec(
        flow_spec_id=rules.id,
        flow_spec_version=rules.version,
        connection_spec_id=SERVICENOW,
        source_id=source.id,
        target_id=(await to.make("target connection", target)).id,
        mapping_id=mapping.id,
        mapping_version=mapping.version,
        delta=DeltaColumn(name="updatedAt"),
        frequency="hour",
        interval=interval,
        backfill=True,
        rules=rules.data,
    )


SPECS: dict[str, Callable[..., Awaitable[Any]]] = {
    "connection": _connection,
    "class": _class,
    "schema": _schema,
    "source connection": _source,
    "dataset": _dataset,
    "target connection": _target,
    "mapping set": _mapping,
    "flow": _flow,
}
KINDS = tuple(SPECS)
NAMED = tuple(kind for kind in KINDS if kind not in ("class", "schema"))
"""Kinds whose names may repeat."""
