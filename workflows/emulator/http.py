"""Requests, answers and the router: just enough of HTTP, and nothing that costs time on the hot path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import orjson

from workflows.emulator.errors import platform

if TYPE_CHECKING:
    from workflows.emulator.world import Platform, World

JSON = b"application/json"
JSON_PATCH = "application/json-patch+json"


@dataclass(slots=True, kw_only=True)
class Reply:
    """An answer."""

    status: int = 200
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def answer(content: Any, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """A JSON answer."""
    return Reply(status=status, body=orjson.dumps(content), headers=[(b"content-type", JSON), *headers])


class Call:
    """One request on its way: what the client sent, and what the gateway found out about it.

    `org` is the organisation that it names, `service` the API's name, `segments` the path below it, percent-decoded
    one by one; `horizon` is the moment whose state lists show (None: now), `read_horizon` the same for reads by id.
    """

    __slots__ = (
        "arrived", "body", "client", "headers", "horizon", "id", "method", "org", "params", "path", "platform", "query",
        "read_horizon", "segments", "service", "world",
    )  # fmt: skip

    platform: Platform
    world: World

    def __init__(self, *, id: str, method: str, raw_path: bytes, query: bytes, headers: dict[bytes, bytes]) -> None:
        self.id = id
        self.method = method
        self.path = raw_path.decode("latin-1")
        self.segments = [unquote(part) for part in self.path.split("/") if part]
        self.query = parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else []
        self.headers = headers
        self.body = b""
        self.service = ""
        self.params: list[str] = []
        self.client = ""
        self.org = self.header(b"x-gw-ims-org-id") or ""
        self.arrived = 0.0
        self.horizon: float | None = None
        self.read_horizon: float | None = None

    def header(self, name: bytes) -> str | None:
        """A header's value; names are lower case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def one(self, name: str) -> str | None:
        """The last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def all(self, name: str) -> list[str]:
        """Every value of a query parameter."""
        return [value for key, value in self.query if key == name]

    def number(self, name: str) -> int | None:
        """A query parameter that is a whole number; raises Problem 400."""
        value = self.one(name)
        if value is None:
            return None
        if not value.lstrip("-").isdigit():
            raise platform(400, f"{name} must be a whole number, not {value!r}")
        return int(value)

    def media_type(self) -> str:
        """The content type without parameters, lower case."""
        return (self.header(b"content-type") or "").partition(";")[0].strip().lower()

    def json(self, *media_types: str) -> Any:
        """The parsed body; raises Problem 400 for another content type or for what is no JSON (contract 1.2, 13.5)."""
        allowed = media_types or ("application/json",)
        if self.media_type() not in allowed:
            sent = self.header(b"content-type")
            raise platform(400, f"Content-Type must be {' or '.join(allowed)}, not {sent!r}")
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise platform(400, f"The request body is not valid JSON: {error}") from None

    def object(self) -> dict[str, Any]:
        """The parsed body, which must be a JSON object."""
        value = self.json()
        if not isinstance(value, dict):
            raise platform(400, "The request body must be a JSON object")
        return value


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """What a method and a path lead to; `op` is what fault rules select by; `bare` needs no sandbox header."""

    op: str
    handler: Handler
    bare: bool = False


class Router:
    """A tree of path segments; `*` takes any one segment and hands it to the handler in `Call.params`."""

    def __init__(self) -> None:
        self._tree: dict[str, Any] = {}

    def add(self, method: str, pattern: str, op: str, handler: Handler, *, bare: bool = False) -> None:
        """Lead `method` on `pattern` (`/flows/*/action`) to a handler."""
        node = self._tree
        for segment in filter(None, pattern.split("/")):
            node = node.setdefault(segment, {})
        node.setdefault("", {})[method] = Route(op, handler, bare)

    def find(self, call: Call) -> Route:
        """The route of a request below the segments of the router; raises Problem 404 or 405."""
        node: Any = self._tree
        params = []
        for segment in call.segments:
            if segment in node:
                node = node[segment]
            elif "*" in node:
                params.append(segment)
                node = node["*"]
            else:
                raise platform(404, f"No such resource: {call.path}")
        routes = node.get("")
        if routes is None:
            raise platform(404, f"No such resource: {call.path}")
        route = routes.get(call.method)
        if route is None:
            raise platform(405, f"{call.method} is not allowed on {call.path}")
        call.params = params
        found: Route = route
        return found
