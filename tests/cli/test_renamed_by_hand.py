"""A flow that somebody renamed bears our marker no more: once the journal is lost, what it reads from tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

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
