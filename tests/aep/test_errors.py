"""What every error body means, whatever its shape (contract 1.2 to 1.4, 3.5, 12)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.aep import (
    AepError,
    BadRequest,
    Forbidden,
    Lost,
    NotFound,
    NotReady,
    PreconditionFailed,
    Problem,
    Refused,
    SandboxMissing,
    TitleTaken,
    Unauthorized,
)
from workflows.aep.errors import LONGEST_WAIT, error_for, parse_problem, parse_retry_after, retry_after_of
from workflows.aep.masks import Masks

NOW = 1_900_000_000.0
AEP = "https://ns.adobe.com/aep/errors/"


def problem(status: int, body: Any, headers: dict[str, str] | None = None, secrets: tuple[str, ...] = ()) -> Problem:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return parse_problem(status, headers or {}, content, now=NOW, masks=Masks(secrets))


def flow(code: str, detail: str = "why") -> dict[str, Any]:
    return {
        "type": AEP + code, "title": "t", "status": 400, "report": {"detailed-message": detail, "request-id": "r-1"},
        "errorMessage": detail, "errorDetails": detail,
    }  # fmt: skip


def xdm(code: str, detail: str) -> dict[str, Any]:
    report = {"registryRequestId": "r-2", "timestamp": "06-01-2021", "sub-errors": [], "detailed-message": detail}
    return {"type": f"http://ns.adobe.com/aep/errors/{code}", "title": "t", "report": report, "detail": detail}


SHAPES = [
    ({"error_code": "401013", "message": "Oauth token is not valid"}, "401013", "Oauth token is not valid", None),
    (flow("FLOW-1404-412", "stale version"), "FLOW-1404-412", "stale version", "r-1"),
    ({"errorMessage": "Supplied version does not match"}, "400", "Supplied version does not match", None),
    (flow("CONNECTOR-1308-400", "vendor said no"), "CONNECTOR-1308-400", "vendor said no", "r-1"),
    (xdm("XDM-1010-404", "no such schema"), "XDM-1010-404", "no such schema", "r-2"),
    ({"type": "/placeholder/type/uri", "status": 400, "title": "BadRequestError", "detail": "bad"}, "400", "bad", None),
    ({"error": "invalid_client", "error_description": "no such client"}, "400", "no such client", None),
    ({"detail": "both", "message": "only one wins"}, "400", "both", None),
    (b"<html><body>Bad\n Gateway</body></html>", "400", "<html><body>Bad Gateway</body></html>", None),
    (b"", "400", "Bad Request", None),
    (b"\xff\xfe", "400", "\ufffd\ufffd", None),
    ([1, 2], "400", "[1,2]", None),
    ({"report": "text", "detail": {"not": "text"}, "message": "  "}, "400", None, None),
]


@pytest.mark.parametrize(("body", "code", "message", "request_id"), SHAPES)
def test_every_documented_shape_is_read(body: Any, code: str, message: str | None, request_id: str | None) -> None:
    found = problem(400, body)
    assert found.status == 400
    assert found.code == code
    assert found.request_id == request_id
    assert message is None or found.message == message


@pytest.mark.parametrize(
    ("body", "message"),
    [({"error": "server_error"}, "server_error"), ({"status": 503, "ref": {"id": "x"}}, "Service Unavailable")],
)
def test_a_service_in_trouble_is_not_quoted_as_json(body: Any, message: str) -> None:
    assert problem(503, body).message == message


def test_a_request_id_is_taken_from_the_header_if_the_body_has_none() -> None:
    assert problem(503, b"", {"x-request-id": "h-1"}).request_id == "h-1"
    assert problem(400, flow("FLOW-1413-400"), {"x-request-id": "h-1"}).request_id == "r-1"


CLASSES: list[tuple[int, Any, type[AepError]]] = [
    (301, b"", BadRequest),
    (400, {"detail": "malformed"}, BadRequest),
    (401, {"error_code": "401013", "message": "expired"}, Unauthorized),
    (401, flow("FLOW-2000-401"), Unauthorized),
    (403, {"error_code": "403025", "message": "not entitled"}, Forbidden),
    (403, flow("FLOW-2118-403"), Forbidden),
    (404, flow("FLOW-1439-404"), NotFound),
    (404, flow("FLOW-1439-400"), NotFound),
    (404, xdm("XDM-1010-404", "none"), NotFound),
    (404, b"", NotFound),
    (404, flow("FLOW-2100-404"), SandboxMissing),
    (404, flow("FLOW-2101-404"), SandboxMissing),
    (404, flow("FLOW-2103-404"), SandboxMissing),
    (406, b"", BadRequest),
    (408, flow("CONNECTOR-1006-408"), Lost),
    (409, b"", BadRequest),
    (412, flow("FLOW-1404-412"), PreconditionFailed),
    (415, b"", BadRequest),
    (422, b"", BadRequest),
    (429, b"", Refused),
    (400, {"error_code": "429050", "message": "too many"}, Refused),
    (500, flow("FLOW-2200-500"), Lost),
    (501, b"", Lost),
    (502, b"<html>", Lost),
    (503, b"", Lost),
    (504, b"", Lost),
    (599, b"", Lost),
    (199, b"", Lost),
    (400, xdm("XDM-1521-400", "taken"), TitleTaken),
    *((400, flow(f"FLOW-{code}-400"), NotReady) for code in (1416, 1417, 1418, 1420, 1421, 1422, 1447, 1457, 1458)),
    (400, flow("FLOW-1415-400"), BadRequest),
    (400, flow("CONNECTOR-1417-400"), BadRequest),
    (400, flow("CONNECTOR-1360-400"), BadRequest),
    (500, flow("FLOW-1416-400"), Lost),
]


@pytest.mark.parametrize(("status", "body", "expected"), CLASSES)
def test_status_and_code_say_what_happened_to_the_request(status: int, body: Any, expected: type[AepError]) -> None:
    assert type(error_for(problem(status, body), "POST", "/flowservice/flows")) is expected


def test_a_missing_sandbox_is_never_taken_for_a_missing_object() -> None:
    assert not issubclass(SandboxMissing, NotFound)


@pytest.mark.parametrize(
    ("detail", "existing"),
    [
        ("An object https://ns.adobe.com/acme/classes/0a1b already exists with the same title",
         "https://ns.adobe.com/acme/classes/0a1b"),
        ("An object http://ns.adobe.com/acme/schemas/77aa already exists", "http://ns.adobe.com/acme/schemas/77aa"),
        ("Object titles must be unique", None),
    ],
)  # fmt: skip
def test_a_taken_title_names_its_owner(detail: str, existing: str | None) -> None:
    error = error_for(problem(400, xdm("XDM-1521-400", detail)), "POST", "/schemaregistry/tenant/classes")
    assert isinstance(error, TitleTaken)
    assert error.existing_id == existing


def test_the_text_says_what_happened_where_and_under_which_request_id() -> None:
    error = error_for(problem(412, flow("FLOW-1404-412", "stale version")), "PATCH", "/flowservice/flows/1")
    expected = (
        "changed meanwhile: stale version (PATCH /flowservice/flows/1, status 412, code FLOW-1404-412, request r-1)"
    )
    assert str(error) == expected
    assert str(error_for(Problem(message="reset"), "GET", "/x")) == "no usable answer: reset (GET /x)"


def test_messages_are_one_printable_line_of_bounded_length() -> None:
    text = problem(502, b"<p>\x00\x1b[31m" + b"no\nentry " * 9_000).message
    assert text.isprintable()
    assert len(text) == 200


def test_secrets_are_masked_in_whatever_spelling_they_are_echoed() -> None:
    secret = 'pa"ss/wörd'
    for body in (
        {"detail": f"user x, password {secret} refused"},
        orjson.dumps({"echo": {"password": secret}}),
        b"form: password=pa%22ss%2Fw%C3%B6rd&x=1",
        {"error_code": secret, "report": {"request-id": secret, "detailed-message": secret + " at the end"}},
        ("x" * 195 + secret).encode(),
    ):
        found = problem(400, body, {"x-request-id": secret}, (secret,))
        for part in ('pa"ss', "w\u00f6rd", "pa%22", 'pa\\"ss'):
            assert part not in repr(found)


def test_nothing_is_left_of_a_secret_that_begins_with_another() -> None:
    found = problem(400, {"detail": "password swordfish-4711 of swordfish"}, secrets=("swordfish", "swordfish-4711"))
    assert found.message == "password *** of ***"


@given(status=st.integers(0, 999), body=st.binary(), headers=st.dictionaries(st.sampled_from(
    ["retry-after", "date", "x-request-id", "content-type"]), st.text()))  # fmt: skip
def test_no_bytes_crash_the_parser(status: int, body: bytes, headers: dict[str, str]) -> None:
    assert str(error_for(parse_problem(status, headers, body, now=NOW), "GET", "/catalog/dataSets"))


KEYS = ["type", "error_code", "report", "detail", "errorMessage", "message", "error_description", "status", "title"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYS, "detailed-message", "request-id", "registryRequestId"]), inner)
    ),
    max_leaves=12,
)


@given(status=st.integers(300, 599), body=JSON)
def test_no_json_crashes_the_parser_and_a_message_is_always_there(status: int, body: Any) -> None:
    try:
        content = orjson.dumps(body)
    except orjson.JSONEncodeError:  # lone surrogates
        content = repr(body).encode("utf-8", "replace")
    found = parse_problem(status, {}, content, now=NOW)
    assert found.message
    assert found.message.isprintable()
    assert found.code


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0), (" 30 ", 30.0), ("0", 0.0), ("1.5", 1.5), ("-7", 0.0), ("999999999", LONGEST_WAIT),
        ("Sat, 17 Mar 2030 17:46:50 GMT", 10.0), ("Sat, 17 Mar 2030 17:46:00 GMT", 0.0),
        ("soon", None), ("", None), ("nan", None), ("inf", None), ("1e3", None), ("٣", None),
        ("Sat, 99 Foo 2030 17:46:50 GMT", None), ("9" * 400, None),
    ],
)  # fmt: skip
def test_retry_after_in_both_forms(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(), st.floats(0, 4e9))
def test_retry_after_is_none_or_a_bounded_wait(value: str, now: float) -> None:
    seconds = parse_retry_after(value, now)
    assert seconds is None or 0.0 <= seconds <= LONGEST_WAIT


def test_a_date_is_measured_by_the_clock_of_the_server_that_wrote_it() -> None:
    headers = {"retry-after": "Wed, 01 Jan 2025 00:00:30 GMT", "date": "Wed, 01 Jan 2025 00:00:00 GMT"}
    assert problem(429, b"", headers).retry_after == 30.0


@pytest.mark.parametrize(("now", "wait"), [(0.0, 30.0), (0.75, 29.25), (1.0, 30.0), (-0.25, 30.0)])
def test_the_fraction_of_its_second_is_taken_from_what_is_known(now: float, wait: float) -> None:
    headers = {"retry-after": "Wed, 01 Jan 2025 00:00:30 GMT", "date": "Wed, 01 Jan 2025 00:00:00 GMT"}
    assert retry_after_of(headers, 1_735_689_600.0 + now) == wait
