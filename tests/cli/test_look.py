"""`status`, `why`, `plan`, `init`: what they show, and that they need no more than they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ended, Headway, Platform

RUN_FIELDS = [
    "run_id",
    "workflow",
    "source",
    "org",
    "sandbox",
    "chain",
    "state",
    "paused",
    "created_at",
    "finished_at",
    "error",
    "steps",
]
STEP_FIELDS = [
    "name",
    "state",
    "id",
    "etag",
    "version",
    "attempts",
    "origin",
    "shared",
    "started_at",
    "finished_at",
    "error",
]


def test_status_shows_a_line_per_run(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name, "--exclude", "acme-contacts")
    ended = headway("status")
    assert ended.code == 0
    assert ended.out.splitlines()[0] == "2 runs:   done 2"
    assert [line.split()[:4] for line in ended.out.splitlines()[1:]] == [
        ["acme-accounts", "done", "10/10", "steps"],
        ["acme-incidents", "done", "10/10", "steps"],
    ]


def test_status_as_json_has_every_field_and_is_sorted_by_source(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    lines = headway("status", "--json").lines
    assert [line["source"] for line in lines] == ["acme-accounts", "acme-contacts", "acme-incidents"]
    assert all(list(line) == RUN_FIELDS for line in lines)
    assert all(list(step) == STEP_FIELDS for line in lines for step in line["steps"])
    shared = [step["name"] for step in lines[1]["steps"] if step["shared"]]
    assert shared == ["target_schema", "dataset_base_connection", "flow_spec"]
    assert [line["source"] for line in headway("status", "acme-contacts", "--json").lines] == ["acme-contacts"]
    assert headway("status", lines[0]["run_id"], "--json").lines == lines[:1]


def test_status_without_a_journal_says_so_and_makes_none(offline: Headway, folder: Path) -> None:
    ended = offline("status")
    assert ended.code == 0
    assert "There is no journal at headway.db yet" in ended.out
    assert offline("status", "--json").out == ""
    assert list(folder.iterdir()) == []


def test_status_of_an_unknown_run_names_the_nearest(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    ended = headway("status", "acme-acounts", "nobody")
    assert ended.code == 64
    assert "no run 'acme-acounts'; did you mean 'acme-accounts'?" in ended.err
    assert "no run 'nobody'" in ended.err


def failing(headway: Headway, platform: Platform, manifest: Path) -> Ended:
    """A run in which the flow's requests are refused for good."""
    platform.faults("kind=status,status=400,method=POST,service=flowservice,path=/flows$")
    return headway("run", manifest.name, "--only", "acme-accounts")


def test_status_of_what_failed_says_why(headway: Headway, platform: Platform, manifest: Path) -> None:
    assert failing(headway, platform, manifest).code == 1
    (line,) = headway("status", "--failed", "--json").lines
    assert line["state"] == "failed"
    assert set(line["error"]) == {"kind", "code", "status", "message", "hint", "request_id"}
    assert (line["error"]["kind"], line["error"]["status"]) == ("rejected", 400)
    assert line["steps"][-1]["error"]["request_id"]
    assert headway("status", "--in-doubt", "--json").lines == []
    assert "flow: An internal error" in headway("status", "--failed").out


def test_why_tells_requests_answers_and_what_to_do(headway: Headway, platform: Platform, manifest: Path) -> None:
    failing(headway, platform, manifest)
    ended = headway("why", "acme-accounts", "flow")
    assert ended.code == 0
    words = [line.split()[1] for line in ended.out.splitlines()[2:] if line.startswith("  ") and ":" in line.split()[0]]
    assert words == ["intent", "sent", "rejected"]
    assert "why   rejected (FLOW-" in ended.out
    assert ", request " in ended.out
    assert "next  " in ended.out


def test_why_tells_the_story_of_a_lost_reply(headway: Headway, platform: Platform, manifest: Path) -> None:
    platform.faults("kind=reset,after=true,method=POST,service=flowservice,path=/sourceConnections$,times=1")
    assert headway("run", manifest.name, "--only", "acme-accounts").code == 0
    out = headway("why", "acme-accounts", "source_connection").out
    place = -1
    for word in ("intent", "sent", "in doubt", "looked      1 hit", "recovered"):
        assert (place := out.find(word, place + 1)) > 0, f"{word} is not in its place in:\n{out}"
    (line,) = headway("why", "acme-accounts", "source_connection", "--json").lines
    (step,) = line["steps"]
    assert (step["origin"], step["open_intents"]) == ("recovered", [])
    assert [event["event"] for event in step["history"]][-1] == "recovered"


def test_why_of_a_shared_step_is_the_story_of_whoever_made_it(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    stories = {headway("why", name, "flow_spec").out.splitlines()[-1] for name in ("acme-accounts", "acme-contacts")}
    assert len(stories) == 1
    assert " read " in stories.pop()


def test_why_refuses_what_it_does_not_know(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    ended = headway("why", "acme-accounts", "flows")
    assert ended.code == 64
    assert "acme-accounts has no step 'flows': it has " in ended.err
    assert headway("why", "nobody").code == 64


def test_plan_needs_no_network_no_credentials_and_no_journal(offline: Headway, manifest: Path) -> None:
    ended = offline("plan", manifest.name)
    assert ended.code == 0
    assert [line.split()[:2] for line in ended.out.splitlines()[:3]] == [
        ["+", "acme-accounts"],
        ["+", "acme-incidents"],
        ["+", "acme-contacts"],
    ]
    assert 'target schema "acme-people" (shared)' in ended.out
    assert "flow every 30 minutes" in ended.out
    assert ended.out.splitlines()[-1] == "3 to create.   Nothing has been sent."
    assert [path.name for path in manifest.parent.iterdir()] == [manifest.name]


def test_plan_tells_new_changed_unchanged_and_gone(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    text = manifest.read_text().replace("interval: 30", "interval: 60").replace("acme-contacts", "emea-contacts")
    manifest.write_text(text)
    ended = headway("plan", manifest.name, "--detailed-exitcode")
    assert ended.code == 2
    assert "~ acme-incidents     flow: interval 30 → 60 [in place]" in ended.out
    assert "? acme-contacts      in the journal, not in the manifest: left alone (`headway destroy " in ended.out
    assert "1 to create, 1 to change, 1 unchanged." in ended.out
    lines = headway("plan", manifest.name, "--json").lines
    assert {line["source"]: line["action"] for line in lines[:-1]} == {
        "acme-accounts": "unchanged",
        "acme-incidents": "change",
        "emea-contacts": "create",
        "acme-contacts": "gone",
    }


def test_plan_of_a_finished_manifest_has_nothing_to_do(
    headway: Headway, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headway("run", manifest.name)
    monkeypatch.delenv("AEP_SANDBOX_NAME")  # the journal knows only one
    ended = headway("plan", manifest.name, "--detailed-exitcode")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "3 unchanged.   Nothing has been sent.")


def test_init_writes_a_manifest_that_can_be_planned(offline: Headway, folder: Path) -> None:
    assert offline("init").code == 0
    assert offline("plan", "sources.yaml").code == 0
    before = (folder / "sources.yaml").read_text()
    ended = offline("init")
    assert (ended.code, "exists already" in ended.err) == (64, True)
    assert (folder / "sources.yaml").read_text() == before
    assert json.loads(offline("init", "--schema").out)["required"] == ["version", "sources"]
