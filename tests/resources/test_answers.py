"""What each kind says when the platform does not simply do what it was asked: one of the five answers, or a halt."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import orjson
import pytest

from engine import errors as engine
from engine.errors import (
    Answer,
    Conflict,
    InDoubt,
    NotApplied,
    NotAuthorised,
    NotReady,
    Rejected,
    ScopeMissing,
    TooLate,
)
from engine.resource import View
from tests.aep.support import GIVEN
from tests.resources.platform import KINDS, NAMED, NOW, Platform, label, platform
from workflows import aep
from workflows.aep import AepClient, Credentials, Problem
from workflows.resources import Flows, SourceConnections
from workflows.resources._translate import HINTS, translated


async def attempt(
    to: Platform, kind: str, spec: Any, fault: str | None = None, *, within: float = 5.0, **how: Any
) -> Answer:
    """Create an object while something goes wrong; what the engine is told."""
    resource = to.kinds[kind]
    await resource.prepare(spec)
    if fault:
        to.fault(kind=fault, op="create", **how)
    with pytest.raises(Answer) as told:
        await resource.create(orjson.dumps(resource.body(spec, label("acme hw1"), NOW)).decode(), within)
    return told.value


@pytest.mark.parametrize("kind", KINDS)
async def test_a_lost_reply_is_a_doubt_and_the_object_is_found(kind: str) -> None:
    async with platform() as to:
        told = await attempt(to, kind, await to.spec(kind), "reset", after=True)
        assert isinstance(told, InDoubt)
        [hit] = await to.kinds[kind].find(("acme hw1",), None)
        assert (await to.kinds[kind].read(hit.id)).name == "acme hw1"


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_cannot_be_read_is_a_doubt(kind: str) -> None:
    async with platform() as to:
        spec = await to.spec(kind)
        for fault in ("empty",) if kind in ("class", "schema") else ("empty", "malformed", "truncate"):
            assert isinstance(await attempt(to, kind, spec, fault), InDoubt)


@pytest.mark.parametrize("kind", KINDS)
async def test_throttled_means_wait_and_send_again(kind: str) -> None:
    async with platform() as to:
        told = await attempt(to, kind, await to.spec(kind), "status", status=429, retry_after=7)
        assert isinstance(told, NotApplied)
        assert told.retry_after == 7
        assert told.failure.status == 429
        assert await to.kinds[kind].find(("acme hw1",), None) == []


@pytest.mark.parametrize("status", [500, 503, 504, 408])
async def test_trouble_on_the_other_side_is_a_doubt(status: int) -> None:
    async with platform() as to:
        told = await attempt(to, "connection", await to.spec("connection"), "status", status=status)
        assert isinstance(told, InDoubt)
        assert told.failure.kind == "in_doubt"
        assert told.failure.status == status


async def test_nothing_leaves_after_the_send_window() -> None:
    async with platform() as to:
        spec = await to.spec("dataset")
        before = to.requests("catalog", "POST")
        assert isinstance(await attempt(to, "dataset", spec, within=-0.001), NotApplied)
        assert to.requests("catalog", "POST") == before


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mapping set"])
async def test_no_deletion_leaves_after_the_send_window(kind: str) -> None:
    async with platform() as to:
        receipt = await to.make(kind, await to.spec(kind))
        with pytest.raises(NotApplied):
            await to.kinds[kind].delete(receipt.id, -0.001)
        assert await to.kinds[kind].read(receipt.id) is not None


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("kind", ["class", "schema"])
async def test_a_taken_title_names_who_has_it(kind: str, older: bool) -> None:
    async with platform(older_errors=older) as to:
        spec = await to.spec(kind)
        receipt = await to.make(kind, spec, "acme hw1")
        told = await attempt(to, kind, spec)
        assert isinstance(told, Conflict)
        assert told.existing == receipt.id


async def test_refused_for_good_says_why_and_what_to_do() -> None:
    async with platform() as to:
        spec = await to.spec("connection", auth={"endpoint": "https://acme.service-now.com", "username": "u"})
        told = await attempt(to, "connection", spec)
        assert isinstance(told, Rejected)
        failure = told.failure
        assert (failure.kind, failure.status) == ("rejected", 400)
        assert failure.code
        assert "password" in failure.message


async def test_a_start_that_passed_on_the_way_is_computed_again() -> None:
    async with platform() as to:
        flows, spec = to.kinds["flow"], await to.spec("flow")
        body = flows.body(spec, label("late"), NOW)
        late = {**body, "scheduleParams": {**body["scheduleParams"], "startTime": 1_567_411_548}}
        with pytest.raises(NotReady) as told:
            await flows.create(orjson.dumps(late).decode(), 5.0)
        assert told.value.failure.code == "CONNECTOR-1360-400"


async def test_what_flows_still_use_is_not_ready_to_be_deleted() -> None:
    async with platform() as to:
        spec = await to.spec("flow")
        await to.make("flow", spec)
        source = await to.kinds["source connection"].read(spec.source_id)
        with pytest.raises(NotReady) as told:
            await to.kinds["connection"].delete(source.content["baseConnectionId"], 5.0)
        assert told.value.failure.code == "FLOW-1418-400"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_read_without_an_answer_is_never_absence(kind: str) -> None:
    async with platform() as to:
        receipt = await to.make(kind, await to.spec(kind))
        to.fault(kind="status", status=503, method="GET")
        for look in (to.kinds[kind].read(receipt.id), to.kinds[kind].find(("made",), None)):
            with pytest.raises(InDoubt):
                await look


@pytest.mark.parametrize("kind", [kind for kind in NAMED if kind != "dataset"])
async def test_where_a_filter_is_refused_the_list_is_read(kind: str) -> None:
    async with platform() as to:
        receipt = await to.make(kind, await to.spec(kind), "acme hw1")
        to.fault(kind="status", status=400, op="list", times=1)
        [hit] = await to.kinds[kind].find(("acme hw1",), None)
        assert hit.id == receipt.id


async def test_wrong_credentials_stop_everything() -> None:
    async with platform(secret="not the secret") as to:
        for call in (to.spec("dataset"), to.kinds["flow"].read("x"), to.kinds["flow"].prepare(None)):
            with pytest.raises(NotAuthorised) as told:
                await call
            assert told.value.hint


async def test_an_unknown_sandbox_is_no_missing_object() -> None:
    async with platform(sandbox="nowhere") as to:
        with pytest.raises(ScopeMissing):
            await to.kinds["flow"].read("5f00aa11bb22cc33dd44ee55")


async def test_nobody_there_is_not_applied() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    credentials = Credentials(
        access_token="t", api_key="k", ims_org="o", sandbox="dev", base_url=f"http://127.0.0.1:{port}"
    )
    async with AepClient(credentials) as client:
        with pytest.raises(NotApplied):
            await Flows(client).create("{}", 5.0)


# --- the table --------------------------------------------------------------------------------------------------------


def told(error: type[aep.AepError], code: str | None = None, status: int | None = None) -> Any:
    problem = Problem(status=status, code=code, message="said", request_id="r-1", retry_after=3.0)
    return translated(error(problem, "POST", "/flowservice/flows"))


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (aep.NotSent, NotApplied),
        (aep.WindowClosed, TooLate),
        (aep.Refused, NotApplied),
        (aep.Lost, InDoubt),
        (aep.TitleTaken, Conflict),
        (aep.PreconditionFailed, Conflict),
        (aep.NotReady, NotReady),
        (aep.NotFound, Rejected),
        (aep.BadRequest, Rejected),
        (aep.Forbidden, NotAuthorised),
        (aep.Unauthorized, NotAuthorised),
        (aep.SandboxMissing, ScopeMissing),
    ],
)
def test_every_error_has_its_reaction(error: type[aep.AepError], answer: type[engine.HeadwayError]) -> None:
    assert type(told(error)) is answer


def test_no_error_of_the_client_is_without_a_reaction() -> None:
    def below(error: type[aep.AepError]) -> set[type[aep.AepError]]:
        return {error, *(leaf for child in error.__subclasses__() for leaf in below(child))}

    for error in below(aep.AepError) - {aep.AepError}:
        assert isinstance(told(error), engine.HeadwayError)


@pytest.mark.parametrize(
    "code", ["FLOW-2118-403", "FLOW-2120-403", "FLOW-2121-403", "FLOW-3000-403", "403025", "403027", None]
)
def test_a_missing_permission_stops_everything(code: str | None) -> None:
    assert isinstance(told(aep.Forbidden, code, 403), NotAuthorised)


def test_people_are_told_all_that_is_known() -> None:
    failure = told(aep.BadRequest, "FLOW-1425-400", 400).failure
    assert (failure.kind, failure.message, failure.code, failure.status, failure.hint, failure.request_id) == (
        "rejected", "said", "FLOW-1425-400", 400, HINTS["1425"], "r-1",
    )  # fmt: skip
    assert told(aep.Refused, "429050", 429).retry_after == 3.0


@pytest.mark.parametrize("code", ["FLOW-1360-400", "CONNECTOR-1360-400"])
def test_1360_passes(code: str) -> None:
    assert isinstance(told(aep.BadRequest, code, 400), NotReady)


@pytest.mark.parametrize("answer", [{"id": "1", "etag": '"new"'}, {"items": [{"id": "1", "etag": '"new"'}]}])
async def test_an_answer_to_a_change_may_be_an_item_or_a_list_of_one(answer: Any) -> None:
    client = AepClient(GIVEN, transport=httpx.MockTransport(lambda _request: httpx.Response(200, json=answer)))
    view = View(id="1", name="old", note="", created=0.0, etag='"old"')
    assert (await SourceConnections(client).amend(view, "[]", 5.0)).etag == '"new"'
