"""A line of `status --json`, in the shape that users and scripts rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import Failure, Origin, Receipt, RunState, RunStatus, Scope, StepState, StepStatus, Workflow
from engine.model import Attempt, replace, value
from engine.report import report, shown, timestamp


@value
class Inputs:
    """Of a run."""


class Things:
    kind = "thing"

    async def create(self) -> None: ...


class Lookup:
    async def fetch(self) -> None: ...


site = Workflow("site", inputs=Inputs)


@site.step(Things)
def first(inputs: Inputs) -> Inputs:
    return inputs


@site.step(Things, shared="base")
def base() -> None: ...


@site.step(Lookup)
def look(inputs: Inputs) -> Inputs:
    return inputs


PLAN = site.plan(Inputs())
RUN = RunState(
    key=1, run_id="abcdefgh", workflow="site", variant="small", source="acme", inputs="{}", inputs_print="",
    scope=Scope(gateway="https://api.example", org="org@Example", sandbox="dev"), definition="",
    created_at=1893456000.0,
)  # fmt: skip
NOTHING = {
    "state": "pending", "id": None, "etag": None, "version": None, "attempts": 0, "origin": None,
    "started_at": None, "finished_at": None, "error": None,
}  # fmt: skip
OPEN = Attempt(tag="p-1", by="p", at=1.0)


def test_a_run_that_has_not_begun() -> None:
    assert report(RUN, PLAN, {}) == {
        "run_id": "abcdefgh",
        "workflow": "site",
        "source": "acme",
        "org": "org@Example",
        "sandbox": "dev",
        "chain": "small",
        "state": "pending",
        "paused": False,
        "created_at": "2030-01-01T00:00:00.000Z",
        "finished_at": None,
        "error": None,
        "steps": [
            {"name": "first", "shared": False} | NOTHING,
            {"name": "base", "shared": True} | NOTHING,
            {"name": "look", "shared": False} | NOTHING,
        ],
    }


def test_ids_and_etags_are_what_the_platform_returned() -> None:
    receipt = Receipt(id="https://ns.adobe.com/x", etag='"a\\"b"', version="1.0", origin=Origin.RECOVERED)
    step = StepState(
        name="first", status=StepStatus.DONE, tries=2, receipt=receipt, started_at=1893456000.5,
        finished_at=1893456001.25,
    )  # fmt: skip
    run = replace(RUN, status=RunStatus.DONE, steps={"first": step}, finished_at=1893456002.0)
    line: Any = json.loads(json.dumps(report(run, PLAN, {})))
    assert (line["state"], line["finished_at"]) == ("done", "2030-01-01T00:00:02.000Z")
    assert line["steps"][0] == {
        "name": "first",
        "state": "done",
        "id": "https://ns.adobe.com/x",
        "etag": '"a\\"b"',
        "version": "1.0",
        "attempts": 2,
        "origin": "recovered",
        "shared": False,
        "started_at": "2030-01-01T00:00:00.500Z",
        "finished_at": "2030-01-01T00:00:01.250Z",
        "error": None,
    }


def test_a_shared_step_shows_the_state_that_all_share_and_never_one_of_the_run() -> None:
    def done(id: str) -> StepState:
        return StepState(name="base", status=StepStatus.DONE, receipt=Receipt(id=id))

    steps: Any = report(replace(RUN, steps={"base": done("old")}), PLAN, {"base": done("shared")})["steps"]
    assert (steps[1]["id"], steps[1]["shared"], steps[1]["origin"]) == ("shared", True, "created")
    steps = report(replace(RUN, steps={"base": done("old")}), PLAN, {})["steps"]
    assert (steps[1]["id"], steps[1]["state"]) == (None, "pending")


def test_what_was_only_read_has_no_origin() -> None:
    read = StepState(name="look", status=StepStatus.DONE, receipt=Receipt(id="spec"))
    steps: Any = report(replace(RUN, steps={"look": read}), PLAN, {})["steps"]
    assert (steps[2]["id"], steps[2]["origin"]) == ("spec", None)


def test_an_error_has_six_words_in_a_run_and_in_a_step() -> None:
    failure = Failure(kind="rejected", message="no", code="400-1", status=400, hint="mend it", request_id="r-1")
    step = StepState(name="first", status=StepStatus.FAILED, failure=failure)
    line: Any = report(replace(RUN, status=RunStatus.FAILED, failure=failure, steps={"first": step}), PLAN, {})
    six = {
        "kind": "rejected", "code": "400-1", "status": 400, "message": "no", "hint": "mend it", "request_id": "r-1"
    }  # fmt: skip
    assert line["error"] == line["steps"][0]["error"] == six
    bare: Any = report(replace(RUN, failure=Failure(kind="halt", message="m")), PLAN, {})
    assert bare["error"] == dict.fromkeys(six) | {"kind": "halt", "message": "m"}


@pytest.mark.parametrize(
    ("step", "run", "state"),
    [
        (StepState(name="s"), RunStatus.RUNNING, "pending"),
        (StepState(name="s", due=9.0), RunStatus.RUNNING, "waiting"),
        (StepState(name="s", status=StepStatus.INTENT, attempts=(OPEN,)), RunStatus.RUNNING, "running"),
        (StepState(name="s", status=StepStatus.INTENT, attempts=(OPEN,)), RunStatus.FAILED, "in_doubt"),
        (StepState(name="s", status=StepStatus.INTENT, attempts=(OPEN,)), RunStatus.IN_DOUBT, "in_doubt"),
        (StepState(name="s", status=StepStatus.DONE), RunStatus.FAILED, "done"),
        (StepState(name="s", status=StepStatus.FAILED), RunStatus.FAILED, "failed"),
        (StepState(name="s", status=StepStatus.IN_DOUBT, attempts=(OPEN,)), RunStatus.IN_DOUBT, "in_doubt"),
        (StepState(name="s", status=StepStatus.DESTROYED), RunStatus.DESTROYED, "destroyed"),
    ],
)
def test_a_step_is_shown_in_the_users_words(step: StepState, run: RunStatus, state: str) -> None:
    assert shown(step, replace(RUN, status=run)) == state


@pytest.mark.parametrize("status", RunStatus)
def test_every_state_of_a_run_is_one_of_the_promised_words(status: RunStatus) -> None:
    promised = {"pending", "running", "waiting", "done", "failed", "in_doubt", "destroyed"}
    assert report(replace(RUN, status=status), PLAN, {})["state"] in promised


def test_times_are_utc_to_the_millisecond() -> None:
    assert timestamp(None) is None
    assert timestamp(0.0) == "1970-01-01T00:00:00.000Z"
    assert timestamp(1893456000.9994) == "2030-01-01T00:00:00.999Z"
