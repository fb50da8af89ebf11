"""Contract 5.1 to 5.5: Accept rules, unique titles, the ad hoc rename, filters, paging."""

from __future__ import annotations

import re

import pytest

from tests.emulator.chain import (
    AD_HOC,
    CLASSES,
    FULL,
    PERSON,
    PERSONAL,
    PROFILE,
    REGISTRY,
    SCHEMAS,
    SHORT,
    Json,
    Platform,
    ad_hoc_class,
    code,
    resource,
    schema,
    titles,
)
from tests.emulator.conftest import Start

RAW = "application/vnd.adobe.xed+json; version=1"


async def test_an_ad_hoc_class_is_renamed_to_its_hash(platform: Platform) -> None:
    response = await platform.post(CLASSES, ad_hoc_class())
    made = response.json()
    assert response.status_code == 201
    match = re.fullmatch(r"https://ns\.adobe\.com/headway/classes/([0-9a-f]+)", made["$id"])
    assert match is not None
    name = f"_{match[1]}"
    assert made["meta:datasetNamespace"] == name
    assert made["meta:altId"] == f"_headway.classes.{match[1]}"
    assert made["allOf"][1]["properties"][name]["properties"]["updatedAt"]["meta:xdmType"] == "date-time"
    assert made["meta:extends"] == [AD_HOC]
    assert (made["meta:abstract"], made["meta:extensible"], made["version"]) == (True, True, "1.0")
    assert made["meta:registryMetadata"]["eTag"]


async def test_a_schema_takes_over_from_its_class(platform: Platform) -> None:
    class_id = await platform.make(CLASSES, ad_hoc_class())
    made = (await platform.post(SCHEMAS, schema("ad hoc", class_id))).json()
    assert made["meta:class"] == class_id
    assert made["meta:extends"] == [class_id, AD_HOC]
    assert (made["meta:abstract"], made["meta:extensible"]) == (False, False)
    full = (await platform.get(f"{SCHEMAS}/{resource(made['$id'])}", FULL)).json()
    assert set(full["properties"][made["meta:datasetNamespace"]]["properties"]) == {"Id", "updatedAt"}
    assert "allOf" not in full


async def test_the_target_schema_has_all_fields(platform: Platform) -> None:
    made = (await platform.post(SCHEMAS, schema("target", PROFILE, PERSON, PERSONAL))).json()
    assert set(made["refs"]) == {PROFILE, PERSON, PERSONAL}
    assert made["allOf"][0] == {"$ref": PROFILE, "type": "object", "meta:xdmType": "object"}
    for id in (resource(made["$id"]), made["meta:altId"]):
        fields = (await platform.get(f"{SCHEMAS}/{id}", FULL)).json()["properties"]
        assert fields["person"]["properties"]["name"]["properties"]["fullName"]["type"] == "string"
        assert fields["mobilePhone"]["properties"]["number"]["type"] == "string"
        assert fields["personalEmail"]["properties"]["address"]["format"] == "email"
        assert "_id" in fields
    plain = (await platform.get(f"{SCHEMAS}/{id}", "application/vnd.adobe.xed-full-notext+json; version=1")).json()
    assert "title" not in plain
    assert "title" not in plain["properties"]["person"]
    assert "name" in plain["properties"]["person"]["properties"]


