"""Contract 8: mapping sets in both dialects, validation inside a 200, versions, lists, previews."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.chain import DATA_PREP, PERSON, PERSONAL, PROFILE, REGISTRY, Json, Platform, mapping, schema

SETS = f"{DATA_PREP}/mappingSets"


@pytest.fixture
async def schema_id(platform: Platform) -> str:
    id: str = await platform.make(f"{REGISTRY}/tenant/schemas", schema("s", PROFILE, PERSON, PERSONAL))
    return id


def _today(schema_id: str, *rows: Json, **more: Any) -> Json:
    ref = {"id": schema_id, "contentType": "application/vnd.adobe.xed-full+json;version=1"}
    return {"outputSchema": {"schemaRef": ref}, "mappings": list(rows), **more}


def _row(destination: str, source: str = "Id", kind: str = "ATTRIBUTE") -> Json:
    return {"sourceType": kind, "source": source, "destination": destination}


async def test_a_creation_answers_200_in_the_short_form(platform: Platform, schema_id: str) -> None:
    for body in (mapping(schema_id), _today(schema_id, _row("person.name.fullName"))):
        response = await platform.post(SETS, body)
        assert response.status_code == 200
        assert set(response.json()) == {"id", "version", "createdDate", "modifiedDate", "createdBy", "modifiedBy"}
        stored = (await platform.get(f"{SETS}/{response.json()['id']}")).json()
        (row,) = stored["mappings"]
        assert row["source"] == row["sourceAttribute"] == "Id"
        assert row["destination"] == row["destinationXdmPath"] == "person.name.fullName"
        assert stored["xdmSchema"] == stored["outputSchema"]["schemaRef"]["id"] == schema_id
        assert stored["xdmVersion"] == "1.0"
        assert (await platform.get(f"{SETS}/{stored['id']}/mappings")).json() == [row]
        assert (await platform.get(f"{SETS}/{stored['id']}/mappings/{row['id']}")).json() == row


@pytest.mark.parametrize(
    "change",
    [
        {"xdmSchema": None},
        {"xdmSchema": "https://ns.adobe.com/headway/schemas/1"},
        {"xdmVersion": None},
        {"mappings": {}},
        {"mappings": [{"sourceAttribute": "Id"}]},
        {"mappings": [{"source": "Id", "destination": "_id", "sourceType": "GUESS"}]},
    ],
)
async def test_sets_that_cannot_be(platform: Platform, schema_id: str, change: Json) -> None:
    assert (await platform.post(SETS, {**mapping(schema_id), **change})).status_code == 400


async def test_a_set_with_an_unknown_path_can_be_made_but_not_validated(platform: Platform, schema_id: str) -> None:
    assert (await platform.post(SETS, mapping(schema_id, "person.nothing"))).status_code == 200
    response = await platform.post(f"{SETS}/validate", mapping(schema_id, "person.nothing"))
    assert response.status_code == 200
    assert response.json()["validationResponse"][0]["status"] == "FAILED"


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (_row("_id"), "SUCCESS"),
        (_row("person.name.fullName"), "SUCCESS"),
        (_row("person.birthYear"), "SUCCESS"),
        (_row("identityMap.ECID[0].id"), "SUCCESS"),
        (_row("person.name"), "FAILED"),  # the tutorial's slip: an object
        (_row("person.name", "to_object()", "EXPRESSION"), "SUCCESS"),
        (_row("person.name.nothing"), "FAILED"),
        (_row("person.name.fullName.more"), "FAILED"),
        (_row("Person.name.fullName"), "FAILED"),
        (_row("personalEmail.adress"), "FAILED"),
        (_row("_id", "x" * 4097, "EXPRESSION"), "FAILED"),
        (_row("_id", "constant", "STATIC"), "SUCCESS"),
    ],
)
async def test_validation_says_row_by_row(platform: Platform, schema_id: str, row: Json, status: str) -> None:
    response = await platform.post(f"{SETS}/validate", _today(schema_id, _row("_id"), row))
    first, second = response.json()["validationResponse"]
    assert first == {"status": "SUCCESS", "errors": None}
    assert second["status"] == status
    if status == "FAILED":
        (error,) = second["errors"]
        assert set(error) == {"destination", "exception", "source", "columnName", "sourceType"}


async def test_a_put_makes_the_next_version_and_keeps_the_old_one(platform: Platform, schema_id: str) -> None:
    id = await platform.make(SETS, mapping(schema_id))
    put = await platform.http.put(f"{SETS}/{id}", json=mapping(schema_id, "_id", name="renamed"))
    assert (put.status_code, put.json()["version"], put.json()["name"]) == (200, 1, "renamed")
    newest = (await platform.get(f"{SETS}/{id}")).json()
    oldest = (await platform.get(f"{SETS}/{id}?version=0")).json()
    assert (newest["mappings"][0]["destination"], oldest["mappings"][0]["destination"]) == (
        "_id",
        "person.name.fullName",
    )
    assert (await platform.get(f"{SETS}/{id}?version=2")).status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=b", ["b"]),
        ("orderBy=-createdDate", ["c", "b", "a"]),
        ("orderBy=%2BcreatedDate", ["a", "b", "c"]),
        ("orderBy=-updatedDate", ["a", "c", "b"]),
        ("", ["b", "c", "a"]),
    ],
)
async def test_lists(platform: Platform, schema_id: str, query: str, expected: list[str]) -> None:
    first = await platform.make(SETS, mapping(schema_id, name="a"))
    for name in ("b", "c"):
        await platform.make(SETS, mapping(schema_id, name=name))
    while (await platform.http.put(f"{SETS}/{first}", json=mapping(schema_id, name="a"))).json()["modifiedDate"] <= (
        (await platform.get(f"{SETS}?limit=1&start=0&name=c")).json()["data"][0]["modifiedDate"]
    ):
        pass  # until the clock has moved a millisecond on
    page = (await platform.get(f"{SETS}?limit=10&start=0&{query}")).json()
    names = [row["name"] for row in page["data"]]
    if query in {"", "orderBy=-updatedDate"}:  # b and c may share their millisecond
        assert names.index("a") == expected.index("a")
    else:
        assert names == expected


async def test_a_list_without_a_start_begins_at_the_beginning_with_a_warning(
    platform: Platform, schema_id: str
) -> None:
    await platform.make(SETS, mapping(schema_id, name="a"))
    page = (await platform.get(f"{SETS}?limit=10")).json()
    assert [row["name"] for row in page["data"]] == ["a"]
    report = await platform.report()
    assert ([slip["reason"] for slip in report["warnings"]], report["mistakes"]["count"]) == (["start is missing"], 0)


async def test_limit_and_start_are_required_and_page(platform: Platform, schema_id: str) -> None:
    for name in "abc":
        await platform.make(SETS, mapping(schema_id, name=name))
    for query in ("", "?start=0", "?limit=0&start=0", "?limit=1&start=0&orderBy=name"):
        assert (await platform.get(f"{SETS}{query}")).status_code == 400
    first = (await platform.get(f"{SETS}?limit=2&start=0&orderBy=-createdDate")).json()
    last = (await platform.get(f"{SETS}?limit=2&start=2&orderBy=-createdDate")).json()
    assert [row["name"] for row in first["data"] + last["data"]] == ["c", "b", "a"]
    assert ("next" in first["_links"], "next" in last["_links"]) == (True, False)
    by_schema = (await platform.get(f"{SETS}?limit=9&start=0&property=xdmSchema=={schema_id}")).json()
    assert len(by_schema["data"]) == 3


async def test_a_preview_turns_rows_into_records(platform: Platform, schema_id: str) -> None:
    rows = [_row("_id"), _row("person.name.firstName", "${First Name}"), _row("person.name.suffix", "Jr.", "STATIC")]
    body = {"data": [{"Id": "1", "First Name": "Jim"}], "mappingSet": _today(schema_id, *rows)}
    response = await platform.post(f"{SETS}/preview", body)
    record = {"_id": "1", "person": {"name": {"firstName": "Jim", "suffix": "Jr."}}}
    assert response.json() == [{"data": record, "errors": None}]
    body["mappingSet"] = _today(schema_id, _row("_id", "concat(a, b)", "EXPRESSION"))
    assert (await platform.post(f"{SETS}/preview", body)).json()[0]["errors"]


async def test_there_is_no_deleting(platform: Platform, schema_id: str) -> None:
    id = await platform.make(SETS, mapping(schema_id))
    assert (await platform.delete(f"{SETS}/{id}")).status_code == 405
    assert (await platform.get(f"{SETS}/nothing")).status_code == 404
