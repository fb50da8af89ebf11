"""Chains that were built by hand are read back whatever their dialect; what cannot be is said in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from engine.errors import Rejected
from tests.aep.support import GIVEN
from workflows.aep import AepClient
from workflows.resources import AdHoc, BuiltChain, DeltaColumn, Field, Row, attribute, column, read_chain

SERVICENOW = "eb13cb25-47ab-407f-ba89-c0125281c563"
FLOW, REGISTRY = "/data/foundation/flowservice", "/data/foundation/schemaregistry/tenant"
SCHEMA, CLASS = "https://ns.adobe.com/acme/schemas/5a", "https://ns.adobe.com/acme/classes/7c"
DATASET = "5e54fb2b0d9c4b18aa0c5c2d"

FLOW_ITEM: dict[str, Any] = {
    "id": "f", "name": "accounts", "state": "enabled", "sourceConnectionIds": ["s"], "targetConnectionIds": ["t"],
    "transformations": [
        {"name": "Copy", "params": {"deltaColumn": {"name": "updatedAt", "dateFormat": "YYYY-MM-DD"}}},
        {"name": "Mapping", "params": {"mappingId": "m", "mappingVersion": 1}},
    ],
    "scheduleParams": {"startTime": "1612310466", "frequency": "minute", "interval": "15", "backfill": "true"},
}  # fmt: skip
SOURCE_ITEM: dict[str, Any] = {
    "id": "s", "baseConnectionId": "b", "connectionSpec": {"id": SERVICENOW}, "params": {"path": "Account"},
    "data": {"format": "parquet_xdm", "schema": {"id": SCHEMA}},
}  # fmt: skip
TARGET_ITEM: dict[str, Any] = {"id": "t", "baseConnectionId": "lake", "params": {"dataSetId": DATASET}}
HASHED = {"properties": {"_7c": {"properties": {"Id": {"type": "string"}, "n": {"type": "integer"}}}}}


def world(**changes: Any) -> dict[str, Any]:
    """What the platform answers by path, as contract 10.2 shows a stored flow: with texts in its schedule."""
    there = {
        f"{FLOW}/flows/f": FLOW_ITEM,
        f"{FLOW}/sourceConnections/s": SOURCE_ITEM,
        f"{FLOW}/targetConnections/t": TARGET_ITEM,
        "/data/foundation/conversion/mappingSets/m": {
            "id": "m", "mappings": [{"sourceAttribute": "Id", "destinationXdmPath": "_id"}],
        },
        f"/data/foundation/catalog/dataSets/{DATASET}": {DATASET: {"name": "d", "schemaRef": {"id": "x"}}},
        f"{REGISTRY}/schemas/{SCHEMA}": {"$id": SCHEMA, "allOf": [{"$ref": CLASS}]},
        f"{REGISTRY}/classes/{CLASS}": {"$id": CLASS, "allOf": [HASHED]},
        f"{FLOW}/connectionSpecs": {"id": "other", "name": "jira"},
    }  # fmt: skip
    for name, change in changes.items():
        path = next(path for path in there if path.endswith(name) or f"/{name}/" in path)
        there[path] = change if change is None else {**there[path], **change}
    return there


async def read(there: Mapping[str, Any]) -> BuiltChain:
    def answer(request: httpx.Request) -> httpx.Response:
        found = there.get(request.url.path)
        if found is None:
            return httpx.Response(404, json={"message": "not found"})
        return httpx.Response(200, json={"items": [found]} if request.url.path.startswith(FLOW) else found)

    async with AepClient(GIVEN, transport=httpx.MockTransport(answer)) as client:
        return await read_chain(client, "f")


async def test_a_chain_of_2020_is_read_with_its_texts_as_numbers() -> None:
    chain = await read(world())
    assert chain.adhoc == AdHoc(class_id=CLASS, schema_id=SCHEMA, lake_id="lake")
    assert chain.columns == (Field(name="Id", type="string"), Field(name="n", type="integer"))
    assert chain.delta == DeltaColumn(name="updatedAt", format="YYYY-MM-DD")
    assert chain.schedule == {"startTime": 1612310466, "frequency": "minute", "interval": 15, "backfill": True}
    assert chain.rows == (Row(source="Id", destination="_id", plain=True),)
    assert (chain.source.key, chain.table, chain.dataset_id) == ("servicenow", "Account", DATASET)


@pytest.mark.parametrize(
    "changes",
    [
        {"t": {"baseConnectionId": None}},
        {"s": {"data": {"schema": {"id": CLASS}}}},
        {"s": {"data": {"format": "tabular"}, "params": {"tableName": "Account"}}},
    ],
    ids=["no connection to the data lake", "a class in place of a schema", "no schema"],
)
async def test_a_chain_that_is_not_that_of_2020_as_a_whole_is_none(changes: Any) -> None:
    chain = await read(world(**changes))
    assert (chain.adhoc, chain.table) == (None, "Account")
    assert [field.name for field in chain.columns] == ([] if "tableName" in str(changes) else ["Id", "n"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"f": None}, "there is no flow f in this sandbox"),
        ({"f": {"state": "draft"}}, "it is a draft"),
        ({"f": {"sourceConnectionIds": ["s", "s2"]}}, "it has 2 sourceConnectionIds, and not one"),
        ({"f": {"transformations": []}}, "it has no mapping set"),
        ({"m": None}, "its mapping set m is not there"),
        ({"s": None}, "there is no source connection s in this sandbox"),
        ({"s": {"connectionSpec": {"id": "other"}}}, "its source is of connection spec other (jira)"),
        ({"s": {"baseConnectionId": None}}, "its source connection s has no base connection"),
        ({"s": {"params": {}}}, "its source connection s names no table"),
        ({DATASET: None}, f"the dataset {DATASET} of its target connection is not there"),
    ],
)
async def test_what_cannot_be_taken_is_told(changes: Any, says: str) -> None:
    with pytest.raises(Rejected) as refused:
        await read(world(**changes))
    assert refused.value.failure.message == says


@pytest.mark.parametrize("name", ["Id", "a.b", "caller name", "a-b.c"])
def test_a_column_is_read_back_from_its_attribute(name: str) -> None:
    assert column(attribute(name)) == name