@pytest.mark.parametrize(("first", "second"), [("classes", "schemas"), ("schemas", "schemas"), ("classes", "classes")])
async def test_titles_are_unique_across_types(platform: Platform, first: str, second: str) -> None:
    bodies = {"classes": ad_hoc_class("same"), "schemas": schema("same", PROFILE)}
    id = await platform.make(f"{REGISTRY}/tenant/{first}", bodies[first])
    response = await platform.post(f"{REGISTRY}/tenant/{second}", bodies[second])
    assert (response.status_code, code(response)) == (400, "XDM-1521-400")
    found = re.search(r"https?://ns\.adobe\.com/\S+/(classes|schemas|mixins|datatypes)/[0-9a-f]+", response.text)
    assert found is not None
    assert found[0] == id
    report = await platform.report()
    assert (report["mistakes"]["count"], report["conflicts"]) == (0, {"XDM-1521-400": 1})
    assert (await platform.delete(f"{REGISTRY}/tenant/{first}/{resource(id)}")).status_code == 204
    assert (await platform.post(f"{REGISTRY}/tenant/{second}", bodies[second])).status_code == 201


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/vnd.adobe.xed+json; version=1", 200),
        ("application/vnd.adobe.xed+json;version=1", 200),
        ("application/vnd.adobe.xed-full+json;version=1.0", 200),
        ("application/vnd.adobe.xed-notext+json; version=1", 200),
        ("application/vnd.adobe.xed-full-notext+json; version=1", 200),
        ("application/vnd.adobe.xed-full-desc+json; version=1", 200),
        ("application/vnd.adobe.xed-deprecatefield+json; version=1", 200),
        ("application/vnd.adobe.xdm-full+json; version=1", 200),
        ("application/vnd.adobe.xed+json; version=2", 406),
        ("application/vnd.adobe.xed+json", "XDM-1007-400"),
        ("application/vnd.adobe.xed-id+json", "XDM-1007-400"),
        ("application/json", "XDM-1007-400"),
    ],
)
async def test_looking_up_needs_a_form_and_a_version(platform: Platform, accept: str, status: int | str) -> None:
    id = await platform.make(SCHEMAS, schema("s", PROFILE))
    response = await platform.get(f"{SCHEMAS}/{resource(id)}", accept)
    assert status in {response.status_code, code(response)}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (SHORT, 200),
        ("application/vnd.adobe.xed+json", 200),
        ("application/vnd.adobe.xed+json; version=1", "XDM-1006-400"),
        ("application/vnd.adobe.xed-full+json", "XDM-1006-400"),
        ("application/vnd.adobe.xdm-id+json", 200),
        ("*/*", "XDM-1006-400"),
    ],
)
async def test_listing_needs_a_form_without_version(platform: Platform, accept: str, status: int | str) -> None:
    response = await platform.get(SCHEMAS, accept)
    assert status in {response.status_code, code(response)}


@pytest.mark.parametrize(("older", "status"), [(False, 400), (True, 406)])
async def test_a_missing_accept(start: Start, older: bool, status: int) -> None:
    async with start(older_errors=older) as platform:
        del platform.http.headers["accept"]
        response = await platform.http.get(SCHEMAS)
        assert response.status_code == status
        assert ("report" in response.json()) is not older


async def test_forms_of_lists(platform: Platform) -> None:
    id = await platform.make(SCHEMAS, schema("s", PROFILE))
    (short,) = (await platform.get(SCHEMAS, SHORT)).json()["results"]
    assert short == {"$id": id, "meta:altId": short["meta:altId"], "version": "1.0", "title": "s"}
    (long,) = (await platform.get(SCHEMAS, "application/vnd.adobe.xed+json")).json()["results"]
    assert long["allOf"][0]["$ref"] == PROFILE


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("property=title==s%201", ["s 1"]),
        ("property=title~[12]$&orderby=-title", ["s 2", "s 1"]),
        ("property=title!=s%201&orderby=title", ["ad hoc", "s 2", "s 3"]),
        ("property=title>=s%202&orderby=title", ["s 2", "s 3"]),
        (f"property=meta:class=={PROFILE}&orderby=title", ["s 1", "s 2", "s 3"]),
        (f"property=meta:extends=={AD_HOC}", ["ad hoc"]),
        (f"property=meta:extends!={AD_HOC}&orderby=title", ["s 1", "s 2", "s 3"]),
        ("property=meta:datasetNamespace", ["ad hoc"]),
        ("property=title==s%201&property=title==s%202", []),
    ],
)
async def test_filters(platform: Platform, query: str, expected: list[str]) -> None:
    class_id = await platform.make(CLASSES, ad_hoc_class())
    await platform.make(SCHEMAS, schema("ad hoc", class_id))
    for number in (1, 2, 3):
        await platform.make(SCHEMAS, schema(f"s {number}", PROFILE))
    assert await titles(platform, query) == expected


async def test_a_broken_regular_expression(platform: Platform) -> None:
    assert (await platform.get(f"{SCHEMAS}?property=title~[", SHORT)).status_code == 400


@pytest.mark.parametrize("sign", ["", "-"])
async def test_paging_by_title_shows_every_row_once(platform: Platform, sign: str) -> None:
    wanted = [str(number) for number in range(8, 13)]  # titles are texts: "10" comes before "8"
    for title in wanted:
        await platform.make(SCHEMAS, schema(title, PROFILE))
    seen, path = [], f"{SCHEMAS}?orderby={sign}title&limit=2"
    while path:
        page = (await platform.get(path, SHORT)).json()
        seen += [row["title"] for row in page["results"]]
        assert page["_page"]["count"] == len(page["results"])
        assert (page["_page"]["next"] is None) == (page["_links"]["next"] is None)
        path = page["_links"]["next"]
    assert seen == sorted(wanted, reverse=bool(sign))


