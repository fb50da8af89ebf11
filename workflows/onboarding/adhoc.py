"""cs-onboarding, chain `adhoc`: the steps of February 2020, eleven pure functions (contract 0.3)."""

from __future__ import annotations

from engine.model import Receipt
from engine.ports import Adopt
from engine.workflow import Workflow
from workflows.onboarding import _parts as parts
from workflows.onboarding.inputs import Inputs
from workflows.resources import (
    DATA_LAKE,
    Classes,
    ClassSpec,
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
from workflows.sources import ADHOC

adhoc = Workflow(
    "cs-onboarding",
    variant=ADHOC,
    inputs=Inputs,
    sentinels=("target_schema", "adhoc_schema"),
    encode=parts.encode,
    decode=parts.decode,
)


@adhoc.step(Connections, shared=parts.base_connection_key, when=parts.makes_base_connection)
def base_connection(inputs: Inputs) -> ConnectionSpec:
    """The connection to the source, unless the manifest names an existing one."""
    return parts.base_connection_spec(inputs)


@adhoc.step(Classes)
def adhoc_class(inputs: Inputs) -> ClassSpec:
    """The columns of the table, as a class."""
    return ClassSpec(columns=parts.fields(inputs))


@adhoc.step(Schemas)
def adhoc_schema(adhoc_class: Receipt) -> SchemaSpec:
    """A schema of that class and nothing else."""
    return SchemaSpec(all_of=(adhoc_class.id,))


@adhoc.step(SourceConnections)
def source_connection(inputs: Inputs, base_connection: Receipt | None, adhoc_schema: Receipt) -> SourceConnectionSpec:
    """The table itself."""
    return SourceConnectionSpec(
        base_id=parts.base_id(inputs, base_connection),
        connection_spec_id=parts.source_type(inputs).connection_spec_id,
        format="parquet_xdm",
        table=inputs.table,
        schema_id=adhoc_schema.id,
    )


@adhoc.step(Schemas, shared=parts.target_schema_key)
def target_schema(inputs: Inputs) -> SchemaSpec | Adopt:
    """The schema that the data goes to."""
    return parts.target_schema_spec(inputs)


@adhoc.step(Datasets, shared=parts.dataset_key)
def dataset(inputs: Inputs, target_schema: Receipt) -> DatasetSpec | Adopt:
    """The dataset that the data goes to."""
    return parts.dataset_spec(inputs, target_schema)


@adhoc.step(Connections, shared="data-lake")
def dataset_base_connection() -> ConnectionSpec:
    """The connection to the data lake: one for all sources of a sandbox."""
    return ConnectionSpec(connection_spec_id=DATA_LAKE)


@adhoc.step(TargetConnections)
def target_connection(
    dataset_base_connection: Receipt, dataset: Receipt, target_schema: Receipt
) -> TargetConnectionSpec:
    """The dataset as the target of a flow."""
    return TargetConnectionSpec(base_id=dataset_base_connection.id, dataset_id=dataset.id, schema_id=target_schema.id)


@adhoc.step(MappingSets)
def mapping_set(inputs: Inputs, target_schema: Receipt) -> MappingSpec:
    """Which column goes where."""
    return parts.mapping_spec(inputs, target_schema)


@adhoc.step(FlowSpecs, shared=parts.flow_spec_key)
def flow_spec(inputs: Inputs) -> FlowSpecQuery:
    """The kind of flow that serves the connector."""
    return parts.flow_spec_query(inputs)


@adhoc.step(Flows)
def flow(
    inputs: Inputs, source_connection: Receipt, target_connection: Receipt, mapping_set: Receipt, flow_spec: Receipt
) -> FlowSpec:
    """What joins them all, on a schedule."""
    return parts.flow_spec_for(inputs, source_connection.id, target_connection.id, mapping_set, flow_spec)


adhoc.check()
