"""`run` against the emulator: what is made, what a second call costs, what a correction mends."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLES, SECRET, Headway, Platform

STEPS = 10


def test_three_sources_become_three_flows_and_the_journal_agrees(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    ended = headway("run", manifest.name)
    assert ended.code == 0
    assert ended.out.startswith("3 sources: 3 done")
    report = platform.report()
    assert report["created"]["flow"] == 3
    assert (report["duplicates"]["count"], report["unreferenced"]["count"], report["mistakes"]["count"]) == (0, 0, 0)
    objects = platform.objects()
    for run in headway("status", "--json").lines:
        assert run["state"] == "done"
        assert len(run["steps"]) == STEPS
        for step in run["steps"]:
            if step["origin"] == "created":
                assert step["etag"] in (None, objects[step["id"]]["etag"] or objects[step["id"]]["version"])


def test_a_second_run_sends_a_token_request_and_a_sandbox_lookup_and_nothing_else(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    headway("run", manifest.name)
    before = platform.report()["requests"]
    ended = headway("run", manifest.name)
    assert ended.code == 0
    after = platform.report()["requests"]
    assert after.pop("ims") == {"POST": before.pop("ims")["POST"] + 1}
    assert after.pop("sandbox-management") == {"GET": before.pop("sandbox-management")["GET"] + 1}
    assert after == before


def test_rows_of_a_spreadsheet_take_what_they_do_not_say_from_defaults(
    headway: Headway, platform: Platform, folder: Path
) -> None:
    for name in ("sources.csv", "sources.yaml"):
        shutil.copy(EXAMPLES / name, folder)
    assert headway("run", "sources.csv", "--defaults", "sources.yaml", "--quiet").code == 0
    assert platform.report()["created"]["flow"] == 2
    rows = folder / "sources.csv"
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:2]))
    said = "`headway destroy sources.csv --removed --defaults sources.yaml`"  # without them it would be all mistakes
    assert said in headway("plan", "sources.csv", "--defaults", "sources.yaml").out
    assert said in headway("run", "sources.csv", "--defaults", "sources.yaml").err


def test_a_manifest_may_come_through_a_pipe_of_the_shell(headway: Headway, own: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, own.read_bytes())
    os.close(writing)
    assert headway("run", f"/dev/fd/{reading}").code == 0  # as in `headway run <(…)`: it can be read but once
    os.close(reading)
    assert headway("plan", own.name, "--detailed-exitcode").code == 0


def test_quiet_says_nothing_when_all_is_well(headway: Headway, manifest: Path) -> None:
    ended = headway("run", manifest.name, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_only_and_exclude_choose_sources_by_name_and_state(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    assert headway("run", manifest.name, "--only", "acme-*", "--exclude", "*-incidents").code == 0
    assert platform.report()["created"]["flow"] == 2
    ended = headway("run", manifest.name, "--only", "state:done")
    assert ended.out.startswith("2 sources: 2 done")
    assert headway("run", manifest.name, "--only", "state:pending").code == 0
    assert platform.report()["created"]["flow"] == 3


@pytest.mark.parametrize("command", ["run", "plan", "drift"])
def test_a_name_that_no_source_has_is_refused(
    headway: Headway, platform: Platform, manifest: Path, command: str
) -> None:
    ended = headway(command, manifest.name, "--only", "acme-acounts", "--only", "acme-incidents")
    assert (ended.code, "sources.yaml  has no source that --only 'acme-acounts' means" in ended.err) == (64, True)
    assert not platform.report()["created"]


def test_a_mistake_in_a_rejected_source_is_mended_in_the_manifest(
    headway: Headway, platform: Platform, own: Path
) -> None:
    """Its table can be looked at only once its base connection is there."""
    good = own.read_text().replace("table: case", "chain: tabular\n    table: case")
    own.write_text(good.replace("email: string", "emial: string").replace("email: personal", "emial: personal"))
    ended = headway("run", own.name)
    assert ended.code == 1
    assert "1 source: 0 done, 1 failed" in ended.out
    assert 'column "emial" is not in the table case; did you mean "email"?' in ended.out
    again = headway("run", own.name)
    assert (again.code, "own.yaml:10:" in again.err) == (64, True)
    own.write_text(good)
    assert headway("run", own.name, "--only", "state:failed").code == 0
    assert headway("status", "--failed", "--json").lines == []
    assert platform.report()["duplicates"]["count"] == 0


def test_a_source_that_is_gone_from_the_manifest_is_reported_and_left_alone(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    manifest.write_text(manifest.read_text().partition("  - name: acme-contacts")[0])
    ended = headway("run", manifest.name)
    assert ended.code == 0
    assert "acme-contacts: in the journal, not in sources.yaml; left alone" in ended.err


def test_events_are_json_lines_and_the_last_one_is_a_summary(headway: Headway, manifest: Path) -> None:
    lines = headway("run", manifest.name, "--json").lines
    done = [line for line in lines if line["event"] == "step_done" and line["source"] == "acme-accounts"]
    assert {"adhoc_class", "flow"} <= {line["step"] for line in done}
    assert all(line["id"] and line["at"].endswith("Z") for line in done)
    summary = lines[-1]
    assert (summary["event"], summary["exit"], summary["total"], summary["done"]) == ("summary", 0, 3, 3)
    assert (summary["failed"], summary["in_doubt"], summary["left"], summary["causes"]) == (0, 0, 0, [])


def test_an_error_is_the_last_event_too(headway: Headway, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEP_SANDBOX_NAME", "nowhere")
    ended = headway("run", manifest.name, "--json")
    assert ended.lines[-1]["event"] == "summary"
    assert ended.lines[-1]["exit"] == ended.code == 64


def test_refused_credentials_on_the_way_stop_everything_and_the_same_command_continues(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    platform.faults("kind=status,status=401,method=POST,service=flowservice")
    ended = headway("run", manifest.name)
    assert ended.code == 77
    assert "401013" in ended.err
    assert "emul…0a from AEP_API_KEY" in ended.err
    assert f"continue with `headway run {manifest.name}`" in ended.err
    platform.faults()
    assert headway("run", manifest.name).code == 0
    report = platform.report()
    assert (report["duplicates"]["count"], report["unreferenced"]["count"]) == (0, 0)


def test_fail_fast_starts_nothing_more(headway: Headway, platform: Platform, manifest: Path) -> None:
    platform.faults("kind=status,status=400,method=POST,service=schemaregistry")
    ended = headway("run", manifest.name, "--fail-fast", "--json", "--concurrency", "1")
    assert ended.code == 1
    assert ended.lines[-1]["failed"] + ended.lines[-1]["left"] == 3
    assert ended.lines[-1]["stopped"] is True
    assert "stopped, because too many failed (--fail-fast, --max-failures)" in ended.err


def test_what_ends_while_it_is_stopped_is_counted(headway: Headway, platform: Platform, manifest: Path) -> None:
    """What is under way is finished; the summary said that it was left."""
    platform.faults(
        "kind=delay,method=POST,service=flowservice,path=/flows$,delay=1,times=1",
        "kind=status,status=400,method=POST,service=flowservice,path=/flows$",
    )
    ended = headway("run", manifest.name, "--fail-fast", "--only", "acme-[ai]*", "--json")
    states = sorted(run["state"] for run in headway("status", "--json").lines)
    summary = ended.lines[-1]
    assert states == ["done", "failed"]
    assert (summary["done"], summary["failed"], summary["left"], summary["stopped"]) == (1, 1, 0, False)
    assert "run_done" in [line["event"] for line in ended.lines]


def test_what_is_proposed_after_a_failure_looks_into_the_same_journal(
    headway: Headway, platform: Platform, own: Path
) -> None:
    platform.faults("kind=status,status=400,method=POST,service=flowservice,path=/flows$")
    assert "headway why own-cases flow\n" in headway("run", own.name).out
    assert "headway why own-cases flow --store new.db\n" in headway("run", own.name, "--store", "new.db").out


def test_no_secret_reaches_output_or_files(
    headway: Headway, platform: Platform, own: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.faults("kind=status,status=400,method=POST,service=flowservice,times=2")
    said = [headway("run", own.name, "-v"), headway("run", own.name, "--json"), headway("status", "--json")]
    said += [headway("why", "own-cases"), headway("doctor"), headway("plan", own.name)]
    monkeypatch.setenv("AEP_CLIENT_SECRET", "wrong-but-secret")
    said.append(headway("run", own.name, "--debug"))
    text = json.dumps([(ended.out, ended.err) for ended in said])
    files = b"".join(path.read_bytes() for path in folder.iterdir())
    secrets = (SECRET, platform.environ["AEP_CLIENT_SECRET"], "wrong-but-secret")
    assert not [secret for secret in secrets if secret in text or secret.encode() in files]
    assert platform.report()["created"]["flow"] == 1
