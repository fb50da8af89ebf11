"""A short selection of the proof; `make proof` runs it in full."""

import os
import subprocess
import sys

import pytest

from engine.simulation.proof import crashes, find
from engine.simulation.sabotage import SWITCHES
from engine.simulation.schedule import schedule
from engine.simulation.trial import Trial
from engine.simulation.weather import ANY, STILL

CHUNK = 60
# Killed processes leave coroutines that never end: that is what killing means.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::RuntimeWarning")


@pytest.mark.parametrize("first", range(1, 1 + 10 * CHUNK, CHUNK))
def test_the_promise_holds_in_any_weather(first: int) -> None:
    broken = {seed: wrong for seed in range(first, first + CHUNK) if (wrong := schedule(seed).wrong)}
    assert broken == {}


@pytest.mark.parametrize("seed", [62645, 62727])  # a journal that forgot, and a doubt that no look can end
def test_a_question_that_only_a_person_can_answer_breaks_no_promise(seed: int) -> None:
    assert schedule(seed).wrong == []


@pytest.mark.parametrize(
    "trial",
    [
        Trial(seed=100107),  # what an older copy of the journal did not know of keeps former inputs
        Trial(seed=100143, around="lease_from_answer"),  # a step beside the sentinel leaves before that is durable
    ],
)
def test_the_promise_holds_where_it_was_broken_once(trial: Trial) -> None:
    assert trial.run().wrong == []


def test_the_same_seed_is_the_same_story_in_another_process() -> None:
    program = "from engine.simulation.schedule import schedule; print(*schedule(7, trace=True).story, sep='\\n')"
    stories = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert stories[0] == stories[1]
    assert len(stories[0].splitlines()) > 10


def test_nothing_goes_wrong_in_still_weather() -> None:
    result = schedule(1, weather=STILL)
    assert (result.wrong, result.reported, result.faults.total()) == ([], {}, 0)


@pytest.mark.parametrize("server", [False, True])
def test_a_crash_at_any_step_or_commit_does_no_harm(*, server: bool) -> None:
    results = list(crashes(server=server, processes=1))
    assert {kill.moment for kill, _ in results} == {"step", "before", "after"}
    assert {kill.process for kill, _ in results} == {1, 2}
    assert len(results) > 200
    assert {kill: result.wrong for kill, result in results if result.wrong} == {}


@pytest.mark.parametrize("last", ["replace", "chain", "refresh", "share"])
def test_a_crash_at_any_step_of_a_replacement_does_no_harm(last: str) -> None:
    results = list(crashes(server=False, script=("run", last), processes=1))
    assert {kill.process for kill, _ in results} == {1, 2}
    assert {kill: result.wrong for kill, result in results if result.wrong} == {}


def test_who_copies_a_journal_whose_targets_moved_comes_to_an_end() -> None:
    moving = ANY.but(
        rivals=["copy"], disaster=[0], scripts=[("run", "share"), ("run", "adopt"), ("run", "share", "own")]
    )
    seeds = range(880_000, 880_060)
    assert {seed: wrong for seed in seeds if (wrong := schedule(seed, weather=moving).wrong)} == {}


QUICK = (
    "deleted_by_hand_believed",
    "change_unconditional",
    "replaced_stays",
    "effect_before_intent",
    "send_again_blindly",
    "own_sends_forgotten",
    "trust_restored",
    "no_epoch",
    "no_lease",
    "lease_from_answer",
    "no_window_of_delete",
    "off_forgotten",
    "stale_switch_believed",
    "begun_forgotten",
    "sign_all",
    "departing_doubt_ignored",
    "departed_not_looked_for",
)


@pytest.mark.parametrize("switch", QUICK)
def test_a_broken_rule_is_found(switch: str) -> None:
    found = find(switch, count=500)
    assert found.seed is not None, f"{switch}: rule {SWITCHES[switch].rule}"
