"""What somebody made of the descriptions that headway writes, and of the order of a flow: seen, and put back."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import httpx

from tests.cli.conftest import Headway, Platform, spawn
from tests.cli.test_refresh import patch, sound, steps

MINE = [{"op": "replace", "path": "/description", "value": "mine"}]


def describe(hand: httpx.Client, path: str, id: str) -> None:
    """Somebody gives a Registry object another description."""
    hand.patch(f"/schemaregistry/tenant/{path}/{quote(id, safe='')}", json=MINE).raise_for_status()


def test_other_descriptions_and_another_order_are_drift_and_are_put_back(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    made = steps(headway, "acme-accounts")
    for step, path in (
        ("source_connection", "sourceConnections"),
        ("target_connection", "targetConnections"),
        ("dataset_base_connection", "connections"),
    ):
        patch(hand, f"flowservice/{path}", made[step], *MINE)
    describe(hand, "classes", made["adhoc_class"]["id"])
    hand.patch(f"/catalog/dataSets/{made['dataset']['id']}", json={"description": "mine"}).raise_for_status()
    flow = hand.get(f"/flowservice/flows/{made['flow']['id']}").json()["items"][0]
    turned = {"op": "replace", "path": "/transformations", "value": flow["transformations"][::-1]}
    patch(hand, "flowservice/flows", made["flow"], *MINE, turned)

    ended = headway("drift", manifest.name, "--only", "acme-accounts", "--json")
    assert ended.code == 2
    (line, _) = ended.lines
    assert {(drift["step"], field["path"]) for drift in line["drift"] for field in drift["fields"]} == {
        ("source_connection", "description"),
        ("target_connection", "description"),
        ("dataset_base_connection", "description"),
        ("adhoc_class", "description"),
        ("dataset", "description"),
        ("flow", "description"),
        ("flow", "transformations"),
    }
    told = headway("drift", manifest.name, "--only", "acme-accounts").out
    assert 'dataset: description is "mine", should be "acme-accounts dataset"' in told
    assert 'flow: transformations is ["Mapping","Copy"], should be ["Copy","Mapping"]' in told
    plan = headway("plan", manifest.name, "--refresh").out
    assert 'transformations ["Mapping","Copy"] → ["Copy","Mapping"] (changed by hand)' in plan

    posts = platform.posts()
    assert headway("run", manifest.name, "--refresh").code == 0
    assert platform.posts() == posts
    again = hand.get(f"/flowservice/flows/{made['flow']['id']}").json()["items"][0]
    assert again["transformations"] == flow["transformations"]
    assert again["description"].startswith("acme-accounts flow. headway attempt=")
    sound(headway, platform, manifest)


def test_a_new_name_brings_its_description(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    renamed = "- name: acme-konten\n    previously: acme-accounts\n"
    manifest.write_text(manifest.read_text().replace("- name: acme-accounts\n", renamed))
    for options in ((), ("--refresh",)):
        assert (
            "renamed from acme-accounts; 7 objects get the new name; flow"
            in headway("plan", manifest.name, *options).out
        )
    assert headway("run", manifest.name, "--refresh").code == 0
    assert headway("drift", manifest.name).code == 0


def test_a_sentinel_that_somebody_described_anew_is_signed_again(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    made = steps(headway, "acme-accounts")
    describe(hand, "schemas", made["adhoc_schema"]["id"])
    assert headway("drift", manifest.name).code == 2
    posts = platform.posts()
    ended = headway("run", manifest.name, "--refresh")
    assert (ended.code, platform.posts()) == (0, posts), ended.err
    assert {name: step["id"] for name, step in steps(headway, "acme-accounts").items()} == {
        name: step["id"] for name, step in made.items()
    }
    sound(headway, platform, manifest)

    describe(hand, "schemas", made["adhoc_schema"]["id"])
    manifest.write_text(
        manifest.read_text().replace("{frequency: hour, interval: 1,", "{frequency: hour, interval: 2,")
    )
    ended = headway("run", manifest.name)
    assert (ended.code, platform.posts()) == (0, posts), ended.err
    assert headway("plan", manifest.name, "--detailed-exitcode").code == 0

    describe(hand, "schemas", made["adhoc_schema"]["id"])
    ended = headway("destroy", manifest.name, "--yes", "--delete-data")
    assert ended.code == 0, ended.err
    left = {one["kind"] for one in platform.objects().values() if one["live"]} - {"base_connection"}
    assert left == {"mapping_set"}, left


def test_a_doubt_that_only_a_person_can_end_says_how(
    headway: Headway, platform: Platform, manifest: Path, folder: Path, hand: httpx.Client
) -> None:
    """A description tells which attempt made the object; where somebody wrote another one meanwhile, nothing does."""
    only = ("--only", "acme-accounts", "--settle", "1")
    platform.faults("kind=hang,after=true,method=POST,service=flowservice,path=/flows$,times=1")
    with spawn(["run", manifest.name, *only], folder, platform.environ) as process:
        while not platform.report()["faults"].get("hang"):
            assert process.poll() is None
        process.kill()
    [flow] = hand.get("/flowservice/flows").json()["items"]
    url, etag = f"/flowservice/flows/{flow['id']}", {"If-Match": flow["etag"]}
    hand.patch(url, headers=etag, json=MINE).raise_for_status()
    ended = headway("run", manifest.name, *only)
    answer = f"resume --resolve acme-accounts flow adopt={flow['id']}"
    assert (ended.code, f"headway {answer}" in ended.out) == (4, True)
    assert headway(*answer.split(), "--settle", "1").code == 0
    assert headway("run", manifest.name, "--refresh", *only).code == 0
    assert platform.report()["duplicates"]["count"] == 0
