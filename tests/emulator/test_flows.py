"""Contract 9, 10, 11.1, 13: flow specs, the rules that a flow must satisfy, drafts, actions, changes."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.emulator.chain import (
    CATALOG,
    COPY,
    CRM,
    DATA_LAKE,
    DATA_PREP,
    FLOW,
    PERSON,
    PROFILE,
    REGISTRY,
    SERVICENOW,
    ZENDESK,
    Platform,
    code,
    connection,
    dataset,
    flow,
    mapping,
    once,
    schema,
    soon,
    target,
    turn,
)
from tests.emulator.conftest import Start

PAST = {"startTime": 1567411548, "frequency": "minute", "interval": 30}  # the tutorial's, as numbers


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda _: {"state": "enabled"}, "FLOW-1410-400"),
        (lambda _: {"mode": "draft"}, "CONNECTOR-1368-400"),
        (lambda _: {"flowSpec": {"id": "nothing"}}, "FLOW-1413-400"),
        (lambda _: {"flowSpec": {"id": "6499120c-0b15-42dc-936e-847ea3c24d72"}}, "FLOW-1413-400"),
        (lambda _: {"sourceConnectionIds": []}, "CONNECTOR-1321-400"),
        (lambda made: {"sourceConnectionIds": [made["source"], made["source"]]}, "CONNECTOR-1321-400"),
        (lambda made: {"targetConnectionIds": made["target"]}, "CONNECTOR-1321-400"),
        (lambda _: {"targetConnectionIds": ["nothing"]}, "FLOW-1101-404"),
        (lambda _: {"scheduleParams": None}, "CONNECTOR-1304-400"),
        (lambda _: {"scheduleParams": PAST}, "CONNECTOR-1360-400"),
        (lambda _: {"scheduleParams": soon(startTime="1893456000")}, "CONNECTOR-1304-400"),
        (lambda _: {"scheduleParams": soon(interval="30")}, "CONNECTOR-1304-400"),
        (lambda _: {"scheduleParams": soon(interval=0)}, "CONNECTOR-1362-400"),
        (lambda _: {"scheduleParams": soon(frequency="minute", interval=14)}, "CONNECTOR-1362-400"),
        (lambda _: {"scheduleParams": soon(frequency="month")}, "CONNECTOR-1397-400"),
        (lambda _: {"scheduleParams": soon(backfill="true")}, "CONNECTOR-1304-400"),
        (lambda _: {"scheduleParams": {**once(), "interval": 1}}, "CONNECTOR-1361-400"),
        (lambda _: {"scheduleParams": {**once(), "backfill": True}}, "CONNECTOR-1364-400"),
        (lambda _: {"scheduleParams": once()}, "CONNECTOR-1369-400"),
        (lambda made: {"transformations": [turn(made)]}, "CONNECTOR-1367-400"),
        (lambda made: {"transformations": [{"name": "Copy", "params": {}}, turn(made)]}, "CONNECTOR-1367-400"),
        (
            lambda made: {
                "transformations": [{"name": "Copy", "params": {"deltaColumn": {"name": "nothing"}}}, turn(made)]
            },
            "CONNECTOR-1330-400",
        ),
        (lambda _: {"transformations": [COPY]}, "CONNECTOR-1328-400"),
        (lambda _: {"transformations": [COPY, {"name": "Mapping", "params": {}}]}, "CONNECTOR-1370-400"),
        (lambda made: {"transformations": [COPY, COPY, turn(made)]}, "CONNECTOR-1304-400"),
        (lambda _: {"transformations": [COPY, {"name": "Other", "params": {}}]}, "CONNECTOR-1304-400"),
        (lambda made: {"transformations": [COPY, turn(made, mappingVersion="1")]}, "FLOW-1412-400"),
        (lambda made: {"transformations": [COPY, turn(made, mappingId="nothing")]}, "FLOW-1419-400"),
    ],
)
async def test_flows_that_cannot_be(platform: Platform, change: Any, expected: str) -> None:
    made = await platform.ends()
    body = {key: value for key, value in flow(made, **change(made)).items() if value is not None}
    assert code(await platform.post(f"{FLOW}/flows", body)) == expected
    assert "flow" not in (await platform.report())["created"]


@pytest.mark.parametrize(
    "change",
    [
        lambda _: {},
        lambda made: {"scheduleParams": once(), "transformations": [turn(made)]},
        lambda _: {"scheduleParams": soon(frequency="minute", interval=15, backfill=False, extra=1)},
        lambda made: {"transformations": [turn(made, mappingVersion=0), COPY]},
        lambda _: {"flowSpec": {"id": CRM}},
    ],
)
async def test_flows_that_can_be(platform: Platform, change: Any) -> None:
    made = await platform.ends()
    body = flow(made, **change(made))
    item = await platform.item("flows", await platform.make(f"{FLOW}/flows", body))
    assert item["state"] == "enabled"
    assert item["scheduleParams"] == body["scheduleParams"]
    assert item["transformations"] == body["transformations"]
    assert item["inheritedAttributes"]["sourceConnections"][0]["connectionSpec"]["id"] == SERVICENOW
    assert item["inheritedAttributes"]["targetConnections"][0]["connectionSpec"]["id"] == DATA_LAKE


async def test_a_mapping_that_does_not_validate_makes_no_flow(platform: Platform) -> None:
    made = await platform.ends()
    made["mapping"] = await platform.make(f"{DATA_PREP}/mappingSets", mapping(made["schema"], "person.name"))
    assert code(await platform.post(f"{FLOW}/flows", flow(made))) == "FLOW-1419-400"


async def test_mapping_and_dataset_need_the_same_schema(platform: Platform) -> None:
    made = await platform.ends()
    other = await platform.make(f"{REGISTRY}/tenant/schemas", schema("other", PROFILE, PERSON))
    made["mapping"] = await platform.make(f"{DATA_PREP}/mappingSets", mapping(other))
    assert code(await platform.post(f"{FLOW}/flows", flow(made))) == "FLOW-1425-400"


async def test_a_flow_of_zendesk_maps_only(platform: Platform) -> None:
    made = await platform.ends()
    auth = {"specName": "OAuth2 Refresh Code", "params": {"subdomain": "https://x.zendesk.com", "accessToken": "t"}}
    made["base"] = await platform.make(f"{FLOW}/connections", connection(spec=ZENDESK, auth=auth))
    end = connection("zen", ZENDESK, baseConnectionId=made["base"], data={"format": "json"}, params={})
    made["source"] = await platform.make(f"{FLOW}/sourceConnections", end)
    wanted = flow(made, flowSpec={"id": "6499120c-0b15-42dc-936e-847ea3c24d72"}, transformations=[turn(made)])
    assert (await platform.post(f"{FLOW}/flows", wanted)).status_code == 201
    wanted["transformations"] = [COPY, turn(made)]
    assert code(await platform.post(f"{FLOW}/flows", wanted)) == "CONNECTOR-1304-400"


# --- specs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["property=name==CRMToAEP", 'property=name=="CRMToAEP"', "property=name%3D%3DCRMToAEP"]
)
async def test_the_flow_spec_is_found_by_name(platform: Platform, query: str) -> None:
    (spec,) = (await platform.get(f"{FLOW}/flowSpecs?{query}")).json()["items"]
    assert spec["id"] == CRM
    assert SERVICENOW in spec["sourceConnectionSpecIds"]
    assert ZENDESK not in spec["sourceConnectionSpecIds"]
    assert [one["name"] for one in spec["transformationSpecs"]] == ["Copy", "Mapping"]
    assert (await platform.get(f"{FLOW}/flowSpecs/{CRM}")).json()["items"] == [spec]
    assert (await platform.get(f"{FLOW}/flowSpecs?property=name==nothing")).json()["items"] == []
    assert (await platform.get(f"{FLOW}/flowSpecs/nothing")).status_code == 404
    searched = await platform.post(f"{FLOW}/flowSpecs/search", {"queryString": "property=name==CRMToAEP"})
    assert searched.json()["items"] == [spec]


async def test_flow_specs_of_2020(start: Start) -> None:
    async with start(dialect="2020") as platform:
        (spec,) = (await platform.get(f"{FLOW}/flowSpecs?property=name==CRMToAEP")).json()["items"]
        schedule = spec["scheduleSpec"]["spec"]
        assert "sourceConnectionSpecIds" not in spec
        assert "endTime" in schedule["properties"]
        assert schedule["required"] == ["startTime", "frequency", "interval"]
        made = await platform.ends()
        body = flow(made, scheduleParams=once(), transformations=[turn(made)])
        assert code(await platform.post(f"{FLOW}/flows", body)) == "CONNECTOR-1397-400"


@pytest.mark.parametrize("dialect", ["today", "2020"])
async def test_the_rules_agree_with_the_schema_that_is_shown(start: Start, dialect: str) -> None:
    """What the published schedule schema refuses is refused; the rules only add that the start lies ahead."""
    async with start(dialect=dialect) as platform:
        (spec,) = (await platform.get(f"{FLOW}/flowSpecs/{CRM}")).json()["items"]
        shown = Draft7Validator(spec["scheduleSpec"]["spec"])
        made = await platform.ends()
        later = int(time.time()) + 3600
        choices = itertools.product(
            (later, None, "1893456000"),
            ("once", "minute", "hour", "week", "month", None),
            (None, 0, 1, 15, "15"),
            (None, True),
        )
        for startTime, frequency, interval, backfill in choices:  # noqa: N806 - the platform's spelling
            given = {"startTime": startTime, "frequency": frequency, "interval": interval, "backfill": backfill}
            schedule = {key: value for key, value in given.items() if value is not None}
            turns = [turn(made)] if frequency == "once" else [COPY, turn(made)]
            body = flow(made, scheduleParams=schedule, transformations=turns)
            accepted = (await platform.post(f"{FLOW}/flows", body)).status_code == 201
            assert accepted == shown.is_valid(schedule), schedule


async def test_the_tutorials_schedule_is_accepted_on_demand(start: Start) -> None:
    async with start(seed_compat=True) as platform:
        made = await platform.ends()
        strings = {key: str(value) for key, value in PAST.items()}
        item = await platform.item("flows", await platform.make(f"{FLOW}/flows", flow(made, scheduleParams=strings)))
        assert item["scheduleParams"] == PAST


# --- life of a flow ---------------------------------------------------------------------------------------------------


async def test_a_draft_is_checked_when_it_is_published(platform: Platform) -> None:
    made = await platform.ends()
    draft = await platform.make(f"{FLOW}/flows?mode=draft", flow(made, transformations=[COPY]))
    assert (await platform.item("flows", draft))["state"] == "draft"
    publish = f"{FLOW}/flows/{draft}/action?op=publish"
    assert code(await platform.post(publish)) == "CONNECTOR-1328-400"
    etag = (await platform.item("flows", draft))["etag"]
    add = [{"op": "add", "path": "/transformations/-", "value": turn(made)}]
    assert (await platform.patch(f"{FLOW}/flows/{draft}", add, If_Match=etag)).status_code == 200
    published = await platform.post(publish)
    assert set(published.json()) == {"id", "etag"}
    assert (await platform.item("flows", draft))["state"] == "enabled"


async def test_disabling_and_enabling(platform: Platform) -> None:
    id = (await platform.chain())["flow"]
    first = (await platform.item("flows", id))["etag"]
    action = f"{FLOW}/flows/{id}/action"
    response = await platform.post(f"{action}?op=DISABLE&subOp=APPLY")
    assert response.status_code == 200
    assert response.json()["etag"] != first
    assert (await platform.item("flows", id))["state"] == "disabled"
    assert code(await platform.post(f"{action}?op=DISABLE")) == "FLOW-1422-400"
    assert code(await platform.post(f"{action}?op=ENABLE", **{"If-Match": first})) == "FLOW-1404-412"
    assert (await platform.post(f"{action}?op=enable")).status_code == 200
    assert code(await platform.post(f"{action}?op=nonsense")) == "FLOW-1422-400"


async def test_a_schedule_can_be_changed_until_it_has_begun(start: Start) -> None:
    async with start(seed_compat=True) as platform:
        made = await platform.ends()
        begun = await platform.make(f"{FLOW}/flows", flow(made, scheduleParams=PAST))
        ahead = await platform.make(f"{FLOW}/flows", flow(made))
        for id, path, value, expected in (
            (ahead, "/scheduleParams/interval", 2, None),
            (ahead, "/scheduleParams/frequency", "day", None),
            (ahead, "/scheduleParams/startTime", int(time.time()) + 7200, None),
            (ahead, "/scheduleParams/frequency", "month", "CONNECTOR-1397-400"),
            (begun, "/name", "renamed", None),
            (begun, "/scheduleParams/interval", 60, None),
            (begun, "/scheduleParams/startTime", int(time.time()) + 7200, "CONNECTOR-1366-400"),
            (begun, "/scheduleParams/frequency", "once", "CONNECTOR-1403-400"),
            (begun, "/scheduleParams/backfill", False, "CONNECTOR-1404-400"),
            (begun, "/sourceConnectionIds/0", "other", "FLOW-1455-400"),
        ):
            etag = (await platform.item("flows", id))["etag"]
            change = [{"op": "add", "path": path, "value": value}]
            if path.endswith("/0"):
                change[0]["op"] = "replace"
            response = await platform.patch(f"{FLOW}/flows/{id}", change, If_Match=etag)
            assert (None if response.status_code == 200 else code(response)) == expected, (path, response.text)


async def test_a_new_version_of_the_mapping_can_be_used(platform: Platform) -> None:
    made = await platform.chain()
    changed = mapping(made["schema"], "personalEmail.address")
    put = await platform.http.put(f"{DATA_PREP}/mappingSets/{made['mapping']}", json=changed)
    assert put.json()["version"] == 1
    for version, expected in (("2", "FLOW-1412-400"), ("1", None)):
        etag = (await platform.item("flows", made["flow"]))["etag"]
        change = [{"op": "replace", "path": "/transformations/1", "value": turn(made, mappingVersion=version)}]
        response = await platform.patch(f"{FLOW}/flows/{made['flow']}", change, If_Match=etag)
        assert (None if response.status_code == 200 else code(response)) == expected


async def test_the_dataset_of_another_version_is_another_schema(platform: Platform) -> None:
    made = await platform.ends()
    other = dataset(made["schema"], "v2")
    other["schemaRef"]["contentType"] = "application/vnd.adobe.xed+json;version=2"
    made["dataset"] = await platform.make(f"{CATALOG}/dataSets", other)
    made["target"] = await platform.make(f"{FLOW}/targetConnections", target(made, "t2"))
    assert code(await platform.post(f"{FLOW}/flows", flow(made))) == "FLOW-1425-400"
