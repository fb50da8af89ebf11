"""Target connections: the dataset that a flow writes to (contract 6.3)."""

from __future__ import annotations

from typing import Literal

from engine.model import Json, value
from engine.resource import Label
from workflows.resources._flow_service import FlowEnds
from workflows.resources._in_use import ConnectionObjects
from workflows.resources._registry import XED_FULL
from workflows.resources.connections import DATA_LAKE


@value
class TargetConnectionSpec:
    """A dataset as a target. `base_id` is the dataset base connection of the 2020 chain, None today; `format` follows
    the source: `json` has no schema in its target (contract 6.3, Zendesk)."""

    dataset_id: str
    schema_id: str
    base_id: str | None = None
    format: Literal["parquet_xdm", "json"] = "parquet_xdm"


class TargetConnections(ConnectionObjects, FlowEnds):
    """Target connections."""

    kind = "target connection"
    path = "/targetConnections"

    def body(self, spec: TargetConnectionSpec, label: Label, now: float) -> Json:  # noqa: ARG002
        base: dict[str, Json] = {} if spec.base_id is None else {"baseConnectionId": spec.base_id}
        data: dict[str, Json] = {"format": spec.format}
        if spec.format == "parquet_xdm":
            data["schema"] = {"id": spec.schema_id, "version": XED_FULL}
        return {
            "name": label.name,
            "description": label.note,
            **base,
            "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
            "data": data,
            "params": {"dataSetId": spec.dataset_id},
        }
