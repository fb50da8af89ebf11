"""Where a request goes, and what in its body must not be seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from workflows.aep.paging import Params, Unreadable, pairs

_GATEWAY = "/data/foundation/"


def address(base_url: str, family: str, path: str, params: Params | None) -> httpx.URL:
    """The URL of `path` of a service. Filters are percent-encoded, without quotes round the value (conflict 14).

    A link that the service gave may hold its query, the service's base or the whole URL; one that leads elsewhere is
    `Unreadable`, so that no token is sent there.
    """
    for prefix in (base_url, f"{_GATEWAY}{family}"):
        path = path.removeprefix(prefix)
    if not path.startswith("/") or path.startswith("//"):
        raise Unreadable(f"a link that leads elsewhere: {path!r}")
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs(params))
    if query:
        path = f"{path}{'&' if '?' in path else '?'}{query}"
    return _parsed(f"{base_url}{_GATEWAY}{family}{path}")


@lru_cache(maxsize=256)  # effects go to a handful of collections
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def secrets_of(content: bytes) -> list[str]:
    """The values that a body sends as credentials of a source: all below `auth` (contract 4.3), or written to a path
    below `/auth` by a JSON Patch (contract 11.1)."""
    try:
        return list(_below(orjson.loads(content), hidden=False))
    except orjson.JSONDecodeError:
        return []


def _below(node: Any, *, hidden: bool) -> Iterator[str]:
    if isinstance(node, dict):
        patched = str(node.get("path", "")).startswith("/auth")
        for name, value in node.items():
            yield from _below(value, hidden=hidden or name == "auth" or (patched and name == "value"))
    elif isinstance(node, list):
        for value in node:
            yield from _below(value, hidden=hidden)
    elif hidden and isinstance(node, str):
        yield node
