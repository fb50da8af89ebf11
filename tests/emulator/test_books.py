"""The books: created, twice, left over, mistakes, premature; the objects; changing faults and resetting."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.emulator.chain import (
    CATALOG,
    DATA_PREP,
    FLOW,
    PROFILE,
    REGISTRY,
    Json,
    Platform,
    connection,
    dataset,
    flow,
    mapping,
    resource,
    schema,
    source,
)
from tests.emulator.conftest import Start
from workflows.emulator import DEFAULT_BASE_CONNECTION

CHAIN = {
    "class": 1,
    "schema": 2,
    "source_connection": 1,
    "dataset": 1,
    "dataset_base_connection": 1,
    "target_connection": 1,
    "mapping_set": 1,
    "flow": 1,
}


async def test_a_clean_chain_has_clean_books(platform: Platform) -> None:
    await platform.chain()
    report = await platform.report()
    assert report["created"] == report["live"] == CHAIN
    for key in ("duplicates", "unreferenced", "mistakes", "premature"):
        assert report[key]["count"] == 0
    assert report["requests"] == {
        "catalog": {"POST": 1},
        "conversion": {"POST": 1},
        "flowservice": {"POST": 4},
        "schemaregistry": {"POST": 3},
    }
    assert "created" in (await platform.get("/__emulator/report?form=text")).text


async def test_what_is_twice(platform: Platform) -> None:
    made = await platform.chain()
    await platform.make(f"{FLOW}/flows", flow(made, name="another"))
    await platform.make(f"{FLOW}/sourceConnections", source(made, "source 1"))
    await platform.make(f"{FLOW}/connections", connection("another"))
    await platform.make(f"{CATALOG}/dataSets", dataset(made["schema"], "dataset 1"))
    await platform.make(f"{DATA_PREP}/mappingSets", mapping(made["schema"], name="mapping 1"))
    groups = {(group["kind"], group["same"]) for group in (await platform.report())["duplicates"]["groups"]}
    assert groups == {
        ("flow", f"source connection {made['source']}"),
        ("source_connection", "name source 1"),
        ("dataset_base_connection", "connection spec c604ff05-7f1a-43c0-8e18-33bf874cb11c"),
        ("dataset", "name dataset 1"),
        ("mapping_set", "name mapping 1"),
    }


async def test_what_is_deleted_or_in_another_sandbox_is_not_twice(platform: Platform) -> None:
    first = await platform.make(f"{FLOW}/connections", connection())
    await platform.delete(f"{FLOW}/connections/{first}")
    await platform.make(f"{FLOW}/connections", connection())
    await platform.post(f"{FLOW}/connections", connection(), **{"x-sandbox-name": "prod"})
    report = await platform.report()
    assert report["duplicates"]["count"] == 0
    assert report["created"] == {"dataset_base_connection": 3}
    assert report["live"] == {"dataset_base_connection": 2}
    assert report["deleted"] == {"dataset_base_connection": 1}


async def test_what_is_left_over(platform: Platform) -> None:
    made = await platform.chain()
    await platform.delete(f"{FLOW}/flows/{made['flow']}")
    report = await platform.report()
    assert report["unreferenced"]["by_kind"] == {"source_connection": 1, "target_connection": 1, "mapping_set": 1}
    await platform.delete(f"{FLOW}/targetConnections/{made['target']}")
    await platform.delete(f"{FLOW}/sourceConnections/{made['source']}")
    report = await platform.report()
    assert report["unreferenced"]["by_kind"] == {
        "dataset": 1,
        "dataset_base_connection": 1,
        "mapping_set": 1,
        "schema": 1,  # the ad hoc one; the other has a dataset
    }


async def test_the_clients_mistakes(platform: Platform) -> None:
    id = await platform.make(f"{FLOW}/connections", connection())
    await platform.delete(f"{FLOW}/connections/{id}")
    await platform.delete(f"{FLOW}/connections/{id}")  # gone already: foreseen
    await platform.get(f"{FLOW}/flows/nothing")
    await platform.post(f"{FLOW}/connections", {"name": "without a spec"})
    await platform.post(f"{FLOW}/connections", {})
    asks = {"content": b"{ }", "headers": {"content-type": "application/json"}}  # whether it may create
    assert (await platform.http.post(f"{FLOW}/connections", **asks)).status_code == 400
    report = await platform.report()
    assert [(one["method"], one["status"], one["code"]) for one in report["mistakes"]["requests"]] == [
        ("GET", 404, "FLOW-1439-404"),
        ("POST", 400, "FLOW-1413-400"),
        ("POST", 400, "FLOW-1413-400"),
    ]
    assert report["mistakes"]["requests"][0]["path"] == f"{FLOW}/flows/nothing"
    assert report["mistakes"]["requests"][0]["reason"]
    assert report["conflicts"] == {"FLOW-1439-404": 1}


async def test_coming_back_before_a_retry_after_has_ended(start: Start) -> None:
    rules = ["kind=status,status=429,retry_after=2,times=1"]
    async with start(faults={"rules": rules}, premature_grace=0.4) as platform:
        await platform.get(f"{FLOW}/flows")
        await platform.get(f"{FLOW}/flows")  # on its way when the answer came
        await platform.get(f"{CATALOG}/dataSets")  # another family
        assert (await platform.report())["premature"]["count"] == 0
        await asyncio.sleep(0.5)
        await platform.get(f"{FLOW}/flows")
        premature = (await platform.report())["premature"]
        assert premature["count"] == 1
        assert 0 < premature["requests"][0]["early_by"] < 1.6
        await asyncio.sleep(1.6)
        await platform.get(f"{FLOW}/flows")
        assert (await platform.report())["premature"]["count"] == 1


async def _objects(platform: Platform, query: str = "") -> list[Json]:
    text = (await platform.get(f"/__emulator/objects{query}")).text
    return [json.loads(line) for line in text.splitlines()]


async def test_the_objects_stream_one_per_line(platform: Platform) -> None:
    made = await platform.chain()
    objects = {one["id"]: one for one in await _objects(platform) if not one["foreign"]}
    assert len(objects) == sum(CHAIN.values())
    item = await platform.item("flows", made["flow"])
    assert objects[made["flow"]]["etag"] == item["etag"]
    assert set(objects[made["flow"]]["references"]) == {made["source"], made["target"], made["mapping"]}
    assert objects[made["class"]]["etag"]
    (shown,) = await _objects(platform, "?kind=dataset")
    assert (shown["id"], shown["name"], shown["live"], shown["sandbox"]) == (made["dataset"], "dataset 1", True, "dev")
    await platform.delete(f"{CATALOG}/dataSets/{made['dataset']}")
    assert [one["live"] for one in await _objects(platform, "?kind=dataset")] == [False]
    base = [one for one in await _objects(platform, "?kind=base_connection") if one["sandbox"] == "dev"]
    assert [(one["id"], one["foreign"]) for one in base] == [(DEFAULT_BASE_CONNECTION, True)]


async def test_faults_can_be_changed_while_it_runs(platform: Platform) -> None:
    new = {"rules": ["kind=status,status=503"], "list_lag": 1.5}
    answer = (await platform.post("/__emulator/faults", new)).json()
    assert answer["rules"][0]["status"] == 503
    assert (await platform.get("/__emulator/faults")).json()["list_lag"] == 1.5
    assert (await platform.get(f"{FLOW}/flows")).status_code == 503
    wrong = await platform.post("/__emulator/faults", {"rules": ["kind=x"]})
    assert (wrong.status_code, "unknown kind" in wrong.json()["error"]) == (400, True)
    await platform.post("/__emulator/faults", {})
    assert (await platform.get(f"{FLOW}/flows")).status_code == 200


async def test_a_reset_empties_everything(platform: Platform) -> None:
    made = await platform.chain()
    assert (await platform.post("/__emulator/reset")).status_code == 200
    report = await platform.report()
    assert (report["created"], report["requests"]) == ({}, {})
    assert (await platform.get(f"{FLOW}/flows/{made['flow']}")).status_code == 404
    assert (await platform.get(f"{FLOW}/connections/{DEFAULT_BASE_CONNECTION}")).status_code == 200
    again = await platform.chain()
    assert set(made.values()) & set(again.values()) == {DEFAULT_BASE_CONNECTION}


async def test_a_sandbox_can_be_reset_alone_and_has_a_new_date(platform: Platform) -> None:
    async def dates() -> dict[str, str]:
        rows = (await platform.get("/data/foundation/sandbox-management/")).json()["sandboxes"]
        return {row["name"]: row["createdDate"] for row in rows}

    before = await dates()
    id = await platform.make(f"{REGISTRY}/tenant/schemas", schema("s", PROFILE))
    await platform.post(f"{FLOW}/connections", connection(), **{"x-sandbox-name": "prod"})
    await platform.post("/__emulator/reset", {"sandbox": "dev"})
    after = await dates()
    assert after["prod"] == before["prod"]
    assert after["dev"] != before["dev"]
    accept = "application/vnd.adobe.xed+json; version=1"
    assert (await platform.get(f"{REGISTRY}/tenant/schemas/{resource(id)}", accept)).status_code == 404
    assert (await platform.post(f"{REGISTRY}/tenant/schemas", schema("s", PROFILE))).status_code == 201
    assert (await platform.report())["live"] == {"dataset_base_connection": 1, "schema": 1}
    assert (await platform.post("/__emulator/reset", {"sandbox": "nothing"})).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/__emulator"), ("DELETE", "/__emulator/report"), ("GET", "/__emulator/x")]
)
async def test_other_control_requests(platform: Platform, method: str, path: str) -> None:
    response: httpx.Response = await platform.http.request(method, path)
    assert response.status_code in {404, 405}


async def test_ten_chains_at_once(platform: Platform) -> None:
    await asyncio.gather(*(platform.chain(str(number)) for number in range(10)))
    report: Any = await platform.report()
    assert report["created"] == {kind: 10 * count for kind, count in CHAIN.items()}
    assert {group["kind"] for group in report["duplicates"]["groups"]} == {"dataset_base_connection"}
    assert report["mistakes"]["count"] == 0
