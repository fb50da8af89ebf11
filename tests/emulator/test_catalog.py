"""Contract 7: datasets keyed by id, filters, tags, versions, changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.emulator.chain import CATALOG, PROFILE, REGISTRY, Json, Platform, dataset, resource, schema

DATASETS = f"{CATALOG}/dataSets"
PATCH = {"Content-Type": "application/json-patch+json"}


@pytest.fixture
async def schema_id(platform: Platform) -> str:
    id: str = await platform.make(f"{REGISTRY}/tenant/schemas", schema("s", PROFILE))
    return id


async def _names(platform: Platform, query: str) -> list[str]:
    response = await platform.get(f"{DATASETS}?{query}")
    assert response.status_code == 200, response.text
    return [row["name"] for row in response.json().values()]


async def test_a_creation_answers_a_list_with_one_reference(platform: Platform, schema_id: str) -> None:
    response = await platform.post(f"{DATASETS}?requestDataSource=true", dataset(schema_id))
    assert response.status_code == 201
    (reference,) = response.json()
    assert re.fullmatch(r"@/dataSets/[0-9a-f]{24}", reference)
    id = reference.rsplit("/", 1)[1]
    assert response.headers["location"].endswith(id)
    read = await platform.get(f"{DATASETS}/{id}")
    (shown,) = read.json().values()
    assert set(read.json()) == {id}
    assert read.headers["e-tag"] == shown["version"] == "1.0.0"
    assert shown["classification"] == {"dataBehavior": "record", "managedBy": "CUSTOMER"}
    assert "etag" not in read.headers


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["alpha", "alpine", "beta*", "beta*"]),
        ("name=alpha", ["alpha"]),
        ("name=alpha,alpine", ["alpha", "alpine"]),
        ("name=!alpha", ["alpine", "beta*", "beta*"]),
        ("name=!alpha,alpine", ["beta*", "beta*"]),
        ("name=alp*", ["alpha", "alpine"]),
        ("name=beta**", ["beta*", "beta*"]),
        ("description=second", ["alpine"]),
        ("name=alpha&description=second", []),
        ("property=name==alpine", ["alpine"]),
        ("property=name!=alpine&name=alp*", ["alpha"]),
        ("property=name~^alp.*e$", ["alpine"]),
        ("property=created>0", ["alpha", "alpine", "beta*", "beta*"]),
        ("property=description", ["alpine"]),
        ("property=!description", ["alpha", "beta*", "beta*"]),
        ("tags=run:one", ["alpha", "alpine"]),
        ("tags=run:one,step:x", ["alpine"]),
        ("tags=run:o*", ["alpha", "alpine"]),
        ("tags=step:*", ["alpine"]),
        ("tags=run:two", []),
        ("orderBy=desc:created", ["beta*", "beta*", "alpine", "alpha"]),
        ("orderBy=desc:name&limit=3", ["beta*", "beta*", "alpine"]),
        ("orderBy=name,desc:created&start=1", ["alpine", "beta*", "beta*"]),
        ("limit=2&start=1", ["alpine", "beta*"]),
        ("nothing=1", []),
    ],
)
async def test_filters(platform: Platform, schema_id: str, query: str, expected: list[str]) -> None:
    await platform.make(DATASETS, dataset(schema_id, "alpha", tags={"run": ["one"]}))
    tags = {"run": ["zero", "one"], "step": ["x"]}
    await platform.make(DATASETS, dataset(schema_id, "alpine", description="second", tags=tags))
    for _ in range(2):
        await platform.make(DATASETS, dataset(schema_id, "beta*"))
    assert await _names(platform, query) == expected


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "start=-1", "limit=x", "limit=21&properties=observableSchema", "orderBy=up:name",
              "property=schemaRef.id==x", "tags=x", "property=name~["]
)  # fmt: skip
async def test_wrong_queries_are_refused(platform: Platform, query: str) -> None:
    assert (await platform.get(f"{DATASETS}?{query}")).status_code == 400


async def test_a_list_shows_20_and_nothing_is_an_empty_object(platform: Platform, schema_id: str) -> None:
    assert (await platform.get(DATASETS)).json() == {}
    for number in range(22):
        await platform.make(DATASETS, dataset(schema_id, f"d{number}"))
    assert len(await _names(platform, "")) == 20
    assert len(await _names(platform, "limit=100")) == 22


async def test_chosen_properties(platform: Platform, schema_id: str) -> None:
    id = await platform.make(DATASETS, dataset(schema_id, "d"))
    assert (await platform.get(f"{DATASETS}?properties=name,tags")).json() == {id: {"name": "d", "tags": {}}}
    assert (await platform.get(f"{DATASETS}/{id}?properties=description")).json() == {id: {}}


@pytest.mark.parametrize(
    "change",
    [
        {"schemaRef": None},
        {"schemaRef": {"id": "https://ns.adobe.com/headway/schemas/1", "contentType": "x;version=1"}},
        {"schemaRef": {"contentType": "application/vnd.adobe.xed+json;version=1"}},
        {"tags": {"run": "one"}},
        {"tags": {"adobe/x": ["y"]}},
        {"tags": {"unifiedProfile": ["enabled:true"]}},
        {"name": 1},
    ],
)
async def test_datasets_that_cannot_be(platform: Platform, schema_id: str, change: Json) -> None:
    body = {**dataset(schema_id), **change}
    assert (await platform.post(DATASETS, {k: v for k, v in body.items() if v is not None})).status_code == 400


async def test_the_content_type_of_the_schema_is_checked(platform: Platform, schema_id: str) -> None:
    for media, status in (
        ("application/vnd.adobe.xed+json;version=1", 201),
        ("application/vnd.adobe.xed-full+json; version=1.0", 201),
        ("application/json", 400),
        ("application/vnd.adobe.xed+json", 400),
    ):
        body = dataset(schema_id, schemaRef={"id": schema_id, "contentType": media})
        assert (await platform.post(DATASETS, body)).status_code == status


async def test_profile_needs_a_profile_schema(platform: Platform, schema_id: str) -> None:
    tag = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]
    await platform.patch(f"{REGISTRY}/tenant/schemas/{resource(schema_id)}", tag)
    body = dataset(schema_id, tags={"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]})
    assert (await platform.post(DATASETS, body)).status_code == 201


async def test_validating_only(platform: Platform, schema_id: str) -> None:
    assert (await platform.post(DATASETS, dataset(schema_id), Pragma="validate-only")).status_code == 200
    assert (await platform.post(DATASETS, dataset("nothing"), Pragma="validate-only")).status_code == 400
    assert (await platform.get(DATASETS)).json() == {}


# --- changes ----------------------------------------------------------------------------------------------------------


async def _one(platform: Platform, id: str) -> Json:
    shown: Json = (await platform.get(f"{DATASETS}/{id}")).json()[id]
    return shown


@pytest.mark.parametrize("how", ["partial", "patch", "nested", "put"])
async def test_every_form_of_change_makes_a_new_version(platform: Platform, schema_id: str, how: str) -> None:
    id = await platform.make(DATASETS, dataset(schema_id, "old", tags={"run": ["one"]}))
    path = f"{DATASETS}/{id}"
    if how == "partial":
        response = await platform.patch(path, {"name": "new"})
    elif how == "patch":
        change = [{"op": "test", "path": "/name", "value": "old"}, {"op": "replace", "path": "/name", "value": "new"}]
        response = await platform.http.patch(path, json=change, headers=PATCH)
    elif how == "nested":
        response = await platform.patch(f"{CATALOG}/v2/dataSets/{id}", {"name": "new", "tags": {"more": ["x"]}})
    else:
        response = await platform.http.put(path, json=dataset(schema_id, "new"))
    assert (response.status_code, response.json()) == (200, [f"@/dataSets/{id}"])
    shown = await _one(platform, id)
    assert (shown["name"], shown["version"]) == ("new", "1.0.1")
    assert shown["updated"] > shown["created"]
    assert shown.get("tags", {}).get("run") == (None if how == "put" else ["one"])
    assert await _names(platform, "name=new") == ["new"]
    assert await _names(platform, "name=old") == []


@pytest.mark.parametrize(("match", "status"), [("1.0.0", 200), ('"1.0.0"', 200), ("1.0.9", 412), (None, 200)])
async def test_if_match_is_optional(platform: Platform, schema_id: str, match: str | None, status: int) -> None:
    id = await platform.make(DATASETS, dataset(schema_id))
    headers = {"If-Match": match} if match else {}
    assert (await platform.patch(f"{DATASETS}/{id}", {"name": "new"}, **headers)).status_code == status
    assert (await _one(platform, id))["name"] == ("new" if status == 200 else "dataset")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ([{"op": "replace", "path": "/name", "value": "x"}], {}),
        ({"name": "x"}, PATCH),
        ([{"op": "test", "path": "/name", "value": "other"}], PATCH),
        ([{"op": "remove", "path": "/schemaRef"}], PATCH),
        ({"name": "x"}, {"Content-Type": "text/plain"}),
    ],
)
async def test_changes_that_are_refused(platform: Platform, schema_id: str, body: Any, headers: dict[str, str]) -> None:
    id = await platform.make(DATASETS, dataset(schema_id))
    before = await _one(platform, id)
    assert (await platform.http.patch(f"{DATASETS}/{id}", json=body, headers=headers)).status_code == 400
    assert await _one(platform, id) == before


async def test_a_deletion_is_200_whatever_was_there(platform: Platform, schema_id: str) -> None:
    id = await platform.make(DATASETS, dataset(schema_id))
    first = await platform.delete(f"{DATASETS}/{id}")
    assert (first.status_code, first.json()) == (200, [f"@/dataSets/{id}"])
    second = await platform.delete(f"{DATASETS}/{id}")
    assert (second.status_code, second.json()) == (200, [])
    assert (await platform.get(f"{DATASETS}/{id}")).status_code == 404
    assert (await platform.patch(f"{DATASETS}/{id}", {"name": "x"})).status_code == 404
    assert (await platform.report())["mistakes"]["count"] == 0
