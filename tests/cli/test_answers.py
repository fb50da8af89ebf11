"""A person's answer where nothing is in doubt, or where there is nothing to answer; what it leaves as it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Headway, Platform


def flow_name(platform: Platform) -> str:
    """The name of the only flow."""
    (flow,) = [one for one in platform.objects().values() if one["kind"] == "flow" and one["live"]]
    return str(flow["name"])


@pytest.mark.parametrize("answer", ["recreate", "adopt=1b2c3d4e"])
def test_what_is_only_read_takes_no_answer(headway: Headway, platform: Platform, own: Path, answer: str) -> None:
    platform.faults("kind=status,status=400,method=GET,path=/flowSpecs")
    assert headway("run", own.name).code == 1
    ended = headway("resume", "--resolve", "own-cases", "flow_spec", answer)
    assert (ended.code, "the flow spec is only read" in ended.err) == (64, True), ended.err


def test_what_never_was_is_made_under_its_name(headway: Headway, platform: Platform, own: Path) -> None:
    assert headway("run", own.name).code == 0
    name = flow_name(platform)
    platform.ask("reset", {})
    platform.faults("kind=status,status=400,method=POST,service=flowservice,path=/flows$")
    assert headway("run", own.name, "--store", "new.db").code == 1
    platform.faults()
    assert headway("resume", "--resolve", "own-cases", "flow", "recreate", "--store", "new.db").code == 0
    assert flow_name(platform) == name


def test_the_step_of_which_recover_is_in_doubt_is_named(headway: Headway, own: Path) -> None:
    assert headway("run", own.name).code == 0
    for path in own.parent.glob("headway.db*"):
        path.unlink()
    own.write_text(own.read_text().replace("frequency: hour", "frequency: day"))
    ended = headway("recover", own.name)
    assert ended.code == 4
    assert "headway why own-cases flow\n" in ended.out
    plan = headway("plan", own.name).out
    assert "in doubt; flow is looked for, and created only if it is not there\n" in plan


def test_what_a_journal_that_is_gone_had_taken_over_goes_on_in_a_new_one(
    headway: Headway, platform: Platform, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the hint says: the journal that lost the run cannot have it back."""
    monkeypatch.setenv("HEADWAY_SETTLE", "0.5")
    headway("run", own.name)
    assert headway("run", own.name, "--store", "other.db").code == 0
    made = platform.report()["created"]
    old = own.read_text()
    own.write_text(old.replace("frequency: hour", "frequency: day"))
    ended = headway("run", own.name)
    assert ended.code == 1
    assert "another journal" in ended.out
    for path in own.parent.glob("other.db*"):
        path.unlink()
    own.write_text(old)
    ways = re.findall("headway ([a-z]+ FILE --store NEW)", ended.out)
    assert len(ways) == 2
    for words in ways:
        assert headway(*words.replace("FILE", own.name).replace("NEW", "new.db").split()).code == 0
    assert headway("plan", own.name, "--store", "new.db", "--detailed-exitcode").code == 0
    assert platform.report()["created"] == made
    own.write_text(old.replace("frequency: hour", "frequency: day"))
    assert headway("run", own.name, "--store", "new.db").code == 0
