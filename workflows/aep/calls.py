"""One call: what is sent, and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import httpx
import orjson

from workflows.aep.address import secrets_of
from workflows.aep.errors import AepError, Lost, Problem, clean, error_for, parse_problem
from workflows.aep.masks import Masks
from workflows.aep.paging import Json

_NO_BODY = (204, 205)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success. `headers` ignore case; `body` is None where there is none. `left`: when its request was about to
    leave, by the clock that runs while the machine sleeps."""

    status: int
    headers: Mapping[str, str]
    body: Json
    left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A sandbox that this user can see (contract 18), its fields as the platform spells them."""

    name: str
    type: str
    state: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one request says, whatever token it is sent with."""

    method: str
    family: str
    path: str
    url: httpx.URL
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)  # may hold credentials of a source
    until: float  # when it may leave at the latest, by the clock that runs while the machine sleeps

    @property
    def where(self) -> tuple[str, str]:
        """The method, and the path without its query, for people."""
        return where(self.method, self.family, self.path)


def where(method: str, family: str, path: str) -> tuple[str, str]:
    """How errors name a call: `("POST", "/flowservice/flows")`."""
    return method, f"/{family}{path.partition('?')[0]}"


def success(call: Call, reply: httpx.Response, left: float) -> Answer:
    """Read a 2xx. Raises `Lost` when a body is due and cannot be read; only a DELETE may go without (contract 12.1)."""
    body: Json = None
    if reply.content or (reply.status_code not in _NO_BODY and call.method != "DELETE"):
        try:
            body = orjson.loads(reply.content)
        except orjson.JSONDecodeError as error:
            problem = Problem(
                status=reply.status_code,
                message="the answer is not JSON" if reply.content else "the answer is empty",
                request_id=reply.headers.get("x-request-id"),
            )
            raise Lost(problem, *call.where) from error
    return Answer(status=reply.status_code, headers=reply.headers, body=body, left=left)


def failure(call: Call, reply: httpx.Response, *, now: float, masks: Masks) -> AepError:
    """The error for any other status; secrets, and those in the call's body, are masked wherever they are echoed."""
    masks = masks.also(secrets_of(call.content))
    problem = parse_problem(reply.status_code, reply.headers, reply.content, now=now, masks=masks)
    if 300 <= reply.status_code < 400:
        target = clean(reply.headers.get("location", "nowhere").partition("?")[0], masks, 200)
        problem = replace(problem, message=f"redirected to {target}, which is not followed: look at AEP_BASE_URL")
    return error_for(problem, *call.where)
