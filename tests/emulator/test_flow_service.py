"""Contract 3, 4, 6: envelopes, filters, paging, etags, PATCH, connections, specs, exploring."""

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


async def _names(platform: Platform, query: str, table: str = "connections") -> list[str]:
    response = await platform.get(f"{FLOW}/{table}?{query}")
    assert response.status_code == 200, response.text
    return [item["name"] for item in response.json()["items"]]


@pytest.fixture
async def three(platform: Platform) -> Platform:
    for name in ("a b", "b", "c"):
        await platform.make(f"{FLOW}/connections", connection(name, description=f"about {name}"))
    return platform


async def test_a_creation_answers_id_and_etag_and_where_it_is(platform: Platform) -> None:
    response = await platform.post(f"{FLOW}/connections", servicenow())
    assert response.status_code == 201
    assert set(response.json()) == {"id", "etag"}
    assert response.json()["etag"].startswith('"')
    assert response.headers["location"].endswith(response.json()["id"])
    item = await platform.item("connections", response.json()["id"])
    assert item["etag"] == item["version"] == response.json()["etag"]
    assert item["state"] == "enabled"
    assert item["auth"]["params"]["password"] == "secret"  # it comes back: clients must mask it
    assert {"createdAt", "updatedAt", "createdBy", "createdClient", "sandboxName", "imsOrgId"} <= set(item)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("property=name==b", ["b"]),
        ('property=name=="b"', ["b"]),
        ("property=name%3D%3Da%20b", ["a b"]),
        ("property=name==a+b", ["a b"]),
        ("property=name==c,b", ["b", "c"]),
        ("property=name==b&property=description==about%20b", ["b"]),
        ("property=name==b&property=description==about%20c", []),
        (f"property=connectionSpec.id=={DATA_LAKE}", ["a b", "b", "c"]),
        (f"property=connectionSpec.id=={DATA_LAKE}&property=name!=b", ["a b", "c"]),
        (f"property=connectionSpec.id=={DATA_LAKE}&orderby=-name", ["c", "b", "a b"]),
        (f"property=connectionSpec.id=={DATA_LAKE}&orderby=+name", ["a b", "b", "c"]),
        (f"property=connectionSpec.id=={DATA_LAKE}&orderby=-createdAt", ["c", "b", "a b"]),
        (f"property=connectionSpec.id=={DATA_LAKE}&property=createdAt>1000", ["a b", "b", "c"]),
        ("property=createdAt<1000", []),
        ("property=state==disabled", []),
    ],
)
async def test_lists_are_filtered_and_sorted(three: Platform, query: str, expected: list[str]) -> None:
    assert await _names(three, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("property=name~b", "FLOW-1440-400"),
        ("property=createdAt>=1,2", "FLOW-1443-400"),
        ("property=id>=1", "FLOW-1448-400"),
        ("property=name==", "FLOW-1453-400"),
        ("property=name", "FLOW-1453-400"),
        ("limit=2&count=true", "FLOW-1401-400"),
        ("limit=0", "FLOW-1452-400"),
        ("orderby=%23id", "FLOW-1433-400"),
        ("nonsense=1", "FLOW-1451-400"),
        ("continuationToken=nonsense", "FLOW-1452-400"),
    ],
)
async def test_wrong_queries_are_refused(platform: Platform, query: str, expected: str) -> None:
    assert code(await platform.get(f"{FLOW}/connections?{query}")) == expected


async def test_counting(three: Platform) -> None:
    counted = await three.get(f"{FLOW}/connections?count=true&property=connectionSpec.id=={DATA_LAKE}")
    assert counted.json() == {"count": 3}
    listed = await three.get(f"{FLOW}/connections?limit=1&count=False")
    assert len(listed.json()["items"]) == 1


@pytest.mark.parametrize("order", ["", "&orderby=name", "&orderby=-name", "&orderby=-createdAt"])
async def test_following_the_links_shows_every_row_once(platform: Platform, order: str) -> None:
    for number in range(7):
        await platform.make(f"{FLOW}/connections", connection(f"n{number}"))
    seen, path = [], f"/connections?limit=3&property=connectionSpec.id=={DATA_LAKE}{order}"
    while path:
        page = (await platform.get(FLOW + path)).json()
        seen += [item["name"] for item in page["items"]]
        path = page["_links"].get("next", {}).get("href", "")
        assert not path or path.startswith("/connections?continuationToken=")
        assert path.count("=") <= 1
    assert sorted(seen) == [f"n{number}" for number in range(7)]
    assert seen == sorted(seen, reverse="-" in order)


async def test_a_list_without_limit_is_paged(platform: Platform) -> None:
    for number in range(25):
        await platform.make(f"{FLOW}/connections", connection(f"n{number}"))
    page = (await platform.get(f"{FLOW}/connections")).json()
    assert len(page["items"]) == 20
    assert page["_links"]["next"]["href"]