async def test_a_page_holds_300_rows_and_limit_needs_orderby(platform: Platform) -> None:
    for number in range(302):
        await platform.make(SCHEMAS, schema(f"s {number:03}", PROFILE))
    page = (await platform.get(f"{SCHEMAS}?orderby=title&limit=500", SHORT)).json()
    assert (len(page["results"]), page["_page"]["next"]) == (300, "s 299")
    assert len(await titles(platform, "orderby=title&start=s 299")) == 2
    assert len(await titles(platform, "limit=2")) == 300


@pytest.mark.parametrize(
    "body",
    [
        {**ad_hoc_class(), "type": "string"},
        {**ad_hoc_class(), "title": ""},
        {key: value for key, value in ad_hoc_class().items() if key != "description"},
        {**ad_hoc_class(), "allOf": []},
        {**ad_hoc_class(), "allOf": [{"$ref": AD_HOC}, {"properties": {"other": {"type": "object"}}}]},
        {**ad_hoc_class(), "allOf": [{"$ref ": AD_HOC}]},
        {
            **ad_hoc_class(),
            "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/record"}, {"properties": {"a": {"type": "string"}}}],
        },
        ad_hoc_class(columns={"_id": {"type": "string"}}),
        ad_hoc_class(columns={"a b": {"type": "string"}}),
        ad_hoc_class(columns={"a": {"type": "text"}}),
    ],
)
async def test_classes_that_cannot_be(platform: Platform, body: Json) -> None:
    assert (await platform.post(CLASSES, body)).status_code == 400
    assert (await platform.report())["created"] == {}


async def test_a_field_may_begin_with_anything_but_an_underscore(platform: Platform) -> None:
    columns = {name: {"type": "string"} for name in ("-a", "1st", "b_c-d")}
    assert (await platform.post(CLASSES, ad_hoc_class(columns=columns))).status_code == 201


@pytest.mark.parametrize(
    "refs", [(), (PERSON,), (PROFILE, PROFILE + "x"), (PROFILE, "https://ns.adobe.com/xdm/context/experienceevent")]
)
async def test_schemas_that_cannot_be(platform: Platform, refs: tuple[str, ...]) -> None:
    assert (await platform.post(SCHEMAS, schema("s", *refs))).status_code == 400


async def test_standard_field_groups_do_not_fit_ad_hoc_classes(platform: Platform) -> None:
    class_id = await platform.make(CLASSES, ad_hoc_class())
    assert (await platform.post(SCHEMAS, schema("s", class_id, PERSON))).status_code == 400


async def test_field_groups_of_ones_own(platform: Platform) -> None:
    own = {"_headway": {"type": "object", "properties": {"tier": {"type": "string"}}}}
    body = {
        "type": "object",
        "title": "loyalty",
        "description": "d",
        "meta:intendedToExtend": [PROFILE],
        "definitions": {"custom": {"properties": own}},
        "allOf": [{"$ref": "#/definitions/custom"}],
    }
    group = await platform.make(f"{REGISTRY}/tenant/fieldgroups", body)
    id = await platform.make(SCHEMAS, schema("s", PROFILE, group))
    fields = (await platform.get(f"{SCHEMAS}/{resource(id)}", FULL)).json()["properties"]
    assert fields["_headway"]["properties"]["tier"]["type"] == "string"
    body["title"], body["definitions"] = "bare", {"custom": {"properties": {"tier": {"type": "string"}}}}
    assert code(await platform.post(f"{REGISTRY}/tenant/fieldgroups", body)) == "XDM-1020-400"


async def test_global_resources_can_be_read_only(platform: Platform) -> None:
    assert "XDM Individual Profile" in await titles(platform, path=f"{REGISTRY}/global/classes")
    for kind, id in (
        ("classes", PROFILE),
        ("fieldgroups", PERSON),
        ("fieldgroups", "_xdm.context.profile-personal-details"),
    ):
        response = await platform.get(f"{REGISTRY}/global/{kind}/{resource(id)}", RAW)
        assert response.json()["meta:containerId"] == "global"
    assert (await platform.post(f"{REGISTRY}/global/classes", ad_hoc_class())).status_code == 405
