"""What each step asks for, from the inputs of a source: its spec, and the key under which runs share it. Pure.

`chains` declares the steps, and calls these. A key is `kind:name`, so that names of different kinds never meet; people
see what is after the colon.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Literal

from engine import codec
from engine.model import Json, Receipt
from engine.resource import Adopt, Label
from workflows.onboarding.inputs import Inputs, Target
from workflows.resources import (
    BY_DATASET,
    ConnectionSpec,
    DatasetSpec,
    DeltaColumn,
    Field,
    FlowSpec,
    FlowSpecQuery,
    MappingSpec,
    SchemaSpec,
    SourceConnectionSpec,
    Table,
    attribute,
    flow_body,
    mistakes,
)
from workflows.sources import SourceType, discover

_SCHEMA_ID = re.compile(r"https?://.*|_\w+\.schemas\.\w+")
_DATASET_ID = re.compile(r"[0-9a-f]{24}")


def source_type(inputs: Inputs) -> SourceType:
    """The connector of the source."""
    return discover()[inputs.connector]


# --- base connection --------------------------------------------------------------------------------------------------


def makes_base_connection(inputs: Inputs) -> bool:
    """Whether the manifest asks to create the base connection, instead of naming one by id."""
    return inputs.base_connection.id is None


def base_connection_key(inputs: Inputs) -> str:
    """Sources that describe the same base connection share it: by connector and name, or without a name by connector
    and all that anybody may see of `auth`. Secrets can change without its becoming another one."""
    source, base = source_type(inputs), inputs.base_connection
    if base.name is not None:
        return f"base-connection/{source.key}:{base.name}"
    return f"base-connection/{source.key}/{codec.fingerprint(source.public(base.auth))}:{source.title}"


def base_connection_spec(inputs: Inputs) -> ConnectionSpec:
    """The source's own base connection, with its credentials as references."""
    source = source_type(inputs)
    return ConnectionSpec(
        connection_spec_id=source.connection_spec_id, auth_spec=source.auth_spec, auth=inputs.base_connection.auth
    )


def source_connection_spec(
    inputs: Inputs,
    base_connection: Receipt | None,
    *,
    format: Literal["parquet_xdm", "tabular", "json"],
    schema_id: str | None = None,
) -> SourceConnectionSpec:
    """The table itself. Over a base connection that was made for it, it is looked at first: before, it could not be.
    Raises ValueError when there is no base connection."""
    source, base_id = source_type(inputs), base_connection.id if base_connection else inputs.base_connection.id
    if base_id is None:
        raise ValueError(f"source {inputs.source} has no base connection")
    return SourceConnectionSpec(
        base_id=base_id,
        connection_spec_id=source.connection_spec_id,
        format=format,
        table=inputs.table,
        columns=fields(inputs),
        schema_id=schema_id,
        live=live_table(inputs, base_id) if base_connection else None,
    )


def live_table(inputs: Inputs, base_id: str) -> Table:
    """The source's table as it can be looked at through a base connection."""
    return Table(base_id=base_id, path=inputs.table, rest=source_type(inputs).explore == "rest")


def fields(inputs: Inputs) -> tuple[Field, ...]:
    """The columns of the source's table."""
    return tuple(Field(name=column.name, type=column.type) for column in inputs.columns)


# --- target -----------------------------------------------------------------------------------------------------------


def target_schema_key(inputs: Inputs) -> str | None:
    """A schema is shared by its name, or by that of a shared dataset. What exists already is adopted by each run."""
    schema, dataset = inputs.target.schema, inputs.target.dataset
    if isinstance(target_schema_spec(inputs), Adopt):
        return None
    if schema is not None:
        return f"schema:{schema}"
    return None if dataset is None else f"dataset-schema:{dataset}"


def target_schema_spec(inputs: Inputs) -> SchemaSpec | Adopt:
    """The schema that data goes to."""
    return target_spec(inputs.target)


def target_spec(target: Target) -> SchemaSpec | Adopt:
    """The schema of a target; an existing dataset brings its own."""
    schema, dataset = target.schema, target.dataset
    if schema is not None and _SCHEMA_ID.fullmatch(schema):
        return Adopt(ref=schema)
    if dataset is not None and _DATASET_ID.fullmatch(dataset):
        return Adopt(ref=BY_DATASET + dataset)
    return SchemaSpec(all_of=(target.klass, *target.field_groups))


