"""Contract 4, 6: base, source and target connections, their specs, and exploring."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.chain import (
    DATA_LAKE,
    FLOW,
    SERVICENOW,
    ZENDESK,
    Json,
    Platform,
    code,
    connection,
    servicenow,
    source,
    target,
)
from tests.emulator.conftest import Start
from workflows.emulator import DEFAULT_BASE_CONNECTION


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (connection(spec="b66ab34-8619-49cb-96d1-39b37ede86ea"), "FLOW-1413-400"),
        ({"name": "x"}, "FLOW-1413-400"),
        (connection(spec=SERVICENOW), "CONNECTOR-1304-400"),
        (connection(spec=SERVICENOW, auth={"specName": "OAuth", "params": {}}), "FLOW-1415-400"),
        (
            connection(
                spec=SERVICENOW,
                auth={"specName": "Basic Authentication", "params": {"server": "s", "username": "u", "password": "p"}},
            ),
            "CONNECTOR-1304-400",
        ),
        (connection(auth={"specName": "Basic Authentication", "params": {}}), "CONNECTOR-1302-400"),
    ],
)
async def test_connections_that_cannot_be(platform: Platform, body: Json, expected: str) -> None:
    assert code(await platform.post(f"{FLOW}/connections", body)) == expected
    assert (await platform.report())["created"] == {}


async def test_the_tutorials_connection_is_there_and_counts_for_nothing(platform: Platform) -> None:
    item = await platform.item("connections", DEFAULT_BASE_CONNECTION)
    assert item["connectionSpec"]["id"] == SERVICENOW
    report = await platform.report()
    assert (report["created"], report["live"], report["unreferenced"]["count"]) == ({}, {}, 0)


async def test_names_need_not_be_unique(platform: Platform) -> None:
    ids = {await platform.make(f"{FLOW}/connections", connection("same")) for _ in range(2)}
    assert len(ids) == 2


async def test_wrong_credentials_show_when_they_are_tried(platform: Platform) -> None:
    good = await platform.make(f"{FLOW}/connections", servicenow())
    bad = await platform.make(f"{FLOW}/connections", servicenow(password="wrong"))
    assert (await platform.get(f"{FLOW}/connections/{good}/test")).json() == {"result": True}
    assert (await platform.get(f"{FLOW}/connections/{bad}/test")).json() == {"result": False}
    assert code(await platform.get(f"{FLOW}/connections/{bad}/explore?objectType=root")) == "CONNECTOR-1308-400"


async def test_what_a_flow_stands_on_cannot_be_deleted(platform: Platform) -> None:
    made = await platform.chain()
    for table, key, expected in (
        ("connections", "base", "FLOW-1418-400"),
        ("connections", "lake", "FLOW-1418-400"),
        ("sourceConnections", "source", "FLOW-1447-400"),
        ("targetConnections", "target", "FLOW-1447-400"),
    ):
        assert code(await platform.delete(f"{FLOW}/{table}/{made[key]}")) == expected
    assert (await platform.delete(f"{FLOW}/flows/{made['flow']}")).status_code == 204
    for table, key in (("sourceConnections", "source"), ("targetConnections", "target"), ("connections", "lake")):
        assert (await platform.delete(f"{FLOW}/{table}/{made[key]}")).status_code == 204
        gone = await platform.get(f"{FLOW}/{table}/{made[key]}")
        assert (gone.status_code, code(gone)) == (404, "FLOW-1439-404")
        assert (await platform.delete(f"{FLOW}/{table}/{made[key]}")).status_code == 404


async def test_transient_states_pass_and_answer_400_meanwhile(start: Start) -> None:
    async with start(transition=0.6) as platform:
        id = await platform.make(f"{FLOW}/connections", connection())
        first = await platform.item("connections", id)
        assert first["state"] == "initializing"
        refused = await platform.delete(f"{FLOW}/connections/{id}")
        assert (refused.status_code, code(refused)) == (400, "FLOW-1417-400")
        async for state in _states(platform, id):
            if state == "enabled":
                break
        assert (await platform.delete(f"{FLOW}/connections/{id}")).status_code == 204
        assert (await platform.report())["mistakes"]["count"] == 0


async def _states(platform: Platform, id: str) -> Any:
    while True:
        yield (await platform.item("connections", id))["state"]


async def test_actions_on_connections_are_the_providers(platform: Platform) -> None:
    assert (
        code(await platform.post(f"{FLOW}/connections/{DEFAULT_BASE_CONNECTION}/action?op=FINALIZE")) == "FLOW-1402-400"
    )


# --- specs and exploring ----------------------------------------------------------------------------------------------


async def test_connection_specs(platform: Platform) -> None:
    by_name = (await platform.get(f"{FLOW}/connectionSpecs?property=name==service-now")).json()["items"]
    by_id = (await platform.get(f"{FLOW}/connectionSpecs/{SERVICENOW}")).json()["items"]
    assert by_name == by_id
    schema = by_id[0]["authSpec"][0]["spec"]
    assert schema["required"] == ["endpoint", "username", "password"]
    assert schema["properties"]["password"]["format"] == "password"
    assert len((await platform.get(f"{FLOW}/connectionSpecs")).json()["items"]) == 5
    assert (await platform.get(f"{FLOW}/connectionSpecs/nothing")).status_code == 404
    assert code(await platform.get(f"{FLOW}/connectionSpecs?limit=3")) == "FLOW-1451-400"


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("Account", ["Id", "Name", "Phone", "email", "updatedAt"]),
        ("incident", ["sys_id", "caller_name", "caller_email", "priority", "sys_updated_on"]),
        ("customer_contact", ["sys_id", "first_name", "last_name", "email", "sys_updated_on"]),
    ],
)
async def test_the_tables_of_the_example_can_be_explored(platform: Platform, table: str, columns: list[str]) -> None:
    path = f"{FLOW}/connections/{DEFAULT_BASE_CONNECTION}/explore"
    listed = (await platform.get(f"{path}?objectType=root")).json()
    assert table in [row["path"] for row in listed]
    shown = (await platform.get(f"{path}?objectType=TABLE&object={table}")).json()
    assert shown["format"] == "flat"
    assert [column["name"] for column in shown["schema"]["columns"]] == columns
    date = shown["schema"]["columns"][-1]
    assert date["meta:xdmType"] == "date-time"
    assert date["xdm"] == {"type": "string", "format": "date-time"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("objectType=folder", "CONNECTOR-1358-400"),
        ("objectType=table", "CONNECTOR-1337-400"),
        ("", "CONNECTOR-1358-400"),
    ],
)
async def test_exploring_nonsense(platform: Platform, query: str, expected: str) -> None:
    assert code(await platform.get(f"{FLOW}/connections/{DEFAULT_BASE_CONNECTION}/explore?{query}")) == expected


async def test_there_are_as_many_tables_of_a_kind_as_one_likes_and_no_others(platform: Platform) -> None:
    path = f"{FLOW}/connections/{DEFAULT_BASE_CONNECTION}/explore?objectType=table&object="
    assert (await platform.get(f"{path}incident")).json() == (await platform.get(f"{path}incident_17")).json()
    assert code(await platform.get(f"{path}incidents")) == "CONNECTOR-1330-400"
    assert (await platform.report())["mistakes"]["count"] == 0


async def test_exploring_zendesk(platform: Platform) -> None:
    auth = {"specName": "OAuth2 Refresh Code", "params": {"subdomain": "https://x.zendesk.com", "accessToken": "t"}}
    id = await platform.make(f"{FLOW}/connections", connection(spec=ZENDESK, auth=auth))
    nothing = base64.b64encode(b"{}").decode().rstrip("=")
    query = f"objectType=rest&object=json&fileType=json&preview=true&sourceParams={quote(nothing)}"
    shown = (await platform.get(f"{FLOW}/connections/{id}/explore?{query}")).json()
    assert shown["format"] == "hierarchical"
    assert "email" in shown["schema"]["properties"]["result"]["properties"]


# --- source and target connections ------------------------------------------------------------------------------------


async def test_every_dialect_of_source_connections(platform: Platform) -> None:
    made = await platform.ends()
    explored = {"name": "Id", "type": "string", "xdm": {"type": "string"}}
    tabular = {**source(made), "data": {"format": "tabular"}, "params": {"tableName": "Account", "columns": [explored]}}
    mixed = {**source(made), "data": {**source(made)["data"], "format": "tabular"}}
    for body in (source(made), tabular, mixed):
        id = await platform.make(f"{FLOW}/sourceConnections", body)
        item = await platform.item("sourceConnections", id)
        assert (item["params"], item["data"]) == (body["params"], body["data"])


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"name": None}, 400, "CONNECTOR-1304-400"),
        ({"baseConnectionId": None}, 400, "CONNECTOR-1304-400"),
        ({"baseConnectionId": "11111111-aaaa-4bbb-8ccc-000000000001"}, 404, "FLOW-1101-404"),
        ({"connectionSpec": {"id": ZENDESK, "version": "1.0"}}, 400, "CONNECTOR-1332-400"),
        ({"connectionSpec": {"id": DATA_LAKE, "version": "1.0"}}, 400, "FLOW-1413-400"),
        ({"data": {"format": "csv"}}, 400, "CONNECTOR-1327-400"),
        ({"data": None}, 400, "CONNECTOR-1327-400"),
        (
            {"data": {"format": "tabular", "schema": {"id": "https://ns.adobe.com/x/schemas/1"}}},
            400,
            "CONNECTOR-1329-400",
        ),
        ({"params": {}}, 400, "CONNECTOR-1304-400"),
    ],
)
async def test_source_connections_that_cannot_be(platform: Platform, change: Json, status: int, expected: str) -> None:
    body = {**source(await platform.ends()), **change}
    body = {key: value for key, value in body.items() if value is not None}
    response = await platform.post(f"{FLOW}/sourceConnections", body)
    assert (response.status_code, code(response)) == (status, expected)


async def test_a_class_for_a_schema_is_accepted_and_noted(platform: Platform) -> None:
    made = await platform.ends()
    body = source({**made, "ad_hoc": made["class"]}, "slip")
    assert (await platform.post(f"{FLOW}/sourceConnections", body)).status_code == 201
    assert "is a class" in (await platform.report())["warnings"][0]["reason"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"connectionSpec": {"id": SERVICENOW, "version": "1.0"}}, "CONNECTOR-1307-400"),
        ({"params": {"dataSetId": ""}}, "CONNECTOR-1325-400"),
        ({"params": {"datasetId": "x"}}, "CONNECTOR-1325-400"),
        ({"params": {"dataSetId": "5e543e8a60b15218ad44b95f"}}, "CONNECTOR-1325-400"),
        ({"data": {"format": "parquet_xdm"}}, "CONNECTOR-1327-400"),
        ({"data": {"format": "tabular"}}, "CONNECTOR-1327-400"),
        ({"baseConnectionId": DEFAULT_BASE_CONNECTION}, "CONNECTOR-1332-400"),
    ],
)
async def test_target_connections_that_cannot_be(platform: Platform, change: Json, expected: str) -> None:
    body = {**target(await platform.ends()), **change}
    assert code(await platform.post(f"{FLOW}/targetConnections", body)) == expected


async def test_the_doubled_brace_of_the_tutorial_is_an_unknown_schema(platform: Platform) -> None:
    made = await platform.ends()
    body = target({**made, "schema": made["schema"].replace("/headway/", "/headway}/")})
    assert code(await platform.post(f"{FLOW}/targetConnections", body)) == "CONNECTOR-1329-400"


async def test_todays_target_has_no_base_connection(platform: Platform) -> None:
    body = target(await platform.ends(), "today")
    del body["baseConnectionId"]
    assert (await platform.post(f"{FLOW}/targetConnections", body)).status_code == 201


async def test_the_tutorials_spec_slip_is_accepted_on_demand(start: Start) -> None:
    async with start(seed_compat=True) as platform:
        slip = {**target(await platform.ends(), "slip"), "connectionSpec": {"id": SERVICENOW, "version": "1.0"}}
        assert (await platform.post(f"{FLOW}/targetConnections", slip)).status_code == 201
        del slip["baseConnectionId"]
        assert code(await platform.post(f"{FLOW}/targetConnections", slip)) == "CONNECTOR-1307-400"


async def test_errors_in_the_shape_of_2020(start: Start) -> None:
    async with start(older_errors=True) as platform:
        response = await platform.get(f"{FLOW}/flows/nothing")
        assert (response.status_code, set(response.json())) == (404, {"errorMessage"})


async def test_todays_error_shape(platform: Platform) -> None:
    body = (await platform.get(f"{FLOW}/flows/nothing")).json()
    assert body["type"] == "https://ns.adobe.com/aep/errors/FLOW-1439-404"
    assert body["errorMessage"] == body["errorDetails"] == body["report"]["detailed-message"]
    assert body["report"]["request-id"]


@pytest.mark.parametrize(("table", "key"), [("sourceConnections", "source"), ("targetConnections", "target")])
async def test_ends_can_be_changed_enabled_and_disabled(platform: Platform, table: str, key: str) -> None:
    id = (await platform.ends())[key]
    path, etag = f"{FLOW}/{table}/{id}", (await platform.item(table, id))["etag"]
    rename = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert (await platform.patch(path, rename, If_Match=etag)).status_code == 200
    empty = [{"op": "replace", "path": "/data", "value": {}}]
    etag = (await platform.item(table, id))["etag"]
    assert code(await platform.patch(path, empty, If_Match=etag)) == "CONNECTOR-1327-400"
    assert (await platform.item(table, id))["name"] == "renamed"
    for op, status, state in (("disable", 200, "disabled"), ("DISABLE", 400, "disabled"), ("ENABLE", 200, "enabled")):
        assert (await platform.post(f"{path}/action?op={op}")).status_code == status
        assert (await platform.item(table, id))["state"] == state
