"""A secret that was changed behind the same reference: `plan` and `run` notice it, and keep nothing that tells it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import SECRET, Headway, Platform
from tests.cli.test_changes import steps

NEW = "marlin-1138"


def patches(platform: Platform) -> int:
    """How many requests changed a Flow Service object."""
    return int(platform.report()["requests"]["flowservice"].get("PATCH", 0))


def password(hand: httpx.Client, headway: Headway) -> Any:
    """What the platform has been told last."""
    id = steps(headway, "own-cases")["base_connection"]["id"]
    return hand.get(f"/flowservice/connections/{id}").json()["items"][0]["auth"]["params"]["password"]


def test_a_new_secret_behind_the_same_reference_is_sent_once(
    headway: Headway, platform: Platform, own: Path, hand: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert headway("run", own.name).code == 0
    assert headway("plan", own.name, "--detailed-exitcode").code == 0
    monkeypatch.setenv("SERVICENOW_PASSWORD", NEW)
    plan = headway("plan", own.name, "--detailed-exitcode")
    assert (plan.code, "base connection (shared): auth.params (hidden) → (hidden, another) [in place]" in plan.out) == (
        2,
        True,
    )
    posts = platform.posts()
    assert headway("run", own.name).code == 0
    assert (patches(platform), platform.posts()) == (1, posts)
    assert password(hand, headway) == NEW
    assert headway("plan", own.name, "--detailed-exitcode").code == 0
    assert headway("run", own.name).code == 0
    assert patches(platform) == 1
    kept = b"".join(path.read_bytes() for path in own.parent.glob("headway.db*"))
    for secret in (SECRET, NEW):
        assert secret.encode() not in kept
        assert hashlib.sha256(secret.encode()).hexdigest().encode() not in kept


def test_one_source_brings_a_new_secret_to_all_that_share_it(
    headway: Headway, platform: Platform, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = own.read_text()
    own.write_text(first + first.partition("sources:\n")[2].replace("own-cases", "own-other"))
    assert headway("run", own.name).code == 0
    monkeypatch.setenv("SERVICENOW_PASSWORD", NEW)
    assert headway("plan", own.name).out.splitlines()[-1].startswith("1 to change, 1 unchanged.")
    assert headway("run", own.name).code == 0
    assert patches(platform) == 1


def test_who_has_no_secrets_at_hand_can_still_plan(
    headway: Headway, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert headway("run", own.name).code == 0
    monkeypatch.delenv("SERVICENOW_PASSWORD")
    assert headway("plan", own.name, "--detailed-exitcode").code == 0
    assert headway("run", own.name).code == 0


def test_a_secret_that_is_changed_after_the_journal_was_lost_is_noticed(
    headway: Headway, platform: Platform, own: Path, hand: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert headway("run", own.name).code == 0
    for path in own.parent.glob("headway.db*"):
        path.unlink()
    assert headway("recover", own.name).code == 0
    assert headway("run", own.name).code == 0
    assert headway("plan", own.name, "--detailed-exitcode").code == 0
    assert patches(platform) == 0
    monkeypatch.setenv("SERVICENOW_PASSWORD", NEW)
    assert headway("plan", own.name, "--detailed-exitcode").code == 2
    assert headway("run", own.name).code == 0
    assert password(hand, headway) == NEW


def test_a_lost_answer_to_a_new_secret_is_settled(
    headway: Headway, platform: Platform, own: Path, hand: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert headway("run", own.name).code == 0
    monkeypatch.setenv("SERVICENOW_PASSWORD", NEW)
    platform.faults("kind=reset,after=true,method=PATCH,path=/connections,times=1")
    assert headway("run", own.name).code == 0
    assert password(hand, headway) == NEW
    assert headway("plan", own.name, "--detailed-exitcode").code == 0
