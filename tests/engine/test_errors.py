"""What is raised says what happened, and to whom it matters: one class for each reaction."""

from __future__ import annotations

import pytest

from engine import (
    Answer,
    Conflict,
    Failure,
    Halt,
    HeadwayError,
    InDoubt,
    NotApplied,
    NotAuthorised,
    NotReady,
    Rejected,
    ScopeMismatch,
    ScopeMissing,
    StorageError,
    UnknownRun,
)  # fmt: skip

ANSWERS = {
    InDoubt: "in_doubt", NotApplied: "not_applied", Rejected: "rejected", Conflict: "conflict", NotReady: "not_ready"
}  # fmt: skip


@pytest.mark.parametrize(("answer", "kind"), ANSWERS.items())
def test_an_answer_is_made_from_a_message_or_from_a_whole_failure(answer: type[Answer], kind: str) -> None:
    assert answer("too slow").failure == Failure(kind=kind, message="too slow")
    whole = Failure(kind="throttled", message="slow down", status=429, request_id="r-1")
    assert answer(whole).failure is whole
    assert str(answer(whole)) == "slow down"


def test_the_other_answers_are_all_there_are() -> None:
    assert set(Answer.__subclasses__()) == set(ANSWERS)


def test_some_answers_say_more() -> None:
    assert NotApplied("wait", retry_after=7.0).retry_after == 7.0
    assert NotApplied("wait").retry_after is None
    assert Conflict("taken", existing="id-1").existing == "id-1"
    assert Conflict("taken").existing is None


@pytest.mark.parametrize("kind", [NotAuthorised, ScopeMissing, StorageError])
def test_a_common_cause_stops_everything_and_says_what_to_do(kind: type[Halt]) -> None:
    halt = kind("what happened", "what to do")
    assert isinstance(halt, Halt)
    assert not isinstance(halt, Answer)
    assert (str(halt), halt.hint) == ("what happened", "what to do")
    assert kind("what happened").hint == ""


def test_another_world_is_refused_with_a_hint() -> None:
    assert ScopeMismatch("reset", "use another journal").hint == "use another journal"


def test_everything_raised_on_purpose_can_be_caught_as_one() -> None:
    for kind in (Answer, Halt, ScopeMismatch, UnknownRun):
        assert issubclass(kind, HeadwayError)
    assert issubclass(UnknownRun, LookupError)
