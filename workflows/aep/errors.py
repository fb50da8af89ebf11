"""What came back when it was not what was asked for, one class per thing that *happened to the request*.

    AepError
    ├── NotSent               surely nothing reached the platform (DNS, connect, TLS, no access token)
    │   └── WindowClosed      the caller's send window had passed before the first byte could leave
    ├── Refused               refused before it could act: 429, gateway 429050
    ├── Lost                  it left, and nobody knows: timeout, reset, 408, 5xx, an answer that cannot be read
    ├── Unauthorized          401, also with a fresh token; IMS refused the credentials
    ├── Forbidden             403
    ├── NotFound              404: absent, or hidden from this user
    ├── SandboxMissing        404 about the sandbox, never about the object
    ├── PreconditionFailed    412: another etag
    ├── TitleTaken            the Schema Registry knows that title already (XDM-1521)
    ├── NotReady              a state that will pass, or an object still in use
    └── BadRequest            any other 4xx, and redirects, which are never followed

Sources: contract 1.2 to 1.4 and 3.5 (shapes and codes), 12.1 and 12.2 (what each means for the request).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import orjson

from workflows.aep.masks import Masks

LONGEST_WAIT = 86_400.0
"""Seconds; a `Retry-After` beyond a day is taken as a day."""

_CODE = re.compile(r"[A-Z]+-\d+-\d{3}")
_TAKEN = re.compile(r"https?://ns\.adobe\.com/\S+/(?:classes|schemas|mixins|datatypes)/[0-9a-f]+")
_SANDBOX_CODES = ("FLOW-2100-", "FLOW-2101-", "FLOW-2103-")
_STATE_CODES = tuple(
    f"FLOW-{number}-" for number in (1416, 1417, 1418, 1420, 1421, 1422, 1447, 1457, 1458)
)  # 1418 and 1447 are "still in use by flows": true until those are gone
_LONGEST_MESSAGE = 2_000
_LONGEST_RAW = 200
NOTHING_HIDDEN = Masks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A failure as people and the resources layer need it.

    `status` is None when no answer came; `retry_after` is in seconds from now. `message` is one line, without the
    secrets that were sent, whatever the other side echoed.
    """

    status: int | None = None
    code: str | None = None
    message: str
    request_id: str | None = None
    retry_after: float | None = None


class AepError(Exception):
    """Base of the tree. `method` and `path` (family and path, no query) say which call it was."""

    says = "the platform answered with an error"

    def __init__(self, problem: Problem, method: str, path: str) -> None:
        self.problem = problem
        self.method = method
        self.path = path
        super().__init__(problem, method, path)

    def __str__(self) -> str:
        problem = self.problem
        where = [f"{self.method} {self.path}"]
        if problem.status is not None:
            where.append(f"status {problem.status}")
        if problem.code is not None and problem.code != str(problem.status):
            where.append(f"code {problem.code}")
        if problem.request_id is not None:
            where.append(f"request {problem.request_id}")
        if problem.retry_after is not None:
            where.append(f"Retry-After {problem.retry_after:.0f} s")
        return f"{self.says}: {problem.message} ({', '.join(where)})"


class NotSent(AepError):
    """Surely nothing reached the platform: sending again is safe."""

    says = "not sent"


class WindowClosed(NotSent):
    """The send window had passed before the first byte could leave (rule 1)."""


class Refused(AepError):
    """Refused before it could act; wait at least `problem.retry_after` if it is given."""

    says = "too many requests"


class Lost(AepError):
    """It left, and whether it was applied is unknown (contract 12.1)."""

    says = "no usable answer"


class Unauthorized(AepError):
    """The credentials were refused; a fresh token did not help, or could not be had."""

    says = "Adobe refused the credentials"


class Forbidden(AepError):
    """The credentials are known and may not do this."""

    says = "not permitted"


class NotFound(AepError):
    """There is no such object, or this user may not see it (contract 1.4)."""

    says = "not found"


class SandboxMissing(AepError):
    """The sandbox does not exist; says nothing about the object that was asked for (contract 3.5)."""

    says = "the sandbox does not exist"


class PreconditionFailed(AepError):
    """The object has another etag than the one named in `If-Match`."""

    says = "changed meanwhile"


class TitleTaken(AepError):
    """The Schema Registry has an object of that title; `existing_id` is its `$id` if the answer named it (12.3)."""

    says = "the title is taken"

    @property
    def existing_id(self) -> str | None:
        found = _TAKEN.search(self.problem.message)
        return found and found.group()


