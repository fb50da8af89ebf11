"""cs-onboarding: the steps of both chains, in order, as pure functions (contract 0.3, 15).

@both      what the chains have in common
@adhoc     the steps of February 2020: columns as an ad hoc class and schema, and a connection to the data lake
@tabular   today's steps: the columns stand in the source connection; those three are gone
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from engine.model import Receipt
from engine.resource import Adopt
from engine.workflow import Workflow
from workflows.onboarding import _parts as parts
from workflows.onboarding._parts import existing_dataset, live_table, schedule_mistakes, source_type, target_spec
from workflows.onboarding.inputs import Inputs, decode, encode
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
from workflows.sources import ADHOC, TABULAR

__all__ = [
    "CHAINS",
    "KEYS",
    "existing_dataset",
    "live_table",
    "nameable",
    "schedule_mistakes",
    "source_type",
    "target_spec",
]

Function = TypeVar("Function", bound=Callable[..., Any])


def _chain(name: str, *sentinels: str) -> Workflow[Inputs]:
    return Workflow(
        "cs-onboarding",
        variant=name,
        inputs=Inputs,
        sentinels=sentinels,
        adopts=lambda inputs: inputs.existing,
        encode=encode,
        decode=decode,
    )


adhoc, tabular = _chain(ADHOC, "target_schema", "adhoc_schema"), _chain(TABULAR, "target_schema")
CHAINS: Mapping[str, Workflow[Inputs]] = {ADHOC: adhoc, TABULAR: tabular}
"""The chains by name: which variant of the platform's steps a source goes through."""


KEYS = {"base_connection": "base_connection", "target_schema": "target.schema", "dataset": "target.dataset"}
"""Steps whose existing objects have keys of their own in the manifest, with these keys."""


def nameable(chain: str) -> tuple[str, ...]:
    """The other steps of a chain that make something: the manifest names their existing objects in `existing`."""
    workflow = CHAINS[chain]
    return tuple(name for name in workflow.order if name not in KEYS and not workflow.steps[name].reads_only)


def both(resource: type[Any], **how: Any) -> Callable[[Function], Function]:
    """Declare a step of both chains."""

    def declare(function: Function) -> Function:
        for chain in CHAINS.values():
            chain.step(resource, **how)(function)
        return function

    return declare


# --- from the source ... ----------------------------------------------------------------------------------------------


@both(Connections, shared=parts.base_connection_key, when=parts.makes_base_connection)
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


@adhoc.step(SourceConnections, name="source_connection")
def described_table(inputs: Inputs, base_connection: Receipt | None, adhoc_schema: Receipt) -> SourceConnectionSpec:
    """The table, described by the ad hoc schema."""
    return parts.source_connection_spec(inputs, base_connection, format="parquet_xdm", schema_id=adhoc_schema.id)


@tabular.step(SourceConnections, name="source_connection")
def listed_table(inputs: Inputs, base_connection: Receipt | None) -> SourceConnectionSpec:
    """The table, its columns listed; or, of a REST source, all of its JSON."""
    return parts.source_connection_spec(inputs, base_connection, format=parts.source_type(inputs).data_format)


# --- ... to the target ------------------------------------------------------------------------------------------------


@both(Schemas, shared=parts.target_schema_key)
def target_schema(inputs: Inputs) -> SchemaSpec | Adopt:
    """The schema that the data goes to."""
    return parts.target_schema_spec(inputs)


@both(Datasets, shared=parts.dataset_key)
def dataset(inputs: Inputs, target_schema: Receipt) -> DatasetSpec | Adopt:
    """The dataset that the data goes to."""
    return parts.dataset_spec(inputs, target_schema)


@adhoc.step(Connections, shared="data-lake")
def dataset_base_connection() -> ConnectionSpec:
    """The connection to the data lake: one for all sources of a sandbox."""
    return ConnectionSpec(connection_spec_id=DATA_LAKE)


@adhoc.step(TargetConnections, name="target_connection")
def target_over_a_base(
    dataset_base_connection: Receipt, dataset: Receipt, target_schema: Receipt
) -> TargetConnectionSpec:
    """The dataset as the target of a flow, over the connection to the data lake."""
    return TargetConnectionSpec(base_id=dataset_base_connection.id, dataset_id=dataset.id, schema_id=target_schema.id)


@tabular.step(TargetConnections, name="target_connection")
def target_without_a_base(inputs: Inputs, dataset: Receipt, target_schema: Receipt) -> TargetConnectionSpec:
    """The dataset as the target of a flow; of a REST source's JSON it has no schema."""
    as_json = parts.source_type(inputs).data_format == "json"
    return TargetConnectionSpec(
        dataset_id=dataset.id, schema_id=target_schema.id, format="json" if as_json else "parquet_xdm"
    )


# --- and what joins them ----------------------------------------------------------------------------------------------


@both(MappingSets)
def mapping_set(inputs: Inputs, target_schema: Receipt) -> MappingSpec:
    """Which column goes where."""
    return parts.mapping_spec(inputs, target_schema)


@both(FlowSpecs, shared=parts.flow_spec_key)
def flow_spec(inputs: Inputs) -> FlowSpecQuery:
    """The kind of flow that serves the connector."""
    return parts.flow_spec_query(inputs)


@both(Flows)
def flow(
    inputs: Inputs, source_connection: Receipt, target_connection: Receipt, mapping_set: Receipt, flow_spec: Receipt
) -> FlowSpec:
    """What joins them all, on a schedule."""
    return parts.flow_spec_for(inputs, source_connection.id, target_connection.id, mapping_set, flow_spec)


for _declared in CHAINS.values():
    _declared.check()