def existing_dataset(inputs: Inputs) -> str | None:
    """The dataset that the target names by id."""
    dataset = inputs.target.dataset
    return dataset if dataset is not None and _DATASET_ID.fullmatch(dataset) else None


def dataset_key(inputs: Inputs) -> str | None:
    """A dataset is shared by its name and its schema: with another schema it is another dataset."""
    schema, dataset = inputs.target.schema, inputs.target.dataset
    if dataset is None or _DATASET_ID.fullmatch(dataset):
        return None
    return f"dataset:{dataset}" if schema is None else f"dataset/{codec.fingerprint(schema)}:{dataset}"


def dataset_spec(inputs: Inputs, target_schema: Receipt) -> DatasetSpec | Adopt:
    """The dataset that data goes to."""
    dataset = inputs.target.dataset
    if dataset is not None and _DATASET_ID.fullmatch(dataset):
        return Adopt(ref=dataset)
    return DatasetSpec(schema_id=target_schema.id)


def mapping_spec(inputs: Inputs, target_schema: Receipt) -> MappingSpec:
    """Which column goes where. Schemas of the same class and field groups look alike, whatever their ids."""
    as_is = source_type(inputs).data_format == "json"
    target = inputs.target
    own = not isinstance(target_schema_spec(inputs), Adopt)
    return MappingSpec(
        schema_id=target_schema.id,
        structure=codec.canonical([target.klass, *sorted(target.field_groups)]) if own else target_schema.id,
        pairs=tuple((column if as_is else attribute(column), path) for column, path in inputs.mappings),
    )


# --- flow -------------------------------------------------------------------------------------------------------------


def flow_spec_key(inputs: Inputs) -> str:
    """Flow specs are few, and read once."""
    source = source_type(inputs)
    return f"flow-spec:{source.flow_spec or source.flow_spec_id}"


def flow_spec_query(inputs: Inputs) -> FlowSpecQuery:
    """The kind of flow that serves the connector."""
    source = source_type(inputs)
    return FlowSpecQuery(name=source.flow_spec, id=source.flow_spec_id)


def flow_spec_for(inputs: Inputs, source_id: str, target_id: str, mapping_set: Receipt, flow_spec: Receipt) -> FlowSpec:
    """The flow of the source, with its schedule."""
    schedule = inputs.schedule
    return FlowSpec(
        flow_spec_id=flow_spec.id,
        flow_spec_version=flow_spec.version,
        connection_spec_id=source_type(inputs).connection_spec_id,
        source_id=source_id,
        target_id=target_id,
        mapping_id=mapping_set.id,
        mapping_version=mapping_set.version,
        delta=_delta(inputs),
        frequency=schedule.frequency,
        interval=schedule.interval,
        backfill=schedule.backfill,
        start=schedule.start,
        offset=_offset(inputs.source, schedule.spread),
        rules=flow_spec.data,
    )


def schedule_mistakes(inputs: Inputs, rules: Mapping[str, Json]) -> list[str]:
    """Why the platform would refuse the source's flow, in words for people; empty when it would not. `rules` is the
    `data` of the flow spec's receipt. For checking a manifest before anything is sent."""
    nothing = Receipt(id="-", version="0")
    spec = flow_spec_for(inputs, "-", "-", nothing, Receipt(id="-", version="1.0", data=rules))
    return mistakes(flow_body(spec, Label(name="-", note="", attempt=""), 0), rules, spec.connection_spec_id)


def _delta(inputs: Inputs) -> DeltaColumn | None:
    column = next((column for column in inputs.columns if column.name == inputs.delta_column), None)
    if column is None or not source_type(inputs).copies:
        return None
    plain = DeltaColumn(name=column.name)
    return DeltaColumn(
        name=column.name, format=column.format or plain.format, timezone=column.timezone or plain.timezone
    )


def _offset(source: str, spread: int | None) -> int:
    """Where in the spread the source starts: always at the same place, and evenly over many sources."""
    if not spread:
        return 0
    return int.from_bytes(hashlib.blake2b(source.encode(), digest_size=8).digest()) % spread