class NotReady(AepError):
    """The object is in a state that will pass, or flows still use it (contract 3.4, 3.5)."""

    says = "not ready"


class BadRequest(AepError):
    """Refused for good: only another request can help."""

    says = "rejected"


def error_for(problem: Problem, method: str, path: str) -> AepError:
    """The class of an answer that is not a success, by status first: codes are printed with wrong suffixes (1.4)."""
    return _class_of(problem.status or 0, problem.code or "")(problem, method, path)


def _class_of(status: int, code: str) -> type[AepError]:
    if status == 429 or code == "429050":
        return Refused
    if status == 404:
        return SandboxMissing if code.startswith(_SANDBOX_CODES) else NotFound
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if not 300 <= status < 500:
        return Lost
    if code.startswith("XDM-1521-"):
        return TitleTaken
    return NotReady if code.startswith(_STATE_CODES) else BadRequest


_BY_STATUS: Mapping[int, type[AepError]] = {401: Unauthorized, 403: Forbidden, 408: Lost, 412: PreconditionFailed}


def parse_problem(
    status: int, headers: Mapping[str, str], body: bytes, *, now: float, masks: Masks = NOTHING_HIDDEN
) -> Problem:
    """Read any error body of any service (contract 1.3); never fails, whatever the bytes.

    `headers` is asked in lower case, `now` is epoch seconds. What `masks` hold is hidden wherever it was echoed.
    """
    fields = _object(body)
    report = _dict(fields.get("report"))
    return Problem(
        status=status,
        code=_code(fields, masks) or str(status),
        message=_message(status, fields, report, body, masks),
        request_id=_text(report.get("request-id"), masks)
        or _text(report.get("registryRequestId"), masks)
        or _text(headers.get("x-request-id"), masks),
        retry_after=retry_after_of(headers, now),
    )


def retry_after_of(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait before asking again, if the answer says so. A date is measured by `now` (epoch seconds on the
    platform), unless the answer's own `Date` says another second."""
    waits = headers.get("retry-after")
    if not waits:
        return None
    said = http_date(headers.get("date"))
    return parse_retry_after(waits, now if said is None or said <= now < said + 1.0 else said)


def parse_retry_after(value: str, now: float) -> float | None:
    """Seconds to wait by a `Retry-After`, in seconds or as an HTTP date; None when it is neither (contract 1.7)."""
    value = value.strip()
    if re.fullmatch(r"[+-]?\d{1,12}(?:\.\d{1,9})?", value, re.ASCII):
        seconds = float(value)
    else:
        at = http_date(value)
        if at is None:
            return None
        seconds = at - now
    return min(max(seconds, 0.0), LONGEST_WAIT)


def clean(text: str, masks: Masks = NOTHING_HIDDEN, longest: int = _LONGEST_MESSAGE) -> str:
    """`text` as one printable line of at most `longest` characters, secrets masked first."""
    line = " ".join(masks.hide(text).split())
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _message(status: int, fields: Mapping[str, Any], report: Mapping[str, Any], body: bytes, masks: Masks) -> str:
    for value in (
        report.get("detailed-message"),
        *(fields.get(key) for key in ("detail", "errorMessage", "message", "error_description", "title", "error")),
    ):
        if isinstance(value, str) and (line := clean(value, masks)):
            return line
    if fields and status >= 500:  # a service in trouble, not one that says what is wrong with the request
        return _phrase(status)
    return clean(body.decode("utf-8", "replace"), masks, _LONGEST_RAW) or _phrase(status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no text"


def _code(fields: Mapping[str, Any], masks: Masks) -> str | None:
    kind = fields.get("type")
    last = kind.rsplit("/", 1)[-1] if isinstance(kind, str) else ""
    return last if _CODE.fullmatch(last) else _text(fields.get("error_code"), masks)


def _text(value: object, masks: Masks) -> str | None:
    """A short identifier, or None when it is not one."""
    return clean(value, masks, 100) or None if isinstance(value, str) else None


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return _dict(orjson.loads(body))
    except orjson.JSONDecodeError:
        return {}


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def http_date(date: str | None) -> float | None:
    """Epoch seconds of an HTTP date, or None when it is not one."""
    try:
        at = parsedate_to_datetime(date or "")
        return at.replace(tzinfo=at.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
