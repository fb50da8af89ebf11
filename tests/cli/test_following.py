"""`run --wait` and `status --flows`: how the ingestions of the flows went."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.aep.support import GIVEN
from tests.cli.conftest import Headway, Platform, emulating
from workflows.aep import AepClient
from workflows.cli.following import AT_ONCE, last_runs

EARLY = -86_400.0
"""Runs are seen so many seconds after their flow's start: here a day before, as nobody wants to wait."""


def ahead(folder: Path, **more: float) -> str:
    """The settings of an emulator whose flows have run once as soon as they are there."""
    path = folder / "emulator.json"
    path.write_text(json.dumps({"port": 0, "run_delay": EARLY, "run_length": 0.0, **more}))
    return str(path)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with emulating("--config", ahead(tmp_path_factory.mktemp("well"))) as platform:
        yield platform


def test_the_first_ingestion_of_each_flow_is_told(headway: Headway, manifest: Path) -> None:
    ended = headway("run", manifest.name, "--wait")
    assert ended.code == 0
    assert "waiting for the first ingestion of 3 flows" in ended.err
    told = dict(re.findall(r"^  (acme-\w+) +(success at .*)$", ended.out, re.MULTILINE))
    assert sorted(told) == ["acme-accounts", "acme-contacts", "acme-incidents"]
    assert all("100 records in, 100 out" in line for line in told.values())
    assert ended.out.splitlines()[-1].startswith("3 sources: 3 done")


def test_the_last_event_is_the_summary_all_the_same(headway: Headway, manifest: Path) -> None:
    *events, summary = headway("run", manifest.name, "--wait", "--json").lines
    ingested = [event for event in events if event["event"] == "ingested"]
    assert len(ingested) == 3
    assert {(event["status"], event["records_in"], event["records_failed"]) for event in ingested} == {
        ("success", 100, 0)
    }
    assert (summary["event"], summary["exit"]) == ("summary", 0)


def test_status_shows_the_last_run_of_each_flow(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name, "--quiet")
    headway("pause", "acme-accounts", "--quiet")
    assert headway("status", "--flows").out.count("success at") == 2
    runs = {run["source"]: run["last_run"] for run in headway("status", "--flows", "--json").lines}
    assert runs["acme-accounts"] is None
    assert runs["acme-contacts"]["status"] == "success"
    assert "last_run" not in headway("status", "--json").lines[0]


def test_an_ingestion_that_fails_is_told_with_its_reason(
    offline: Headway, manifest: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with emulating("--config", ahead(folder, run_failures=1.0)) as platform:
        for name, value in platform.environ.items():
            monkeypatch.setenv(name, value)
        ended = offline("run", manifest.name, "--wait", "--only", "acme-accounts")
    assert ended.code == 1
    assert "failed at" in ended.out
    assert "CONNECTOR-1308-500: The call to the vendor failed." in ended.out
    assert "1 source: 1 done, 1 first ingestion not well" in ended.out


def test_a_password_in_the_reason_is_masked(
    offline: Headway, own: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with emulating("--config", ahead(folder, run_failures=1.0)) as platform:
        for name, value in platform.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SERVICENOW_PASSWORD", "vendor failed")
        said = [offline("run", own.name, "--wait"), offline("status", "--flows"), offline("run", own.name, "--wait")]
    for ended in said:
        assert "CONNECTOR-1308-500: The call to the ***." in ended.out


async def test_many_flows_are_looked_at_by_a_few_tasks() -> None:
    tasks = list[int]()

    async def answer(request: httpx.Request) -> httpx.Response:
        tasks.append(len(asyncio.all_tasks()))
        await asyncio.sleep(0)
        flow = {"id": request.url.path.rpartition("/")[2], "name": "", "state": "enabled"}
        return httpx.Response(200, json={"items": [] if "/runs" in request.url.path else [flow]})

    client = AepClient(GIVEN, transport=httpx.MockTransport(answer))
    found = await last_runs(client, {f"source {number}": f"flow {number}" for number in range(1_000)})
    assert found == dict.fromkeys((f"source {number}" for number in range(1_000)), None)
    assert max(tasks) <= AT_ONCE + 2, "memory does not depend on the batch"


def test_a_flow_that_will_not_run_is_not_waited_for(
    offline: Headway, manifest: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with emulating("--config", ahead(folder, run_delay=3600.0)) as platform:
        for name, value in platform.environ.items():
            monkeypatch.setenv(name, value)
        offline("run", manifest.name, "--quiet")
        flows = {
            run["source"]: next(step["id"] for step in run["steps"] if step["name"] == "flow")
            for run in offline("status", "--json").lines
        }
        with platform.hand() as hand:
            hand.delete(f"/flowservice/flows/{flows['acme-accounts']}").raise_for_status()
            path = f"/flowservice/flows/{flows['acme-contacts']}/action"
            hand.post(path, params={"op": "DISABLE"}).raise_for_status()
        ended = offline("run", manifest.name, "--wait", "--exclude", "acme-incidents")
    assert ended.code == 1
    assert "acme-accounts                     has not run and will not: it was deleted" in ended.out
    assert "acme-contacts                     has not run and will not: it is switched off" in ended.out
