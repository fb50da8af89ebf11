"""`plan --refresh`, `run --refresh`: what others deleted or changed by hand is put back, then nothing is left to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.cli.conftest import Headway, Platform


def steps(headway: Headway, source: str) -> dict[str, Any]:
    """The steps of a run by name."""
    (line,) = headway("status", source, "--json").lines
    return {step["name"]: step for step in line["steps"]}


def delete(hand: httpx.Client, path: str, id: str) -> None:
    """Somebody deletes an object."""
    hand.delete(f"/{path}/{quote(id, safe='')}").raise_for_status()


def patch(hand: httpx.Client, path: str, step: Any, *operations: Any) -> None:
    """Somebody changes an object."""
    headers = {"If-Match": step["etag"]} if step["etag"] else {}
    hand.patch(f"/{path}/{step['id']}", headers=headers, json=list(operations)).raise_for_status()


def sound(headway: Headway, platform: Platform, manifest: Path, *, superseded: int = 0) -> None:
    """Nothing is there twice or left over, plan and drift are empty, and headway made no mistake."""
    report = platform.report()
    assert report["duplicates"]["count"] == 0
    assert report["unreferenced"]["count"] == superseded
    assert headway("plan", manifest.name, "--refresh", "--detailed-exitcode").code == 0
    assert headway("plan", manifest.name, "--detailed-exitcode").code == 0
    assert headway("drift", manifest.name).code == 0


def test_a_flow_that_was_deleted_by_hand_is_made_anew(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    before, others = steps(headway, "acme-accounts"), steps(headway, "acme-incidents")
    delete(hand, "flowservice/flows", before["flow"]["id"])
    drift = headway("drift", manifest.name)
    assert drift.code == 2
    assert drift.out.endswith(
        "`headway run sources.yaml --refresh` puts it back; `headway plan sources.yaml --refresh` shows how.\n"
    )
    posts = platform.posts()
    plan = headway("plan", manifest.name, "--refresh", "--detailed-exitcode")
    assert plan.code == 2
    assert "~ acme-accounts      flow is created (deleted by hand)" in plan.out
    assert plan.out.splitlines()[-1] == "1 to change, 2 unchanged.   Nothing has been sent."
    assert platform.posts() == posts
    ended = headway("run", manifest.name, "--refresh")
    assert (ended.code, platform.posts()) == (0, posts + 1)
    after = steps(headway, "acme-accounts")
    assert {name for name in after if after[name]["id"] != before[name]["id"]} == {"flow"}
    assert steps(headway, "acme-incidents") == others
    sound(headway, platform, manifest)


def test_without_refresh_a_finished_source_costs_nothing(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    delete(hand, "flowservice/flows", steps(headway, "acme-accounts")["flow"]["id"])
    posts = platform.posts()
    assert headway("run", manifest.name).code == 0
    assert platform.posts() == posts
    assert "3 unchanged" in headway("plan", manifest.name).out


def test_what_was_changed_by_hand_is_made_as_it_was(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    accounts, incidents = (steps(headway, source) for source in ("acme-accounts", "acme-incidents"))
    patch(
        hand,
        "flowservice/flows",
        accounts["flow"],
        {"op": "replace", "path": "/scheduleParams/frequency", "value": "week"},
        {"op": "replace", "path": "/name", "value": "mine"},
    )
    hand.post(f"/flowservice/flows/{incidents['flow']['id']}/action", params={"op": "DISABLE"}).raise_for_status()
    hand.patch(f"/catalog/dataSets/{accounts['dataset']['id']}", json={"name": "my data"}).raise_for_status()
    plan = headway("plan", manifest.name, "--refresh")
    assert "dataset: name my data → " in plan.out
    assert "frequency week → hour (changed by hand)" in plan.out
    assert "flow: on false → true (changed by hand) [in place]" in plan.out
    posts = platform.posts()
    assert headway("run", manifest.name, "--refresh").code == 0
    assert platform.posts() == posts + 1  # switching a flow on is a POST
    flow = hand.get(f"/flowservice/flows/{accounts['flow']['id']}").json()["items"][0]
    assert (flow["scheduleParams"]["frequency"], flow["etag"]) == (
        "hour",
        steps(headway, "acme-accounts")["flow"]["etag"],
    )
    assert flow["name"].startswith("acme-accounts flow ")
    flow = hand.get(f"/flowservice/flows/{incidents['flow']['id']}").json()["items"][0]
    assert flow["state"] == "enabled"
    sound(headway, platform, manifest)


def test_a_mapping_that_somebody_saved_again_unchanged_is_no_reason_to_change_the_flow(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    """The set has a new version, and the flow stays with ours: what the plan says, and nothing else."""
    headway("run", manifest.name)
    made = steps(headway, "acme-accounts")
    path = f"/conversion/mappingSets/{made['mapping_set']['id']}"
    there = hand.get(path).json()
    rows = [{key: row[key] for key in ("source", "destination")} for row in there["mappings"]]
    saved = {"outputSchema": there["outputSchema"], "mappings": [{**row, "sourceType": "ATTRIBUTE"} for row in rows]}
    hand.put(path, json=saved).raise_for_status()
    patch(
        hand, "flowservice/flows", made["flow"], {"op": "replace", "path": "/scheduleParams/frequency", "value": "week"}
    )
    plan = headway("plan", manifest.name, "--refresh").out
    assert "flow: frequency week → hour (changed by hand) [in place]" in plan
    assert headway("run", manifest.name, "--refresh").code == 0
    [flow] = hand.get(f"/flowservice/flows/{made['flow']['id']}").json()["items"]
    assert flow["transformations"][1]["params"]["mappingVersion"] == "0"
    sound(headway, platform, manifest)


def test_what_stands_on_a_deleted_object_is_replaced_only_if_allowed(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    before = steps(headway, "acme-accounts")
    delete(hand, "catalog/dataSets", before["dataset"]["id"])
    plan = headway("plan", manifest.name, "--refresh")
    assert "dataset is created (deleted by hand)" in plan.out
    assert "needs --replace" in plan.out
    posts = platform.posts()
    ended = headway("run", manifest.name, "--refresh")
    assert (ended.code, platform.posts()) == (0, posts)
    assert "target connection, flow cannot be changed in place: needs --replace" in ended.out
    assert headway("run", manifest.name, "--refresh", "--replace").code == 0
    after = steps(headway, "acme-accounts")
    changed = {name for name in after if after[name]["id"] != before[name]["id"]}
    assert changed == {"dataset", "target_connection", "flow"}
    assert sum(one["live"] and one["kind"] == "flow" for one in platform.objects().values()) == 3
    sound(headway, platform, manifest)


def test_what_the_manifest_changed_and_what_others_did_go_together(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    incidents = steps(headway, "acme-incidents")
    patch(
        hand, "flowservice/flows", incidents["flow"], {"op": "replace", "path": "/scheduleParams/interval", "value": 45}
    )
    manifest.write_text(manifest.read_text().replace("interval: 30", "interval: 60"))
    assert "interval 45 → 60 [in place]" in headway("plan", manifest.name, "--refresh").out
    assert headway("run", manifest.name, "--refresh").code == 0
    flow = hand.get(f"/flowservice/flows/{incidents['flow']['id']}").json()["items"][0]
    assert flow["scheduleParams"]["interval"] == 60
    sound(headway, platform, manifest)


def test_what_runs_share_is_made_anew_once(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    for source in ("acme-accounts", "acme-incidents", "acme-contacts"):
        made = steps(headway, source)
        delete(hand, "flowservice/flows", made["flow"]["id"])
        delete(hand, "flowservice/targetConnections", made["target_connection"]["id"])
    shared = made["dataset_base_connection"]["id"]
    delete(hand, "flowservice/connections", shared)
    assert headway("run", manifest.name, "--refresh").code == 0
    bases = {steps(headway, source)["dataset_base_connection"]["id"] for source in ("acme-accounts", "acme-incidents")}
    assert len(bases - {shared}) == len(bases) == 1
    sound(headway, platform, manifest)


def test_a_source_of_which_nothing_is_left_is_made_anew(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    made = steps(headway, "acme-accounts")
    for path, name in (
        ("flowservice/flows", "flow"),
        ("flowservice/sourceConnections", "source_connection"),
        ("flowservice/targetConnections", "target_connection"),
        ("catalog/dataSets", "dataset"),
        ("schemaregistry/tenant/schemas", "target_schema"),
        ("schemaregistry/tenant/schemas", "adhoc_schema"),
        ("schemaregistry/tenant/classes", "adhoc_class"),
    ):
        delete(hand, path, made[name]["id"])
    assert headway("run", manifest.name, "--refresh").code == 0
    again = steps(headway, "acme-accounts")
    assert {name for name in again if again[name]["id"] == made[name]["id"]} == {"dataset_base_connection", "flow_spec"}
    sound(headway, platform, manifest, superseded=1)


def test_somebody_elses_object_that_is_gone_is_not_made(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    body = {"name": "theirs", "schemaRef": {"id": schema(hand), "contentType": FULL}}
    dataset = hand.post("/catalog/dataSets", json=body).raise_for_status().json()[0].rpartition("/")[2]
    text = manifest.read_text().replace("{schema: acme-people}", f"{{dataset: {dataset}}}")
    manifest.write_text(text)
    assert headway("run", manifest.name).code == 0
    before = steps(headway, "acme-contacts")
    delete(hand, "catalog/dataSets", dataset)
    plan = headway("plan", manifest.name, "--refresh")
    assert f"! acme-contacts      dataset is adopted (deleted by hand) [cannot be done: {dataset}" in plan.out
    posts = platform.posts()
    ended = headway("run", manifest.name, "--refresh")
    assert f"{dataset}, which was adopted, is gone: name another one" in ended.out
    assert platform.posts() == posts
    assert steps(headway, "acme-contacts") == before


PARTS = ("profile", "profile-person-details", "profile-personal-details")
FULL = "application/vnd.adobe.xed-full+json;version=1"


def schema(hand: httpx.Client) -> str:
    """A schema of somebody else."""
    body = {
        "type": "object",
        "title": "theirs",
        "description": "by hand",
        "allOf": [{"$ref": f"https://ns.adobe.com/xdm/context/{part}"} for part in PARTS],
    }
    return str(hand.post("/schemaregistry/tenant/schemas", json=body).raise_for_status().json()["$id"])


def test_a_saved_plan_with_refresh_is_done_or_refused_when_the_platform_moved(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    accounts, contacts = (steps(headway, source)["flow"] for source in ("acme-accounts", "acme-contacts"))
    delete(hand, "flowservice/flows", accounts["id"])
    headway("plan", manifest.name, "--refresh", "-o", "mend.plan")
    delete(hand, "flowservice/flows", contacts["id"])
    posts = platform.posts()
    ended = headway("run", "mend.plan")
    assert (ended.code, platform.posts()) == (64, posts)
    headway("plan", manifest.name, "--refresh", "-o", "mend.plan")
    assert headway("run", "mend.plan").code == 0
    assert platform.posts() == posts + 2
    sound(headway, platform, manifest)


def test_an_etag_that_somebody_moved_is_what_the_journal_says_after_a_refresh(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    kinds = {"source_connection": "sourceConnections", "target_connection": "targetConnections", "flow": "flows"}
    for name, path in kinds.items():
        step = steps(headway, "acme-accounts")[name]
        there = platform.objects()[step["id"]]
        same = {"op": "replace", "path": "/name", "value": there["name"]}
        patch(hand, f"flowservice/{path}", step, {**same, "value": "moved"})
        moved = platform.objects()[step["id"]]["etag"]
        patch(hand, f"flowservice/{path}", {**step, "etag": moved}, same)
        assert platform.objects()[step["id"]]["etag"] != step["etag"]
    assert "3 unchanged" in headway("plan", manifest.name, "--refresh").out
    ended = headway("run", manifest.name, "--refresh", "--json")
    assert (ended.code, ended.lines[-1].get("changed", [])) == (0, [])
    for name in kinds:
        step = steps(headway, "acme-accounts")[name]
        assert step["etag"] == platform.objects()[step["id"]]["etag"], name
    sound(headway, platform, manifest)
