"""The error answers of every service (contract 1.2, 1.3): one exception that knows its family and its shape.

Who is to blame decides whether the books count an answer as the client's mistake: `client` is a mistake; `conflict` is
an answer that the protocol foresees (a taken title, a stale etag, something in use, something already gone);
`state` will pass by itself; `platform` is ours.
"""

from __future__ import annotations

import time
from typing import Any, Literal

Blame = Literal["client", "conflict", "state", "platform"]

_FLOW_TITLES = {
    1101: "Resource not found",
    1102: "Internal Error",
    1103: "Service Unavailable",
    1104: "Gateway Timeout",
    1403: "Header is missing",
    1404: "Version not matching",
    1439: "Resource not found",
    2000: "Invalid authorization token",
    2100: "Sandbox not found",
    2105: "Header is missing",
    2110: "Headers not allowed",
}


class Problem(Exception):
    """An answer that is not a success; raised by handlers, rendered by the app.

    `detail` is the message for people; `code` is what the books and a client's parser call it; `retry_after` are the
    seconds named in a Retry-After header, `as_date` in the form of an HTTP date.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "",
        title: str = "",
        family: Literal["platform", "gateway", "flow", "xdm", "ims"] = "platform",
        blame: Blame = "client",
        retry_after: float | None = None,
        as_date: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or str(status)
        self.title = title
        self.family = family
        self.blame: Blame = blame
        self.retry_after = retry_after
        self.as_date = as_date

    def body(self, request_id: str, *, older: bool) -> dict[str, Any]:
        """The JSON body; `older` asks for the shape of 2020 where there is one."""
        if self.family == "gateway":
            return {"error_code": self.code, "message": self.detail}
        if self.family == "ims":
            return {"error": self.code, "error_description": self.detail}
        if self.family == "flow":
            return self._flow(request_id, older)
        if self.family == "xdm" and not older:
            return self._xdm(request_id)
        title = _PLATFORM_TITLES.get(self.status, "InternalServerError")
        return {"type": "/placeholder/type/uri", "status": self.status, "title": title, "detail": self.detail}

    def _flow(self, request_id: str, older: bool) -> dict[str, Any]:
        if older:
            return {"errorMessage": self.detail}
        return {
            "type": f"https://ns.adobe.com/aep/errors/{self.code}",
            "title": self.title,
            "status": self.status,
            "report": {"detailed-message": self.detail, "request-id": request_id},
            "errorMessage": self.detail,
            "errorDetails": self.detail,
        }

    def _xdm(self, request_id: str) -> dict[str, Any]:
        return {
            "type": f"http://ns.adobe.com/aep/errors/{self.code}",
            "title": self.title,
            "status": self.status,
            "report": {
                "registryRequestId": request_id,
                "timestamp": time.strftime("%m-%d-%Y %I:%M:%S", time.gmtime()),
                "detailed-message": self.detail,
                "sub-errors": [],
            },
            "detail": self.detail,
        }


_PLATFORM_TITLES = {
    400: "BadRequestError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    406: "NotAcceptableError",
    412: "PreconditionFailedError",
    503: "ServiceUnavailableError",
    504: "GatewayTimeoutError",
}


def gateway(code: str, detail: str, *, blame: Blame = "client") -> Problem:
    """A refusal of the gateway, before any service (contract 1.2); the status is the code's first three digits."""
    return Problem(int(code[:3]), detail, code=code, family="gateway", blame=blame)


def flow(number: int, status: int, detail: str, *, blame: Blame = "client") -> Problem:
    """An error of Flow Service, `FLOW-{number}-{status}` (contract 3.5)."""
    title = _FLOW_TITLES.get(number, "Invalid request")
    return Problem(status, detail, code=f"FLOW-{number}-{status}", title=title, family="flow", blame=blame)


def connector(number: int, detail: str, *, status: int = 400, blame: Blame = "client") -> Problem:
    """An error of the connector layer, in Flow Service's envelope (contract 1.3, assumption A2)."""
    code = f"CONNECTOR-{number}-{status}"
    return Problem(status, detail, code=code, title="Invalid request", family="flow", blame=blame)


def xdm(number: int, status: int, title: str, detail: str, *, blame: Blame = "client") -> Problem:
    """An error of the Schema Registry, `XDM-{number}-{status}`."""
    return Problem(status, detail, code=f"XDM-{number}-{status}", title=title, family="xdm", blame=blame)


def platform(status: int, detail: str, *, blame: Blame = "client") -> Problem:
    """An error in the platform's common shape: Catalog, Data Prep, content types (contract 1.2, assumption A1)."""
    return Problem(status, detail, blame=blame)


def trouble(status: int, service: str, *, retry_after: float | None = None, as_date: bool = False) -> Problem:
    """An error that is the platform's own fault, in the shape of the service that answers it."""
    detail = "An internal error has occurred. Please try again. If the problem persists, please contact support."
    if status == 429:  # this and 401 are the gateway's (contract 1.2)
        problem = gateway("429050", "Too many requests", blame="platform")
    elif status == 401:
        problem = gateway("401013", "Oauth token is not valid", blame="platform")
    elif service == "flowservice":
        problem = flow({500: 1102, 503: 1103, 504: 1104}.get(status, 1400), status, detail, blame="platform")
    elif service == "schemaregistry":
        problem = xdm(9999, status, "Internal error", detail, blame="platform")
    else:
        problem = platform(status, detail, blame="platform")
    problem.retry_after, problem.as_date = retry_after, as_date
    return problem