async def test_searching_by_post(three: Platform) -> None:
    query = {"queryString": "property=name==c,b", "orderby": "-name", "limit": 1}
    page = (await three.post(f"{FLOW}/connections/search", query)).json()
    assert [item["name"] for item in page["items"]] == ["c"]
    token = page["_links"]["next"]["href"].split("continuationToken=")[1]
    page = (await three.post(f"{FLOW}/connections/search?continuationToken={token}", query)).json()
    assert [item["name"] for item in page["items"]] == ["b"]
    assert (await three.post(f"{FLOW}/connections/search", {"queryString": "", "count": True})).json() == {"count": 4}
    assert code(await three.post(f"{FLOW}/connections/search", {"limit": 1001})) == "FLOW-1452-400"


async def test_nested_and_array_paths(platform: Platform) -> None:
    made = await platform.chain()
    for query in (
        f"sourceConnectionIds[]=={made['source']}",
        f"inheritedAttributes.targetConnections[].connectionSpec.id=={DATA_LAKE}",
        "inheritedAttributes.properties.isSourceFlow==true",
        f"flowSpec.id==14518937-270c-4525-bdec-c2ba7cce3860&property=targetConnectionIds[]=={made['target']}",
    ):
        assert await _names(platform, f"property={query}", "flows") == ["flow 1"]
    assert await _names(platform, f"property=sourceConnectionIds=={made['source']}", "flows") == []
    assert await _names(platform, f"property=params.dataSetId=={made['dataset']}", "targetConnections") == ["target 1"]
    assert await _names(platform, f"property=baseConnectionId=={made['base']}", "sourceConnections") == ["source 1"]


# --- PATCH ------------------------------------------------------------------------------------------------------------


async def test_a_patch_needs_the_current_etag_and_makes_a_new_one(platform: Platform) -> None:
    id = await platform.make(f"{FLOW}/connections", servicenow())
    path, first = f"{FLOW}/connections/{id}", (await platform.item("connections", id))["etag"]
    rename = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert code(await platform.patch(path, rename)) == "FLOW-1403-400"
    response = await platform.patch(path, rename, If_Match=first)
    second = response.json()["etag"]
    assert response.json()["id"] == id
    assert second != first
    stale = await platform.patch(path, rename, If_Match=first)
    assert (stale.status_code, code(stale)) == (412, "FLOW-1404-412")
    unquoted = await platform.patch(path, rename, If_Match=second.strip('"'))
    assert unquoted.status_code == 200
    assert (await platform.item("connections", id))["name"] == "renamed"
    assert await _names(platform, "property=name==renamed") == ["renamed"]
    assert await _names(platform, "property=name==snow") == []


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "move", "from": "/name", "path": "/description"}], "FLOW-1434-400"),
        ([{"op": "replace", "path": "/connectionSpec/id", "value": DATA_LAKE}], "FLOW-1414-400"),
        ([{"op": "replace", "path": "/nothing", "value": 1}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/etag", "value": "1"}], "FLOW-1455-400"),
        ([{"op": "remove", "path": "/auth/params/password"}], "CONNECTOR-1304-400"),
        ([], "FLOW-1405-400"),
        ([{"op": "REPLACE", "path": "/auth/params/password", "value": "new"}], None),
        ([{"op": "add", "path": "/description", "value": "new"}, {"op": "remove", "path": "/description"}], None),
        ({"op": "replace", "path": "/name", "value": "new"}, None),
    ],
)
async def test_what_can_be_patched(platform: Platform, operations: Any, expected: str | None) -> None:
    id = await platform.make(f"{FLOW}/connections", servicenow())
    before = await platform.item("connections", id)
    response = await platform.patch(f"{FLOW}/connections/{id}", operations, If_Match=before["etag"])
    assert (response.status_code == 200) == (expected is None), response.text
    if expected is not None:
        assert code(response) == expected
        assert await platform.item("connections", id) == before


async def test_an_empty_patch(platform: Platform) -> None:
    id = await platform.make(f"{FLOW}/connections", servicenow())
    etag = (await platform.item("connections", id))["etag"]
    assert code(await platform.http.patch(f"{FLOW}/connections/{id}", headers={"If-Match": etag})) == "FLOW-1405-400"


# --- connections ------------------------------------------------------------------------------------------------------


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
    async with start(transition=0.3) as platform:
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


async def test_any_other_table_has_plausible_columns(platform: Platform) -> None:
    path = f"{FLOW}/connections/{DEFAULT_BASE_CONNECTION}/explore?objectType=table&object=sys_user"
    first, second = (await platform.get(path)).json(), (await platform.get(path)).json()
    assert first == second
    assert len(first["schema"]["columns"]) > 3


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
