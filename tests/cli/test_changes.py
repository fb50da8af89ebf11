"""A manifest that changed: what `plan` says is what `run` does, no more and no less, and the plan after it is empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.cli.conftest import Headway, Platform


def change(manifest: Path, *changes: tuple[str, str]) -> None:
    text = manifest.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    manifest.write_text(text)


def steps(headway: Headway, source: str) -> dict[str, Any]:
    (line,) = headway("status", source, "--json").lines
    return {step["name"]: step for step in line["steps"]}


def look(hand: httpx.Client, path: str, id: str) -> Any:
    answer = hand.get(f"/{path}/{quote(id, safe='')}", headers={"Accept": "application/vnd.adobe.xed+json; version=1"})
    body = answer.raise_for_status().json()
    return body["items"][0] if "items" in body else body.get(id, body)


def flow_of(hand: httpx.Client, headway: Headway, source: str) -> Any:
    return look(hand, "flowservice/flows", steps(headway, source)["flow"]["id"])


def sound(headway: Headway, platform: Platform, manifest: Path, *, superseded: int = 0) -> None:
    """Nothing is there twice or left over but superseded mapping sets, and there is nothing to do."""
    report = platform.report()
    assert report["duplicates"]["count"] == 0
    assert report["unreferenced"]["count"] == superseded
    ended = headway("plan", manifest.name, "--detailed-exitcode")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "3 unchanged.   Nothing has been sent.")


def test_a_schedule_is_changed_in_place(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    before, posts = steps(headway, "acme-incidents"), platform.posts()
    change(manifest, ("interval: 30", "interval: 60"))
    *_, summary = headway("run", manifest.name, "--json").lines
    assert (summary["exit"], summary["changed"]) == (0, ["acme-incidents"])
    assert "changed     scheduleParams.interval 30 → 60" in headway("why", "acme-incidents", "flow").out
    after = steps(headway, "acme-incidents")
    assert {name for name in after if after[name]["etag"] != before[name]["etag"]} == {"flow"}
    assert {name: step["id"] for name, step in after.items()} == {name: step["id"] for name, step in before.items()}
    flow = flow_of(hand, headway, "acme-incidents")
    assert (flow["scheduleParams"]["interval"], flow["etag"]) == (60, after["flow"]["etag"])
    assert platform.posts() == posts
    sound(headway, platform, manifest)


def test_another_mapping_is_a_new_set_to_which_the_same_flow_is_pointed(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    before = steps(headway, "acme-accounts")
    change(manifest, ("      Phone: mobilePhone.number\n", ""))
    planned = headway("plan", manifest.name).out
    assert "by a new one, the old one stays" in planned
    assert "target schema: description tells that something is made anew [in place]" in planned
    assert headway("run", manifest.name).code == 0
    after = steps(headway, "acme-accounts")
    assert {name for name in after if after[name]["id"] != before[name]["id"]} == {"mapping_set"}
    flow = flow_of(hand, headway, "acme-accounts")
    assert {one["name"]: one["params"].get("mappingId") for one in flow["transformations"]} == {
        "Copy": None,
        "Mapping": after["mapping_set"]["id"],
    }
    sound(headway, platform, manifest, superseded=1)


def test_another_table_is_left_as_it_is_without_replace_while_others_go_on(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    before, accounts = steps(headway, "acme-incidents"), steps(headway, "acme-accounts")
    change(manifest, ("table: incident", "table: problem"), ("hour, interval: 1,", "hour, interval: 2,"))
    plan = headway("plan", manifest.name)
    assert "± acme-incidents" in plan.out
    assert plan.out.splitlines()[-1] == "2 to change, 1 to replace.   Nothing has been sent."
    ended = headway("run", manifest.name)
    assert ended.code == 0
    assert "left as they are: source connection, flow cannot be changed in place: needs --replace" in ended.out
    assert steps(headway, "acme-incidents") == before
    assert steps(headway, "acme-accounts")["flow"]["etag"] != accounts["flow"]["etag"]


def test_replacing_takes_down_only_what_cannot_change(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    before = steps(headway, "acme-incidents")
    change(manifest, ("table: incident", "table: problem"))
    assert headway("run", manifest.name, "--replace").code == 0
    after = steps(headway, "acme-incidents")
    assert {name for name in after if after[name]["id"] != before[name]["id"]} == {"source_connection", "flow"}
    objects = platform.objects()
    assert not any(objects[before[name]["id"]]["live"] for name in ("source_connection", "flow"))
    source = look(hand, "flowservice/sourceConnections", after["source_connection"]["id"])
    assert source["params"]["path"] == "problem"
    sound(headway, platform, manifest)


def test_a_renamed_source_keeps_everything_but_its_name(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    before = steps(headway, "acme-accounts")
    change(manifest, ("- name: acme-accounts", "- name: new-accounts\n    previously: acme-accounts"))
    assert "renamed from acme-accounts" in headway("plan", manifest.name).out
    ended = headway("run", manifest.name)
    assert ended.code == 0
    assert "acme-accounts is called new-accounts from now on" in ended.err
    after, objects = steps(headway, "new-accounts"), platform.objects()
    assert {name for name in after if after[name]["id"] != before[name]["id"]} == {"mapping_set"}
    own = [step for name, step in after.items() if not step["shared"] and name != "flow_spec"]
    assert {objects[step["id"]]["name"].partition(" ")[0] for step in own} == {"new-accounts"}
    assert flow_of(hand, headway, "new-accounts")["description"].startswith("new-accounts flow. headway attempt=")
    sound(headway, platform, manifest, superseded=1)
    change(manifest, ("    previously: acme-accounts\n", ""))
    sound(headway, platform, manifest, superseded=1)


def test_a_name_that_is_taken_is_not_taken_over(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    text = manifest.read_text()
    first, _, rest = text.partition("  - name: acme-incidents")
    manifest.write_text(
        first + "  - name: acme-incidents\n    previously: acme-contacts" + rest.partition("  - name: acme-contacts")[0]
    )
    posts = platform.posts()
    ended = headway("run", manifest.name)
    assert (ended.code, platform.posts()) == (64, posts)
    assert "acme-incidents cannot take the place of acme-contacts: the journal has both" in ended.err


def test_what_somebody_changed_by_hand_is_not_overwritten(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    flow = steps(headway, "acme-incidents")["flow"]
    patch = [{"op": "replace", "path": "/scheduleParams/interval", "value": 45}]
    hand.patch(f"/flowservice/flows/{flow['id']}", headers={"If-Match": flow["etag"]}, json=patch).raise_for_status()
    change(manifest, ("interval: 30", "interval: 60"))
    ended = headway("run", manifest.name)
    assert ended.code == 1
    assert "scheduleParams.interval was 30 and is to be 60, but somebody made it 45" in ended.out
    assert flow_of(hand, headway, "acme-incidents")["scheduleParams"]["interval"] == 45
    change(manifest, ("interval: 60", "interval: 45"))
    assert headway("run", manifest.name).code == 0
    sound(headway, platform, manifest)


def test_a_saved_plan_is_done_exactly_or_not_at_all(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    change(manifest, ("interval: 30", "interval: 60"))
    assert headway("plan", manifest.name, "-o", "monday.plan").code == 0
    change(manifest, ("interval: 60", "interval: 75"))
    moved = headway("run", "monday.plan")
    assert moved.code == 64
    assert "has changed since the plan was made" in moved.err
    change(manifest, ("interval: 75", "interval: 60"))
    for more in (
        ("--replace",),
        ("--delete-data",),
        ("--refresh",),
        ("--only", "acme-incidents"),
        ("--defaults", "d.yaml"),
    ):
        refused = headway("run", "monday.plan", *more)
        assert (refused.code, f"planned without this {more[0]}" in refused.err) == (64, True)
    assert headway("run", "monday.plan").code == 0
    assert flow_of(hand, headway, "acme-incidents")["scheduleParams"]["interval"] == 60
    assert headway("run", "monday.plan").code == 64
    assert "stdin cannot be read again" in headway("plan", "-", "-o", "tuesday.plan").err
    sound(headway, platform, manifest)


def test_a_dataset_that_is_replaced_by_one_that_is_adopted_stays_and_is_named(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    headway("run", manifest.name)
    old, adopted = steps(headway, "acme-contacts")["dataset"]["id"], steps(headway, "acme-accounts")["dataset"]["id"]
    change(manifest, ("{schema: acme-people}", f'{{dataset: "{adopted}"}}'))
    ended = headway("run", manifest.name, "--replace")
    assert ended.code == 0
    assert "Left behind: 1 dataset" in ended.out
    assert old in platform.objects()
    assert f"left        {old} stays as it is" in headway("why", "acme-contacts", "dataset").out


def test_a_lost_journal_finds_what_was_replaced_where_no_sentinel_tells_of_it(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    change(
        manifest, ("chain: adhoc ", "chain: tabular "), ("{schema: acme-people}", "{schema: acme-people, dataset: d}")
    )
    headway("run", manifest.name)
    change(manifest, ("last_name: string, ", ""), (", last_name: person.name.lastName", ""))
    assert headway("run", manifest.name, "--replace").code == 0
    made, there = steps(headway, "acme-contacts"), set(platform.objects())
    Path("headway.db").unlink()
    assert headway("run", manifest.name).code == 0
    assert set(platform.objects()) == there
    found = steps(headway, "acme-contacts")
    assert {name: step["id"] for name, step in found.items()} == {name: step["id"] for name, step in made.items()}
    sound(headway, platform, manifest, superseded=1)


def test_added_columns_and_field_groups_are_there_before_a_mapping_leads_to_them(
    headway: Headway, platform: Platform, own: Path, hand: httpx.Client
) -> None:
    headway("run", own.name)
    before = steps(headway, "own-cases")
    group = "https://ns.adobe.com/xdm/context/profile-person-details"
    change(
        own,
        ("email: string, ", "email: string, caller_name: string, "),
        ("email: personalEmail.address", "email: personalEmail.address, caller_name: person.name.fullName"),
        ("field_groups: [", f"field_groups: [{group}, "),
    )
    plan = headway("plan", own.name)
    assert "adhoc class: columns.caller_name" in plan.out
    assert headway("run", own.name).code == 0
    after = steps(headway, "own-cases")
    assert {name for name in after if after[name]["id"] != before[name]["id"]} == {"mapping_set"}
    schema = look(hand, "schemaregistry/tenant/schemas", after["target_schema"]["id"])
    assert group in [part["$ref"] for part in schema["allOf"]]
    assert "caller_name" in str(look(hand, "schemaregistry/tenant/classes", after["adhoc_class"]["id"])["allOf"])
    assert headway("plan", own.name, "--detailed-exitcode").code == 0
    assert headway("drift", own.name).code == 0
    assert platform.report()["duplicates"]["count"] == 0


def test_other_credentials_are_sent_in_place(
    headway: Headway, platform: Platform, own: Path, hand: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    headway("run", own.name)
    before, posts = steps(headway, "own-cases"), platform.posts()
    monkeypatch.setenv("OTHER_PASSWORD", "marlin-1138")
    change(own, ("${env:SERVICENOW_PASSWORD}", "${env:OTHER_PASSWORD}"), ("username: integration", "username: robot"))
    plan = headway("plan", own.name).out
    assert "auth.params.username integration → robot [in place]" in plan
    assert headway("run", own.name).code == 0
    after = steps(headway, "own-cases")
    assert {name for name in after if after[name] != before[name]} == {"base_connection"}
    assert platform.posts() == posts
    auth = look(hand, "flowservice/connections", after["base_connection"]["id"])["auth"]
    assert (auth["params"]["username"], auth["params"]["password"]) == ("robot", "marlin-1138")
    assert headway("plan", own.name, "--detailed-exitcode").code == 0


def test_another_target_takes_its_data_along_only_if_asked(
    headway: Headway, platform: Platform, own: Path, hand: httpx.Client
) -> None:
    headway("run", own.name)
    before = steps(headway, "own-cases")
    change(own, ("class: https://ns.adobe.com/xdm/context/profile", "class: https://ns.adobe.com/xdm/context/experienceevent"),
           ("field_groups: [https://ns.adobe.com/xdm/context/profile-personal-details]", "field_groups: []"),
           (", email: personalEmail.address", ""))  # fmt: skip
    kept = headway("run", own.name, "--replace")
    cannot = (
        "the data that the old target schema describes is kept, and titles are unique: needs --replace --delete-data"
    )
    assert cannot in kept.out
    assert f"[cannot be done: {cannot}]" in headway("plan", own.name, "--replace").out
    assert steps(headway, "own-cases") == before
    plan = headway("plan", own.name, "--replace", "--delete-data", "-o", "p.plan", "--detailed-exitcode")
    assert plan.code == 2
    assert "cannot be done" not in plan.out
    assert "[replaced, loses data]" in plan.out
    assert headway("run", "p.plan").code == 0
    after, objects = steps(headway, "own-cases"), platform.objects()
    gone = {name for name in after if after[name]["id"] != before[name]["id"]} - {"mapping_set"}
    assert gone == {"target_schema", "dataset", "target_connection", "flow"}
    assert not any(objects[before[name]["id"]]["live"] for name in gone)
    schema = look(hand, "catalog/dataSets", after["dataset"]["id"])["schemaRef"]["id"]
    assert schema == after["target_schema"]["id"]
    assert headway("plan", own.name, "--detailed-exitcode").code == 0
