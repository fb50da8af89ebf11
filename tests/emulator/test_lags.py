"""Lists and reads that lag behind, and faults as a command line names them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.chain import (
    CATALOG,
    DATA_PREP,
    FLOW,
    PROFILE,
    REGISTRY,
    SHORT,
    Platform,
    answers,
    connection,
    dataset,
    lakes,
    lakes_are,
    schema,
    until,
)
from tests.emulator.conftest import Start
from workflows.emulator import Faults, Outage, Rate, Rule


async def _listed(platform: Platform) -> dict[str, int]:
    """How many objects each service lists."""
    flow = (await platform.get(f"{FLOW}/connections?property=name==c")).json()["items"]
    registry = (await platform.get(f"{REGISTRY}/tenant/schemas?property=title==s", SHORT)).json()["results"]
    catalog = (await platform.get(f"{CATALOG}/dataSets?tags=run:one")).json()
    data_prep = (await platform.get(f"{DATA_PREP}/mappingSets?limit=9&start=0&name=m")).json()["data"]
    return {"flow": len(flow), "registry": len(registry), "catalog": len(catalog), "data_prep": len(data_prep)}


async def _lists(platform: Platform, expected: dict[str, int]) -> bool:
    return await _listed(platform) == expected


async def test_lists_lag_behind_reads_and_still_show_what_is_deleted(start: Start) -> None:
    everything = {"flow": 1, "registry": 1, "catalog": 1, "data_prep": 1}
    async with start(faults={"list_lag": 0.8}) as platform:
        id = await platform.make(f"{FLOW}/connections", connection("c"))
        schema_id = await platform.make(f"{REGISTRY}/tenant/schemas", schema("s", PROFILE))
        data = await platform.make(f"{CATALOG}/dataSets", dataset(schema_id, tags={"run": ["one"]}))
        rows = {"xdmSchema": schema_id, "xdmVersion": "1.0", "name": "m", "mappings": []}
        await platform.make(f"{DATA_PREP}/mappingSets", rows)
        assert (await platform.get(f"{FLOW}/connections/{id}")).status_code == 200
        assert await _listed(platform) == dict.fromkeys(everything, 0)
        await until(lambda: _lists(platform, everything))
        await platform.delete(f"{FLOW}/connections/{id}")
        await platform.delete(f"{CATALOG}/dataSets/{data}")
        assert (await platform.get(f"{FLOW}/connections/{id}")).status_code == 404
        assert await _listed(platform) == everything
        await until(lambda: _lists(platform, {**everything, "flow": 0, "catalog": 0}))
        assert (await platform.report())["mistakes"]["count"] == 0


async def test_one_replica_of_two_lags(start: Start) -> None:
    async with start(faults={"replica_lag": 60.0, "seed": 1}) as platform:
        await platform.make(f"{FLOW}/connections", connection())
        assert {await lakes(platform) for _ in range(30)} == {0, 1}


async def test_each_change_reaches_the_lists_on_its_own(start: Start) -> None:
    async with start(faults={"index_lag": 1.0, "seed": 1}) as platform:
        for _ in range(20):
            await platform.make(f"{FLOW}/connections", connection())
        assert await lakes(platform) < 20
        await until(lambda: lakes_are(platform, 20))


async def test_a_lagging_list_shows_the_earlier_state(start: Start) -> None:
    async with start(faults={"list_lag": 0.6}) as platform:
        id = await platform.make(f"{FLOW}/connections", connection("c"))
        query = f"{FLOW}/connections?property=name=="
        await until(lambda: _lists(platform, {"flow": 1, "registry": 0, "catalog": 0, "data_prep": 0}))
        etag = (await platform.item("connections", id))["etag"]
        rename = [{"op": "replace", "path": "/name", "value": "new"}]
        await platform.patch(f"{FLOW}/connections/{id}", rename, If_Match=etag)
        (shown,) = (await platform.get(f"{query}c")).json()["items"]
        assert shown["etag"] == etag
        assert (await platform.get(f"{query}new")).json()["items"] == []


async def test_reads_can_be_stale(start: Start) -> None:
    async with start(faults={"read_lag": 0.5}) as platform:
        id = await platform.make(f"{FLOW}/connections", connection())
        assert (await platform.get(f"{FLOW}/connections/{id}")).status_code == 404
        await until(lambda: answers(platform, f"{FLOW}/connections/{id}", 200))
        assert (await platform.report())["mistakes"]["count"] == 0


# --- what a command line says -----------------------------------------------------------------------------------------


def test_faults_are_read_from_texts() -> None:
    assert Rule.parse("kind=late,delay=1.5,cut=none,method=POST,p=0.25,times=3") == Rule(
        kind="late", delay=1.5, cut=None, method="POST", p=0.25, times=3
    )
    assert Rate.parse("catalog=30") == Rate(service="catalog", per_second=30, burst=30)
    assert Rate.parse("catalog=30/5") == Rate(service="catalog", per_second=30, burst=5)
    assert Outage.parse("2-5") == Outage(start=2, end=5)
    assert Outage.parse("2-5:reset:flowservice") == Outage(start=2, end=5, reset=True, service="flowservice")
    faults = Faults.from_options(lost=0.1, errors=0.06, late=0.02, concurrency=["catalog=3"])
    assert [(rule.kind, rule.after, round(rule.p, 3)) for rule in faults.rules if rule.kind != "status"] == [
        ("reset", True, 0.1), ("late", False, 0.02),
    ]  # fmt: skip
    assert round(sum(rule.p for rule in faults.rules if rule.kind == "status"), 3) == 0.06
    assert faults.concurrency == (("catalog", 3),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": ["kind=sabotage"]}, "unknown kind of fault 'sabotage'"),
        ({"rules": ["kind=reset,when=now"]}, "unknown when"),
        ({"rules": ["reset"]}, "key=value"),
        ({"rates": ["nothing=3"]}, "unknown service 'nothing'"),
        ({"outages": ["1-2:flood"]}, "an outage is 503 or reset"),
        ({"lag": 3}, "unknown lag"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Faults.from_options(**options)
