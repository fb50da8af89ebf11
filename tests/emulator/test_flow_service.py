"""Contract 3: envelopes, filters, paging, etags and PATCH of everything in Flow Service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.chain import DATA_LAKE, FLOW, Platform, code, connection, servicenow


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
