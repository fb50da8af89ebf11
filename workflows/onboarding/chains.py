"""cs-onboarding: the steps of both chains, in order, as pure functions (contract 0.3, 15).

@both      what the chains have in common
@adhoc     what only that of February 2020 has: columns as an ad hoc class and schema, and a connection to the data
           lake; in today's, `tabular`, the columns stand in the source connection

They are one workflow, so that a source whose chain changes is a source whose inputs change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from engine.model import Receipt
from engine.resource import Adopt
from engine.workflow import Step, Workflow
from workflows.onboarding import _specs as specs
from workflows.onboarding._specs import existing_dataset, live_table, schedule_mistakes, source_type, target_spec
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
from workflows.sources import ADHOC

__all__ = [
    "KEYS",
    "existing_dataset",
    "live_table",
    "nameable",
    "onboarding",
    "schedule_mistakes",
    "source_type",
    "steps_of",
    "target_spec",
]

Function = TypeVar("Function", bound=Callable[..., Any])


onboarding: Workflow[Inputs] = Workflow(
    "cs-onboarding",
    inputs=Inputs,
    sentinels=("target_schema", "adhoc_schema"),
    adopts=lambda inputs: inputs.existing,
    encode=encode,
    decode=decode,
)
ONLY = dict[str, str]()
"""The chain of each step that only one of them has."""


KEYS = {"base_connection": "base_connection", "target_schema": "target.schema", "dataset": "target.dataset"}
"""Steps whose existing objects have keys of their own in the manifest, with these keys."""


def steps_of(chain: str) -> Mapping[str, Step]:
    """The steps that a chain may have, in order."""
    return {name: onboarding.steps[name] for name in onboarding.order if ONLY.get(name, chain) == chain}


def nameable(chain: str) -> tuple[str, ...]:
    """The other steps of a chain that make something: the manifest names their existing objects in `existing`."""
    return tuple(name for name, step in steps_of(chain).items() if name not in KEYS and not step.reads_only)


both = onboarding.step
"""Declares a step of both chains."""


def adhoc(resource: type[Any], **how: Any) -> Callable[[Function], Function]:
    """Declares a step that only the chain of 2020 has."""

    def declare(function: Function) -> Function:
        ONLY[function.__name__] = ADHOC
        onboarding.step(resource, when=is_adhoc, **how)(function)
        return function

    return declare


def is_adhoc(inputs: Inputs) -> bool:
    """Whether the source goes through the chain of 2020."""
    return inputs.chain == ADHOC


# --- from the source ... ----------------------------------------------------------------------------------------------


@both(Connections, shared=specs.base_connection_key, when=specs.makes_base_connection)
def base_connection(inputs: Inputs) -> ConnectionSpec:
    """The connection to the source, unless the manifest names an existing one."""
    return specs.base_connection_spec(inputs)


@adhoc(Classes)
def adhoc_class(inputs: Inputs) -> ClassSpec:
    """The columns of the table, as a class."""
    return ClassSpec(columns=specs.fields(inputs))


@adhoc(Schemas)
def adhoc_schema(adhoc_class: Receipt) -> SchemaSpec:
    """A schema of that class and nothing else."""
    return SchemaSpec(all_of=(adhoc_class.id,))


@both(SourceConnections)
def source_connection(
    inputs: Inputs, base_connection: Receipt | None, adhoc_schema: Receipt | None
) -> SourceConnectionSpec:
    """The table: described by the ad hoc schema; today, its columns listed; or, of a REST source, all of its JSON."""
    if adhoc_schema is not None and is_adhoc(inputs):
        return specs.source_connection_spec(inputs, base_connection, format="parquet_xdm", schema_id=adhoc_schema.id)
    return specs.source_connection_spec(inputs, base_connection, format=specs.source_type(inputs).data_format)


# --- ... to the target ------------------------------------------------------------------------------------------------


@both(Schemas, shared=specs.target_schema_key)
def target_schema(inputs: Inputs) -> SchemaSpec | Adopt:
    """The schema that the data goes to."""
    return specs.target_schema_spec(inputs)


@both(Datasets, shared=specs.dataset_key)
def dataset(inputs: Inputs, target_schema: Receipt) -> DatasetSpec | Adopt:
    """The dataset that the data goes to."""
    return specs.dataset_spec(inputs, target_schema)


@adhoc(Connections, shared="data-lake")
def dataset_base_connection() -> ConnectionSpec:
    """The connection to the data lake: one for all sources of a sandbox."""
    return ConnectionSpec(connection_spec_id=DATA_LAKE)


@both(TargetConnections)
def target_connection(
    inputs: Inputs, dataset_base_connection: Receipt | None, dataset: Receipt, target_schema: Receipt
) -> TargetConnectionSpec:
    """The dataset as the target of a flow: over the connection to the data lake; today without, and of a REST source's
    JSON without a schema."""
    if dataset_base_connection is not None and is_adhoc(inputs):
        base_id = dataset_base_connection.id
        return TargetConnectionSpec(base_id=base_id, dataset_id=dataset.id, schema_id=target_schema.id)
    as_json = specs.source_type(inputs).data_format == "json"
    return TargetConnectionSpec(
        dataset_id=dataset.id, schema_id=target_schema.id, format="json" if as_json else "parquet_xdm"
    )


# --- and what joins them ----------------------------------------------------------------------------------------------


@both(MappingSets)
def mapping_set(inputs: Inputs, target_schema: Receipt) -> MappingSpec:
    """Which column goes where."""
    return specs.mapping_spec(inputs, target_schema)


@both(FlowSpecs, shared=specs.flow_spec_key)
def flow_spec(inputs: Inputs) -> FlowSpecQuery:
    """The kind of flow that serves the connector."""
    return specs.flow_spec_query(inputs)


@both(Flows)
def flow(
    inputs: Inputs, source_connection: Receipt, target_connection: Receipt, mapping_set: Receipt, flow_spec: Receipt
) -> FlowSpec:
    """What joins them all, on a schedule."""
    return specs.flow_spec_for(inputs, source_connection.id, target_connection.id, mapping_set, flow_spec)


onboarding.check()
