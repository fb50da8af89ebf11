"""Contract 5.5: patches, new versions and deletion of Registry resources."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.chain import (
    CATALOG,
    CLASSES,
    PERSON,
    PROFILE,
    REGISTRY,
    SCHEMAS,
    Platform,
    ad_hoc_class,
    code,
    dataset,
    resource,
    schema,
    titles,
)
from tests.emulator.conftest import Start

RAW = "application/vnd.adobe.xed+json; version=1"


async def test_a_patch_makes_the_next_minor_version(platform: Platform) -> None:
    id = await platform.make(SCHEMAS, schema("s", PROFILE))
    path = f"{SCHEMAS}/{resource(id)}"
    before = (await platform.get(path, RAW)).json()
    response = await platform.patch(
        path,
        [
            {"op": "test", "path": "/title", "value": "s"},
            {"op": "replace", "path": "/description", "value": "changed"},
            {"op": "add", "path": "/allOf/-", "value": {"$ref": PERSON}},
        ],
    )
    after = response.json()
    assert (response.status_code, after["version"], after["description"]) == (200, "1.1", "changed")
    assert PERSON in after["refs"]
    assert after["meta:registryMetadata"]["eTag"] != before["meta:registryMetadata"]["eTag"]
    assert (await platform.get(path, RAW)).json() == after


async def test_a_failed_test_is_a_conflict_and_changes_nothing(platform: Platform) -> None:
    id = await platform.make(SCHEMAS, schema("s", PROFILE))
    path = f"{SCHEMAS}/{resource(id)}"
    before = (await platform.get(path, RAW)).json()
    operations = [
        {"op": "replace", "path": "/description", "value": "mine"},
        {"op": "test", "path": "/title", "value": "other"},
    ]
    response = await platform.patch(path, operations)
    assert (response.status_code, code(response)) == (400, "XDM-1599-400")
    assert (await platform.get(path, RAW)).json() == before
    report = await platform.report()
    assert (report["mistakes"]["count"], report["conflicts"]) == (0, {"XDM-1599-400": 1})


@pytest.mark.parametrize(
    "operations",
    [
        [],
        {"op": "add"},
        [{"op": "replace", "path": "/$id", "value": "x"}],
        [{"op": "replace", "path": "/version", "value": "9.9"}],
        [{"op": "remove", "path": "/allOf"}],
        [{"op": "remove", "path": "/nothing"}],
        [{"op": "replace", "path": "/title", "value": "taken"}],
    ],
)
async def test_patches_that_are_refused(platform: Platform, operations: Any) -> None:
    await platform.make(SCHEMAS, schema("taken", PROFILE))
    id = await platform.make(SCHEMAS, schema("s", PROFILE))
    path = f"{SCHEMAS}/{resource(id)}"
    before = (await platform.get(path, RAW)).json()
    assert (await platform.patch(path, operations)).status_code == 400
    assert (await platform.get(path, RAW)).json() == before


async def test_columns_can_be_added_to_an_ad_hoc_class(platform: Platform) -> None:
    made = (await platform.post(CLASSES, ad_hoc_class())).json()
    where = f"/allOf/1/properties/{made['meta:datasetNamespace']}/properties/more"
    change = [{"op": "add", "path": where, "value": {"type": "integer"}}]
    after = (await platform.patch(f"{CLASSES}/{resource(made['$id'])}", change)).json()
    assert after["meta:datasetNamespace"] == made["meta:datasetNamespace"]
    assert set(after["allOf"][1]["properties"][made["meta:datasetNamespace"]]["properties"]) == {
        "Id",
        "updatedAt",
        "more",
    }


async def test_putting_a_schema_and_renaming_it(platform: Platform) -> None:
    id = await platform.make(SCHEMAS, schema("old", PROFILE))
    put = await platform.http.put(f"{SCHEMAS}/{resource(id)}", json=schema("new", PROFILE, PERSON))
    assert (put.status_code, put.json()["version"], put.json()["$id"]) == (200, "1.1", id)
    assert await titles(platform, "property=title==new") == ["new"]
    assert await titles(platform, "property=title==old") == []
    assert (await platform.post(SCHEMAS, schema("old", PROFILE))).status_code == 201


async def test_the_profile_tag_stays(platform: Platform) -> None:
    id = await platform.make(SCHEMAS, schema("s", PROFILE))
    path = f"{SCHEMAS}/{resource(id)}"
    tagged = await platform.patch(path, [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}])
    assert tagged.json()["meta:immutableTags"] == ["union"]
    assert (await platform.patch(path, [{"op": "remove", "path": "/meta:immutableTags"}])).status_code == 400


async def test_what_is_used_is_not_deleted(platform: Platform) -> None:
    class_id = await platform.make(CLASSES, ad_hoc_class())
    ad_hoc = await platform.make(SCHEMAS, schema("ad hoc", class_id))
    assert code(await platform.delete(f"{CLASSES}/{resource(class_id)}")) == "XDM-1598-400"
    assert (await platform.delete(f"{SCHEMAS}/{resource(ad_hoc)}")).status_code == 204
    assert (await platform.delete(f"{CLASSES}/{resource(class_id)}")).status_code == 204
    again = await platform.delete(f"{CLASSES}/{resource(class_id)}")
    assert (again.status_code, code(again)) == (404, "XDM-1012-404")
    target = await platform.make(SCHEMAS, schema("target", PROFILE))
    data = await platform.make(f"{CATALOG}/dataSets", dataset(target))
    assert code(await platform.delete(f"{SCHEMAS}/{resource(target)}")) == "XDM-1598-400"
    await platform.delete(f"{CATALOG}/dataSets/{data}")
    assert (await platform.delete(f"{SCHEMAS}/{resource(target)}")).status_code == 204


async def test_stats_name_the_tenant(platform: Platform) -> None:
    await platform.make(SCHEMAS, schema("s", PROFILE))
    stats = (await platform.get(f"{REGISTRY}/stats")).json()
    assert stats["tenantId"] == "headway"
    assert stats["counts"]["schemas"] == 1
    assert stats["recentlyCreatedResources"][0]["title"] == "s"


async def test_the_error_shape_of_2020(start: Start) -> None:
    async with start(older_errors=True) as platform:
        await platform.make(SCHEMAS, schema("s", PROFILE))
        body = (await platform.post(SCHEMAS, schema("s", PROFILE))).json()
        assert set(body) == {"type", "status", "title", "detail"}
        assert body["title"] == "BadRequestError"
