"""Contract 10.3: runs come from the schedules, in their time."""

from __future__ import annotations

import time

from tests.emulator.chain import FLOW, Json, Platform, code, flow, once, turn
from tests.emulator.conftest import Start


async def _runs(platform: Platform, id: str, more: str = "") -> list[Json]:
    runs: list[Json] = (await platform.get(f"{FLOW}/runs?property=flowId=={id}{more}")).json()["items"]
    return runs


async def test_no_run_is_seen_before_its_time(platform: Platform) -> None:
    id = (await platform.chain())["flow"]
    assert await _runs(platform, id) == []
    assert "lastRunDetails" not in await platform.item("flows", id)


async def test_runs_follow_the_schedule(start: Start) -> None:
    async with start(seed_compat=True, run_delay=1.0, run_length=0.0) as platform:
        schedule = {"startTime": int(time.time()) - 3 * 3600 + 1800, "frequency": "hour", "interval": 1}
        id = (await platform.chain(scheduleParams=schedule))["flow"]
        runs = await _runs(platform, id)
        assert [run["state"] for run in runs] == ["success"] * 3
        assert all(run["metrics"]["recordSummary"]["outputRecordCount"] for run in runs)
        assert (
            len(await _runs(platform, id, "&property=state==success&property=metrics.statusSummary.status==success"))
            == 3
        )
        newest = await _runs(platform, id, "&orderby=-createdAt&limit=1")
        assert newest[0]["createdAt"] == max(run["createdAt"] for run in runs)
        item = await platform.item("flows", id)
        assert item["lastRunDetails"]["id"] == newest[0]["id"]
        assert (await platform.get(f"{FLOW}/runs/{newest[0]['id']}")).json()["items"] == newest
        assert (await platform.report())["created"].get("run") is None


async def test_a_run_is_in_progress_first_and_may_fail(start: Start) -> None:
    begun = {"startTime": int(time.time()) - 10, "frequency": "once"}
    for length, failures, expected in ((60.0, 0.0, "inProgress"), (0.0, 1.0, "failed")):
        async with start(seed_compat=True, run_delay=1.0, run_length=length, run_failures=failures) as platform:
            made = await platform.ends()
            id = await platform.make(f"{FLOW}/flows", flow(made, scheduleParams=begun, transformations=[turn(made)]))
            (run,) = await _runs(platform, id)
            assert run["state"] == run["metrics"]["statusSummary"]["status"] == expected
            assert bool(run["metrics"]["statusSummary"]["errors"]) == (expected == "failed")
            again = await platform.post(f"{FLOW}/runs/{run['id']}/action?op=re-trigger")
            assert again.status_code == (200 if expected == "failed" else 400)


async def test_runs_on_demand(platform: Platform) -> None:
    made = await platform.ends()
    windows = {"startTime": 1, "windowStartTime": 1, "windowEndTime": 2}
    hourly = await platform.make(f"{FLOW}/flows", flow(made))
    single = await platform.make(f"{FLOW}/flows", flow(made, scheduleParams=once(), transformations=[turn(made)]))
    for body, expected in (
        ({"flowId": "nothing", "params": windows}, "FLOW-1430-400"),
        ({"flowId": hourly, "params": windows}, "CONNECTOR-1386-400"),
        ({"flowId": single, "params": {}}, "CONNECTOR-1304-400"),
        ({"flowId": single, "params": {**windows, "deltaColumn": {"name": "x"}}}, "CONNECTOR-1382-400"),
    ):
        assert code(await platform.post(f"{FLOW}/runs", body)) == expected
    created = await platform.post(f"{FLOW}/runs", {"flowId": single, "params": windows})
    assert created.status_code == 201
    assert [run["id"] for run in await _runs(platform, single)] == [created.json()["id"]]
    refused = await platform.http.put(f"{FLOW}/runs/{created.json()['id']}", json={})
    assert code(refused) == "FLOW-1427-400"


async def test_a_draft_does_not_run(start: Start) -> None:
    async with start(run_delay=-7200.0) as platform:  # runs are seen two hours ahead
        made = await platform.ends()
        draft = await platform.make(f"{FLOW}/flows?mode=draft", flow(made))
        assert await _runs(platform, draft) == []
        assert len(await _runs(platform, await platform.make(f"{FLOW}/flows", flow(made)))) == 2


async def test_flows_are_found_by_their_last_run(start: Start) -> None:
    async with start(seed_compat=True, run_delay=1.0, run_length=0.0) as platform:
        made = await platform.ends()
        begun = {"startTime": int(time.time()) - 3600, "frequency": "hour", "interval": 1}
        ran = await platform.make(f"{FLOW}/flows", flow(made, scheduleParams=begun))
        await platform.make(f"{FLOW}/flows", flow(made))
        for query, expected in (("lastRunDetails.state==success", [ran]), ("lastRunDetails.startedAtUTC<1000", [])):
            found = (await platform.get(f"{FLOW}/flows?property={query}")).json()["items"]
            assert [item["id"] for item in found] == expected
