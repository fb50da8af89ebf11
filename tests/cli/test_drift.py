"""`drift`, `pause`, `unpause`: what others did by hand is seen, what headway did is not drift."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.cli.conftest import Headway, Platform, spawn


def step(headway: Headway, source: str, name: str) -> Any:
    """What the journal says of a step."""
    run = next(run for run in headway("status", "--json").lines if run["source"] == source)
    return next(step for step in run["steps"] if step["name"] == name)


def state(hand: httpx.Client, flow: str) -> Any:
    """The state of a flow."""
    return hand.get(f"/flowservice/flows/{flow}").json()["items"][0]["state"]


def test_what_headway_made_is_no_drift(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    posts = platform.posts()
    ended = headway("drift", manifest.name)
    assert (ended.code, ended.out) == (0, "3 sources compared, no drift.   Nothing was changed.\n")
    assert platform.posts() == posts


def test_what_others_did_is_told_field_by_field(headway: Headway, manifest: Path, hand: httpx.Client) -> None:
    headway("run", manifest.name)
    accounts, incidents = (step(headway, source, "flow") for source in ("acme-accounts", "acme-incidents"))
    schema = step(headway, "acme-contacts", "dataset")
    hand.patch(
        f"/flowservice/flows/{accounts['id']}",
        headers={"If-Match": accounts["etag"]},
        json=[{"op": "replace", "path": "/scheduleParams/frequency", "value": "week"}],
    ).raise_for_status()
    hand.post(f"/flowservice/flows/{incidents['id']}/action", params={"op": "DISABLE"}).raise_for_status()
    hand.delete(f"/flowservice/flows/{step(headway, 'acme-contacts', 'flow')['id']}").raise_for_status()
    hand.patch(f"/catalog/dataSets/{schema['id']}", json={"name": "mine"}).raise_for_status()
    titled = quote(step(headway, "acme-accounts", "target_schema")["id"], safe="")
    title = [{"op": "replace", "path": "/title", "value": "mine"}]
    hand.patch(f"/schemaregistry/tenant/schemas/{titled}", json=title).raise_for_status()
    ended = headway("drift", manifest.name, "--json")
    assert ended.code == 2
    *sources, summary = ended.lines
    found = {
        (line["source"], drift["step"]): drift["gone"] or {f["path"]: f["found"] for f in drift["fields"]}
        for line in sources
        for drift in line["drift"]
    }
    assert found == {
        ("acme-accounts", "target_schema"): {"title": "mine"},
        ("acme-accounts", "flow"): {"scheduleParams.frequency": "week"},
        ("acme-incidents", "flow"): {"on": False},
        ("acme-contacts", "flow"): True,
        ("acme-contacts", "dataset"): {"name": "mine"},
    }
    assert (summary["compared"], summary["drifted"]) == (3, 3)
    told = headway("drift", manifest.name, "--only", "acme-accounts").out
    assert 'acme-accounts  flow: scheduleParams.frequency is "week", should be "hour"' in told


def test_a_start_that_the_manifest_names_is_compared(headway: Headway, manifest: Path, hand: httpx.Client) -> None:
    """One that it does not name is computed when the flow is made, so nobody can tell whether it is as it was."""
    named = manifest.read_text().replace("backfill: true}", 'backfill: true, start: "2040-01-01T00:00:00Z"}', 1)
    manifest.write_text(named)
    headway("run", manifest.name, "--only", "acme-accounts")
    flow = step(headway, "acme-accounts", "flow")
    hand.patch(
        f"/flowservice/flows/{flow['id']}",
        headers={"If-Match": flow["etag"]},
        json=[{"op": "replace", "path": "/scheduleParams/startTime", "value": 2208991000}],
    ).raise_for_status()
    ended = headway("drift", manifest.name, "--only", "acme-accounts")
    assert (ended.code, "scheduleParams.startTime is 2208991000, should be 2208988800" in ended.out) == (2, True)
    assert "startTime 2208991000 → 2208988800" in headway("plan", manifest.name, "--refresh").out
    assert headway("run", manifest.name, "--refresh", "--only", "acme-accounts").code == 0
    assert headway("drift", manifest.name, "--only", "acme-accounts").code == 0


def test_what_was_added_stays_until_the_manifest_says_it_too(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    group = "https://ns.adobe.com/xdm/context/profile-personal-details"
    whole = manifest.read_text()
    fewer = whole.replace(f"      - {group}\n", "").replace("      Phone: mobilePhone.number\n", "")
    manifest.write_text(re.sub(r"(,\s*| {6})\w*email: personalEmail.address", "", fewer))
    headway("run", manifest.name)
    contacts = quote(step(headway, "acme-contacts", "target_schema")["id"], safe="")
    added = [{"op": "add", "path": "/allOf/-", "value": {"$ref": group}}]
    hand.patch(f"/schemaregistry/tenant/schemas/{contacts}", json=added).raise_for_status()
    told = headway("drift", manifest.name)
    assert told.code == 2
    assert f'target schema (shared): allOf has "{group}", should not; what was added cannot' in told.out
    assert "puts it back" not in told.out, told.out
    [field] = next(one for line in headway("drift", manifest.name, "--json").lines for one in line["drift"])["fields"]
    assert (field["path"], field["stays"]) == ("allOf", True)

    lines = manifest.read_text().replace("profile-person-details\n", f"profile-person-details\n      - {group}\n", 1)
    manifest.write_text(lines)
    assert (
        f"~ acme-contacts      target schema (shared): allOf + {group} [in place]" in headway("plan", manifest.name).out
    )
    assert headway("run", manifest.name).code == 0
    assert headway("drift", manifest.name).code == 0
    assert headway("plan", manifest.name, "--detailed-exitcode").code == 0
    assert platform.report()["mistakes"]["count"] == 0


def test_a_paused_flow_is_off_until_it_is_unpaused(headway: Headway, manifest: Path, hand: httpx.Client) -> None:
    headway("run", manifest.name)
    flow = step(headway, "acme-accounts", "flow")["id"]
    ended = headway("pause", "acme-acc*")
    assert (ended.code, ended.out[:18]) == (0, "1 source: 1 paused")
    assert state(hand, flow) == "disabled"
    assert headway("drift", manifest.name).code == 0
    assert headway("unpause", "acme-accounts").code == 0
    assert state(hand, flow) == "enabled"
    assert headway("drift", manifest.name).code == 0
    assert headway("run", manifest.name, "--quiet").code == 0


def test_a_lost_answer_to_a_pause_is_resolved_by_looking(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    flow = step(headway, "acme-accounts", "flow")
    platform.faults("kind=reset,after=true,method=POST,path=/action,times=1")
    assert headway("pause", "acme-accounts").code == 0
    assert state(hand, flow["id"]) == "disabled"
    etag = hand.get(f"/flowservice/flows/{flow['id']}").json()["items"][0]["etag"]
    assert step(headway, "acme-accounts", "flow")["etag"] == etag


def test_nobody_is_paused_by_a_wrong_name(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    posts = platform.posts()
    ended = headway("pause", "acme-acounts")
    assert ended.code == 64
    assert "did you mean 'acme-accounts'?" in ended.err
    assert platform.posts() == posts


def test_a_pause_that_pauses_nothing_is_refused_and_says_why(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    headway("run", manifest.name, "--only", "acme-accounts")
    headway("destroy", manifest.name, "--only", "acme-accounts", "--yes")
    platform.faults("kind=status,status=400,method=POST,path=/flows$")
    headway("run", manifest.name, "--only", "acme-incidents")
    platform.faults()
    for quiet in ([], ["--quiet"]):
        ended = headway("pause", "acme-*", *quiet)
        assert (ended.code, ended.out) == (64, "")
        assert "acme-accounts: destroyed, so not paused\nacme-incidents: not done yet, so not paused" in ended.err
    assert "no run of 'dev' is meant" in headway("unpause", "acme-*", "--only", "emea-*").err
    headway("run", manifest.name, "--only", "acme-contacts")
    ended = headway("pause", "acme-*")
    assert (ended.code, ended.out.startswith("1 source: 1 paused")) == (0, True)
    assert "acme-incidents: not done yet, so not paused" in ended.err


@pytest.mark.parametrize("command", [("drift",), ("plan", "--refresh")])
def test_a_read_that_is_repeated_for_long_is_told(
    headway: Headway, platform: Platform, manifest: Path, command: tuple[str, ...]
) -> None:
    headway("run", manifest.name, "--only", "acme-accounts")
    platform.faults("kind=status,status=500,method=GET,path=/flows/")
    process = spawn([*command, manifest.name, "--only", "acme-accounts"], manifest.parent, platform.environ)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("waiting  asked again, for some minutes at most: "), line
    platform.faults()
    assert process.communicate()[1] == ""
    assert process.returncode == 0


@pytest.mark.parametrize("command", [("drift",), ("plan", "--refresh")])
def test_what_may_not_be_read_is_told_as_anywhere_else(
    headway: Headway, platform: Platform, manifest: Path, command: tuple[str, ...]
) -> None:
    headway("run", manifest.name)
    platform.faults("kind=status,status=403,method=GET,service=flowservice")
    ended = headway(command[0], manifest.name, *command[1:])
    assert ended.code == 77
    assert "Adobe does not permit this" in ended.err
    assert "headway doctor" in ended.err
    assert "unexpected" not in ended.err


def test_a_paused_source_stays_paused_when_its_flow_is_made_anew(
    headway: Headway, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    headway("pause", "acme-incidents")
    manifest.write_text(manifest.read_text().replace("table: incident\n", "table: problem\n"))
    assert "[replaced, stays paused]" in headway("plan", manifest.name).out
    assert headway("run", manifest.name, "--replace").code == 0
    replaced = step(headway, "acme-incidents", "flow")["id"]
    assert state(hand, replaced) == "disabled"
    hand.delete(f"/flowservice/flows/{replaced}").raise_for_status()
    assert "flow is created, paused (deleted by hand)" in headway("plan", manifest.name, "--refresh").out
    assert headway("run", manifest.name, "--refresh").code == 0
    flow = step(headway, "acme-incidents", "flow")["id"]
    assert state(hand, flow) == "disabled"
    assert headway("drift", manifest.name).code == 0
    assert headway("status", "acme-incidents").out.rstrip().endswith("paused")
    assert [line["paused"] for line in headway("status", "--json").lines] == [False, False, True]
    assert headway("unpause", "acme-incidents").code == 0
    assert state(hand, flow) == "enabled"
    assert "paused" not in headway("status", "acme-incidents").out


def test_a_new_flow_that_could_not_be_switched_off_is_switched_off_by_the_next_run(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    headway("pause", "acme-accounts")
    assert headway("destroy", manifest.name, "--yes").code == 0
    assert "flow (paused)" in headway("plan", manifest.name).out
    platform.faults("kind=status,status=400,method=POST,path=/action")
    assert headway("run", manifest.name).code == 1
    platform.faults("kind=reset,after=true,method=POST,path=/action,times=1")
    assert headway("run", manifest.name).code == 0
    flow = step(headway, "acme-accounts", "flow")
    assert (state(hand, flow["id"]), flow["error"]) == ("disabled", None)
    assert state(hand, step(headway, "acme-incidents", "flow")["id"]) == "enabled"
