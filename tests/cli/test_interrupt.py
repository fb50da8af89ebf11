"""Signals: the first ends in good order, the second at once, SIGKILL leaves nothing that the next call cannot mend."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Headway, Platform, spawn

ROOT = Path(__file__).parents[2]


def begun(folder: Path, platform: Platform, *arguments: str) -> subprocess.Popen[str]:
    """`headway run`, which has said where it works and is about to send."""
    process = spawn(["run", "sources.yaml", *arguments], folder, platform.environ)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("org ")
    return process


def until_asked(platform: Platform, family: str) -> None:
    """Wait until the platform has been asked to create something in a service."""
    deadline = time.monotonic() + 20
    while not platform.report()["requests"].get(family, {}).get("POST"):
        assert time.monotonic() < deadline


def finished(platform: Platform, folder: Path) -> None:
    """The same command again brings everything to its end, once."""
    process = spawn(["run", "sources.yaml"], folder, platform.environ)
    out, err = process.communicate(timeout=50)
    assert process.returncode == 0, err
    report = platform.report()
    assert "3 done" in out
    assert report["live"]["flow"] == 3
    assert (report["duplicates"]["count"], report["unreferenced"]["count"], report["mistakes"]["count"]) == (0, 0, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_what_is_in_flight_finish_and_the_same_command_continues(
    platform: Platform, manifest: Path, number: signal.Signals
) -> None:
    platform.faults(latency=0.3)
    process = begun(manifest.parent, platform)
    until_asked(platform, "schemaregistry")
    sent = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - sent < 10
    assert "stopping: what is under way is finished" in err
    assert "interrupted; continue with `headway run sources.yaml`" in out
    platform.faults()
    finished(platform, manifest.parent)


def test_a_second_signal_leaves_at_once(platform: Platform, manifest: Path) -> None:
    platform.faults("kind=hang,method=POST,service=schemaregistry")
    process = begun(manifest.parent, platform)
    until_asked(platform, "schemaregistry")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("stopping")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "")  # who waits for what is under way says so in the end


def test_a_signal_before_anything_was_sent_leaves_nothing_to_mend(platform: Platform, manifest: Path) -> None:
    platform.faults("kind=hang,service=ims")
    process = spawn(["run", "sources.yaml"], manifest.parent, platform.environ)
    until_asked(platform, "ims")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "interrupted, nothing was sent; continue with `headway run sources.yaml`" in err


@pytest.mark.parametrize(
    ("answer", "code", "flows"), [("n\n", 3, None), ("y\n", 0, 3), ("\x03", 130, None)], ids=["no", "yes", "Ctrl-C"]
)
def test_a_person_at_a_terminal_is_asked_before_anything_is_created_in_production(
    platform: Platform, manifest: Path, answer: str, code: int, flows: int | None
) -> None:
    ours, theirs = pty.openpty()
    terminal = os.ttyname(theirs)  # whoever opens it first in a session of its own takes its Ctrl-C
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$0" -m workflows.cli run sources.yaml <{terminal} >{terminal} 2>&1', sys.executable],
        cwd=manifest.parent,
        env={**platform.environ, **os.environ, "AEP_SANDBOX_NAME": "prod", "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        start_new_session=True,
    )
    said = b""
    while b"3 sources to create or change: continue? [y/N]" not in said:
        said += os.read(ours, 1024)
    os.close(theirs)
    os.write(ours, answer.encode())
    with suppress(OSError):  # what a terminal says when its other end is closed
        while os.read(ours, 1024):
            pass
    os.close(ours)
    assert process.wait(timeout=20) == code
    assert platform.report()["live"].get("flow") == flows


@pytest.mark.crash
def test_sigkill_at_several_moments_makes_nothing_twice(platform: Platform, manifest: Path) -> None:
    platform.faults("kind=reset,after=true,p=0.1,method=POST,service=flowservice|catalog", latency=0.05)
    for family in ("schemaregistry", "catalog", "flowservice"):
        process = begun(manifest.parent, platform)
        until_asked(platform, family)
        process.kill()
        process.communicate()
    platform.faults()
    finished(platform, manifest.parent)


@pytest.mark.crash
def test_a_batch_half_changed_when_its_journal_was_lost_comes_to_its_end_as_the_hint_says(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    """The new inputs fit one part, the former ones the other: `--only state:in_doubt` tells them apart."""
    headway("run", manifest.name)
    made, old = platform.report()["created"], manifest.read_text()
    manifest.write_text(old.replace("interval: 30", "interval: 45").replace("interval: 1,", "interval: 2,"))
    new = manifest.read_text()
    platform.faults("kind=hang,method=PATCH,path=/flows,skip=1")
    process = begun(manifest.parent, platform)
    deadline = time.monotonic() + 20
    while not platform.report()["faults"].get("hang"):
        assert time.monotonic() < deadline
    process.kill()
    process.communicate()
    platform.faults()
    for path in manifest.parent.glob("headway.db*"):
        path.unlink()
    ended = headway("run", manifest.name)
    assert (ended.code, "3 sources: 1 done, 2 in doubt" in ended.out) == (4, True)
    assert "put those back in the manifest and headway run FILE --only state:in_doubt, then the new ones" in ended.out
    manifest.write_text(old)
    ended = headway("run", manifest.name, "--only", "state:in_doubt")
    assert (ended.code, ended.out.startswith("2 sources: 2 done")) == (0, True)
    manifest.write_text(new)
    assert headway("run", manifest.name).code == 0
    assert headway("drift", manifest.name).code == 0
    assert headway("plan", manifest.name, "--detailed-exitcode").code == 0
    assert platform.report()["created"] == made


def test_whoever_stops_listening_does_not_stop_the_work(platform: Platform, manifest: Path) -> None:
    process = spawn(["run", "sources.yaml", "--json"], manifest.parent, platform.environ)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 0, err
    assert platform.report()["live"]["flow"] == 3


def test_a_closed_stdout_is_no_reason_to_fail(platform: Platform, manifest: Path) -> None:
    command = ["sh", "-c", 'exec "$0" -m workflows.cli run sources.yaml --json >&-', sys.executable]
    environ = {**os.environ, **platform.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=manifest.parent, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert platform.report()["live"]["flow"] == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_sources_shared_is_taken_down_by_the_same_command(
    platform: Platform, manifest: Path, number: signal.Signals
) -> None:
    finished(platform, manifest.parent)
    platform.faults("kind=hang,method=DELETE,path=/connections/")
    command = ["destroy", "sources.yaml", "--only", "acme-*", "--yes"]
    process = spawn(command, manifest.parent, platform.environ)
    deadline = time.monotonic() + 20
    while not platform.report()["faults"]:
        assert time.monotonic() < deadline
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    if number is signal.SIGINT:
        assert process.returncode == 130, err
        assert "shared by them, and still there: data-lake" in out
        assert "interrupted; continue with `headway destroy sources.yaml --only 'acme-*' --yes`" in out
    platform.faults()
    process = spawn(command, manifest.parent, platform.environ)
    out, err = process.communicate(timeout=50)
    assert (process.returncode, out.partition("   ")[0]) == (0, "3 sources: 3 destroyed"), err
    assert "dataset_base_connection" not in platform.report()["live"]


def test_who_stops_waiting_for_an_ingestion_has_not_got_what_he_asked_for(platform: Platform, manifest: Path) -> None:
    process = begun(manifest.parent, platform, "--wait")
    assert process.stderr is not None
    while "waiting for the first ingestion of 3 flows" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    command = "headway run sources.yaml --wait"
    assert f"interrupted; the first ingestion of 3 flows has not ended; continue with `{command}`" in out


def test_a_saved_plan_that_was_begun_goes_on_by_its_manifest(platform: Platform, manifest: Path) -> None:
    """What is left of it is another plan, so that it refuses."""

    def ended(*words: str) -> tuple[int, str]:
        process = spawn(words, manifest.parent, platform.environ)
        out, err = process.communicate(timeout=50)
        return process.returncode, out + err

    assert ended("plan", "sources.yaml", "--only", "acme-*", "--replace", "-o", "monday.plan")[0] == 0
    platform.faults(latency=0.3)
    process = spawn(["run", "monday.plan"], manifest.parent, platform.environ)
    until_asked(platform, "schemaregistry")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    command = "headway run sources.yaml --only 'acme-*' --replace"
    assert (process.returncode, f"continue with `{command}`" in out) == (130, True)
    platform.faults()
    code, said = ended("run", "monday.plan")
    assert (code, f"`{command}` does the rest" in said) == (64, True)
    assert ended(*shlex.split(command)[1:])[0] == 0
    finished(platform, manifest.parent)


def test_what_destroying_leaves_behind_is_named_by_the_call_that_ends_it(platform: Platform, manifest: Path) -> None:
    """Also what the call that was lost had left, and what an earlier one had."""
    finished(platform, manifest.parent)
    platform.faults("kind=hang,method=DELETE,service=schemaregistry")
    command = ["destroy", "sources.yaml", "--yes"]
    process = spawn(command, manifest.parent, platform.environ)
    deadline = time.monotonic() + 20
    while platform.report()["faults"].get("hang") != 3:
        assert time.monotonic() < deadline
    process.kill()
    process.communicate(timeout=20)
    platform.faults()
    for _ in range(2):
        process = spawn(command, manifest.parent, platform.environ)
        out, err = process.communicate(timeout=50)
        assert process.returncode == 0, err
        assert "Left behind: 3 mapping sets (the platform cannot delete them)" in out
        assert "3 datasets" in out
