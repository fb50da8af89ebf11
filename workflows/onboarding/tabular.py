"""cs-onboarding, chain `tabular`: today's steps. The columns stand in the source connection; the ad hoc class, its
schema and the dataset base connection are gone (contract 15)."""

from __future__ import annotations

from engine.model import Receipt
from engine.ports import Adopt
from engine.workflow import Workflow
from workflows.onboarding import _parts as parts
from workflows.onboarding.inputs import Inputs
from workflows.resources import (
    Connections,
    ConnectionSpec,
    Datasets,
    DatasetSpec,
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
from workflows.sources import TABULAR

tabular = Workflow(
    "cs-onboarding",
    variant=TABULAR,
    inputs=Inputs,
    sentinels=("target_schema",),
    encode=parts.encode,
    decode=parts.decode,
)


@tabular.step(Connections, shared=parts.base_connection_key, when=parts.makes_base_connection)
def base_connection(inputs: Inputs) -> ConnectionSpec:
    """The connection to the source, unless the manifest names an existing one."""
    return parts.base_connection_spec(inputs)


@tabular.step(SourceConnections)
def source_connection(inputs: Inputs, base_connection: Receipt | None) -> SourceConnectionSpec:
    """The table itself."""
    source = parts.source_type(inputs)
    return SourceConnectionSpec(
        base_id=parts.base_id(inputs, base_connection),
        connection_spec_id=source.connection_spec_id,
        format=source.data_format,
        table=inputs.table,
        columns=parts.fields(inputs),
    )


@tabular.step(Schemas, shared=parts.target_schema_key)
def target_schema(inputs: Inputs) -> SchemaSpec | Adopt:
    """The schema that the data goes to."""
    return parts.target_schema_spec(inputs)


@tabular.step(Datasets, shared=parts.dataset_key)
def dataset(inputs: Inputs, target_schema: Receipt) -> DatasetSpec | Adopt:
    """The dataset that the data goes to."""
    return parts.dataset_spec(inputs, target_schema)


@tabular.step(TargetConnections)
def target_connection(inputs: Inputs, dataset: Receipt, target_schema: Receipt) -> TargetConnectionSpec:
    """The dataset as the target of a flow."""
    as_json = parts.source_type(inputs).data_format == "json"
    return TargetConnectionSpec(
        dataset_id=dataset.id, schema_id=target_schema.id, format="json" if as_json else "parquet_xdm"
    )


@tabular.step(MappingSets)
def mapping_set(inputs: Inputs, target_schema: Receipt) -> MappingSpec:
    """Which column goes where."""
    return parts.mapping_spec(inputs, target_schema)


@tabular.step(FlowSpecs, shared=parts.flow_spec_key)
def flow_spec(inputs: Inputs) -> FlowSpecQuery:
    """The kind of flow that serves the connector."""
    return parts.flow_spec_query(inputs)


@tabular.step(Flows)
def flow(
    inputs: Inputs, source_connection: Receipt, target_connection: Receipt, mapping_set: Receipt, flow_spec: Receipt
) -> FlowSpec:
    """What joins them all, on a schedule."""
    return parts.flow_spec_for(inputs, source_connection.id, target_connection.id, mapping_set, flow_spec)


tabular.check()
