"""A flow that somebody renamed bears our marker no more: once the journal is lost, what it reads from tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.cli.conftest import Headway, Platform
from tests.cli.test_refresh import patch, sound, steps


def renamed_and_lost(headway: Headway, manifest: Path, hand: httpx.Client) -> Any:
    """The flow of a source that somebody renamed, and of which no journal tells."""
    headway("run", manifest.name)
    flow = steps(headway, "acme-accounts")["flow"]
    patch(hand, "flowservice/flows", flow, {"op": "replace", "path": "/name", "value": "nightly"})
    Path("headway.db").unlink()
    return flow


def test_it_is_not_made_a_second_time(headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client) -> None:
    flow = renamed_and_lost(headway, manifest, hand)
    there = set(platform.objects())
    ended = headway("run", manifest.name)
    assert ended.code == 4
    assert set(platform.objects()) == there
    assert f"{flow['id']} has what this one needs for itself, but is called 'nightly'" in ended.err + ended.out
    assert headway("resume", "--resolve", "acme-accounts", "flow", f"adopt={flow['id']}").code == 0
    assert steps(headway, "acme-accounts")["flow"]["id"] == flow["id"]
    assert platform.report()["duplicates"]["count"] == 0
    assert headway("plan", manifest.name, "--detailed-exitcode").code == 0


def test_with_its_name_back_it_is_found(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    flow = renamed_and_lost(headway, manifest, hand)
    headway("run", manifest.name)
    (found,) = hand.get(f"/flowservice/flows/{flow['id']}").json()["items"]
    why = headway("why", "acme-accounts", "flow").out
    name = why.partition("call it '")[2].partition("'")[0]
    patch(hand, "flowservice/flows", found, {"op": "replace", "path": "/name", "value": name})
    assert headway("run", manifest.name).code == 0
    assert steps(headway, "acme-accounts")["flow"]["id"] == flow["id"]
    sound(headway, platform, manifest)


def test_once_it_is_gone_another_is_made(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    flow = renamed_and_lost(headway, manifest, hand)
    headway("run", manifest.name)
    hand.delete(f"/flowservice/flows/{flow['id']}").raise_for_status()
    assert headway("run", manifest.name).code == 0
    sound(headway, platform, manifest)


def test_a_flow_of_another_source_over_a_table_that_both_adopt_is_no_reason_to_ask(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    built = {name: step["id"] for name, step in steps(headway, "acme-accounts").items()}
    hand.delete(f"/flowservice/flows/{built['flow']}").raise_for_status()
    Path("headway.db").unlink()
    said = yaml.safe_load(manifest.read_text())
    existing = {name: built[name] for name in ("adhoc_class", "adhoc_schema", "source_connection")}
    (first,) = (source for source in said["sources"] if source["name"] == "acme-accounts")
    said["sources"] = [{**first, "name": name, "chain": "adhoc", "existing": existing} for name in ("one", "two")]
    Path("both.yaml").write_text(yaml.safe_dump(said))
    assert headway("run", "both.yaml", "--only", "one").code == 0
    platform.faults("kind=status,status=400,method=POST,service=flowservice,path=/flows$")
    assert headway("run", "both.yaml", "--only", "two").code == 1
    platform.faults()
    Path("headway.db").unlink()
    assert headway("run", "both.yaml").code == 0
    assert steps(headway, "one")["flow"]["id"] != steps(headway, "two")["flow"]["id"]


def test_it_may_be_anothers_so_that_one_is_made_beside_it(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    theirs = renamed_and_lost(headway, manifest, hand)
    ended = headway("run", manifest.name)
    assert "flow recreate" in ended.err + ended.out
    assert headway("resume", "--resolve", "acme-accounts", "flow", "recreate").code == 0
    assert headway("run", manifest.name).code == 0
    assert steps(headway, "acme-accounts")["flow"]["id"] != theirs["id"]
    assert headway("plan", manifest.name, "--detailed-exitcode").code == 0
    assert theirs["id"] in platform.objects()
