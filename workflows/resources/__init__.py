"""The kinds of remote objects that onboarding makes, one file each; they implement the engine's seams.

    connections          base connections, of the source and of the data lake      Flow Service
    classes, schemas     ad hoc classes; ad hoc and target schemas                  Schema Registry
    source_connections   one table of a source                                      Flow Service
    datasets             where the data goes                                        Catalog
    target_connections   a dataset as the target of a flow                          Flow Service
    mapping_sets         which column goes where                                    Data Prep
    flow_specs, flows    what a flow may ask for, and the flow                      Flow Service
    flow_runs            how ingestions went                                        Flow Service

    exploration          the systems behind base connections: tables, columns
    auth_specs           base connections that are there, and what connectors ask for
    target_fields        the real fields of a target schema, before there is one
    built_chains         chains that people built by hand, from the flow to all that it stands on

A kind has a spec (what is wanted, plain data), a pure `body`, and the requests. `_platform` has what all kinds have in
common, `_flow_service` and `_registry` what those of one service have; `_translate` holds the one table from the
client's errors to the engine's five answers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

from workflows.aep import AepClient
from workflows.resources._columns import Field, Misfit, misfits
from workflows.resources._paths import Fields
from workflows.resources._rules import mistakes
from workflows.resources.auth_specs import auth_mistakes, base_connections, read_base_spec, read_connection_spec
from workflows.resources.built_chains import AdHoc, BuiltChain, read_chain
from workflows.resources.classes import Classes, ClassSpec
from workflows.resources.connections import DATA_LAKE, Connections, ConnectionSpec
from workflows.resources.datasets import Datasets, DatasetSpec
from workflows.resources.exploration import REST_TABLE, Explorer, Listed, Table
from workflows.resources.flow_runs import FlowRun, newest_run
from workflows.resources.flow_specs import FlowSpecQuery, FlowSpecs
from workflows.resources.flows import DeltaColumn, Flows, FlowSpec, flow_body
from workflows.resources.mapping_sets import MappingSets, MappingSpec, Row, attribute, column
from workflows.resources.schemas import BY_DATASET, Schemas, SchemaSpec
from workflows.resources.source_connections import SourceConnections, SourceConnectionSpec
from workflows.resources.target_connections import TargetConnections, TargetConnectionSpec
from workflows.resources.target_fields import read_dataset_schema, read_target_fields

__all__ = [
    "BY_DATASET",
    "DATA_LAKE",
    "REST_TABLE",
    "AdHoc",
    "BuiltChain",
    "ClassSpec",
    "Classes",
    "ConnectionSpec",
    "Connections",
    "DatasetSpec",
    "Datasets",
    "DeltaColumn",
    "Explorer",
    "Field",
    "Fields",
    "FlowRun",
    "FlowSpec",
    "FlowSpecQuery",
    "FlowSpecs",
    "Flows",
    "Listed",
    "MappingSets",
    "MappingSpec",
    "Misfit",
    "Row",
    "SchemaSpec",
    "Schemas",
    "SourceConnectionSpec",
    "SourceConnections",
    "Table",
    "TargetConnectionSpec",
    "TargetConnections",
    "all_resources",
    "attribute",
    "auth_mistakes",
    "base_connections",
    "column",
    "flow_body",
    "misfits",
    "mistakes",
    "newest_run",
    "read_base_spec",
    "read_chain",
    "read_connection_spec",
    "read_dataset_schema",
    "read_target_fields",
]


def all_resources(to: AepClient | None, environ: Mapping[str, str] = os.environ) -> list[Any]:
    """One of each kind, for the engine. `environ` is where the manifest's `${env:NAME}` are looked up. Without a client
    they cannot send, only compare."""
    client = cast("AepClient", to)
    kinds = (Classes, Schemas, Datasets, TargetConnections, MappingSets, FlowSpecs, Flows)
    return [Connections(client, environ), SourceConnections(client), *(kind(client) for kind in kinds)]
