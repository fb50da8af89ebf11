"""The commands that run other things: the demonstration, the emulator, the proof."""

from __future__ import annotations

import json
import shlex
import signal
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import Headway, spawn


@pytest.mark.crash
def test_demo_makes_every_flow_once_and_leaves_only_its_folder(
    offline: Headway, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody: what is on this machine needs no proxy
    ended = offline("demo", "--sources", "6", "--folder", "shown")
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.startswith("headway demo: a local platform with a bad day")
    assert "6 flows, " in ended.out
    assert ", 0 twice, 0 left over" in ended.out
    assert ended.out.count("(SIGKILL), ") == 2
    assert "ids and etags agree with the platform: " in ended.out
    (proposed,) = [line for line in ended.out.splitlines() if line.startswith("Next   ")]
    assert offline(*shlex.split(proposed.removeprefix("Next").partition("   what")[0])[1:]).code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["shown"]
    assert {path.name for path in (folder / "shown").iterdir()} == {"sources.yaml", "headway.db", "headway.db.lock"}
    assert offline("status", "--store", "shown/headway.db").out.startswith("6 runs:   done 6")
    again = offline("demo", "--folder", "shown")
    assert (again.code, "has a journal already" in again.err) == (64, True)


def test_emulator_serves_until_it_is_told_to_end(folder: Path) -> None:
    process = spawn(["emulator", "--port", "0", "--json", "--seed", "7"], folder, {})
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    assert said["seed"] == 7
    with urllib.request.urlopen(f"{said['url']}/__emulator/report", timeout=10) as answer:
        assert json.load(answer)["created"] == {}
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, "created       nothing" in err) == (0, True)


@pytest.mark.parametrize(
    ("option", "wrong", "says"),
    [
        ("--fault", "kind=nonsense", "unknown kind of fault 'nonsense'"),
        ("--fault", "kind=hang,p=x", "'x' is no number"),
        ("--dialect", "2019", "'2019' is neither today nor 2020"),
        ("--rate", "nobody=3", "unknown service 'nobody'"),
        ("--rate", "catalog=many", "'many' is no number"),
        ("--outage", "5", "an outage lasts from second to second, as in 2-5, not '5'"),
    ],
)
def test_emulator_refuses_faults_that_it_does_not_know(offline: Headway, option: str, wrong: str, says: str) -> None:
    ended = offline("emulator", option, wrong)
    assert (ended.code, says in ended.err) == (64, True)
    assert "`headway emulator --help`" in ended.err


@pytest.mark.sim
def test_simulate_proves_the_promise_for_some_seeds(offline: Headway) -> None:
    lines = offline("simulate", "--seed", "11", "--count", "3", "--json").lines
    assert [line["seed"] for line in lines[:-1]] == [11, 12, 13]
    assert lines[-1]["broken"] == [line["seed"] for line in lines[:-1] if line["wrong"]] == []
    assert offline("simulate", "--seed", "11", "--count", "3", "--json").lines == lines


@pytest.mark.sim
def test_simulate_tells_the_story_of_a_single_seed(offline: Headway) -> None:
    ended = offline("simulate", "--seed", "11", "--count", "1")
    assert ended.code == 0
    assert "ends: done" in ended.out
    assert "1 schedule in " in ended.out


@pytest.mark.sim
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # killed processes leave coroutines
def test_simulate_finds_a_broken_rule_out(offline: Headway) -> None:
    ended = offline("simulate", "--sabotage", "effect_before_intent", "--count", "60", "--processes", "1")
    assert ended.code == 0
    assert "effect_before_intent: found out" in ended.out
    replay = ended.out.splitlines()[-4].removeprefix("  replay it with   headway ")
    again = offline(*shlex.split(replay))
    assert (again.code, "--only" in replay, "effect_before_intent: found out" in again.out) == (0, True, True)
    assert offline("simulate", "--sabotage", "nothing").code == 64


@pytest.mark.sim
def test_simulate_looks_around_a_rule_that_is_whole(offline: Headway) -> None:
    around = ("simulate", "--around", "no_send_window", "--count", "3")
    ended = offline(*around)
    assert (ended.code, "0 broke the promise" in ended.out) == (0, True)
    assert offline(*around, "--json").lines[0] != offline("simulate", "--count", "3", "--json").lines[0]
    assert offline("simulate", "--around", "nothing").code == 64
    assert offline(*around, "--sabotage", "no_send_window").code == 64


@pytest.mark.sim
def test_simulate_refuses_to_let_go_wrong_what_never_did(offline: Headway) -> None:
    ended = offline("simulate", "--seed", "11", "--count", "1", "--only", "lists, crash p99 1")
    assert (ended.code, "seed 11 has no crash p99 1" in ended.err) == (64, True)
    assert offline("simulate", "--seed", "11", "--count", "2", "--only", "lists").code == 64
