"""Source connections: one table of a base connection, in three dialects (contract 6.1)."""

from __future__ import annotations

from typing import Literal

from engine.model import Json, value
from engine.resource import Label
from workflows.aep import AepClient
from workflows.resources._columns import Field, explored
from workflows.resources._flow_service import FlowEnds
from workflows.resources._in_use import ConnectionObjects
from workflows.resources.exploration import Explorer, Table

ADHOC_VERSION = "application/vnd.adobe.xed-full-notext+json; version=1"


@value
class SourceConnectionSpec:
    """One table of a source.

    `format` is the dialect: `parquet_xdm` (2020) names the table by its path and describes it by the ad hoc schema
    `schema_id`; `tabular` (today) lists `columns`; `json` (Zendesk) says neither. `live`: the table that must have the
    columns, looked at before it is connected.
    """

    base_id: str
    connection_spec_id: str
    format: Literal["parquet_xdm", "tabular", "json"]
    table: str
    columns: tuple[Field, ...] = ()
    schema_id: str | None = None
    live: Table | None = None


class SourceConnections(ConnectionObjects, FlowEnds):
    """Source connections."""

    kind = "source connection"
    path = "/sourceConnections"

    def __init__(self, client: AepClient) -> None:
        super().__init__(client)
        self._explorer = Explorer(client)

    def ready(self, spec: SourceConnectionSpec) -> bool:
        looked = spec.live is None or self._explorer.checked(spec.live, spec.columns)
        return looked and super().ready(spec)

    async def prepare(self, spec: SourceConnectionSpec) -> None:
        if spec.live is not None:
            await self._explorer.check(spec.live, spec.columns)
        await super().prepare(spec)

    def body(self, spec: SourceConnectionSpec, label: Label, now: float) -> Json:  # noqa: ARG002
        data: dict[str, Json] = {"format": spec.format}
        params: dict[str, Json] = {}
        if spec.format == "parquet_xdm":
            data["schema"] = {"id": spec.schema_id, "version": ADHOC_VERSION}
            params = {"path": spec.table}
        elif spec.format == "tabular":
            params = {"tableName": spec.table, "columns": [explored(column) for column in spec.columns]}
        return {
            "name": label.name,
            "description": label.note,
            "baseConnectionId": spec.base_id,
            "connectionSpec": {"id": spec.connection_spec_id, "version": "1.0"},
            "data": data,
            "params": params,
        }
