"""The four ways in which the services hand out long lists (contract 1.5), without I/O.

A walk is a generator: it yields the request for a page and is sent the body of its answer. `read_page` takes the items
out of a body. A body that is not a list is `Unreadable`, never an empty list: *nothing there* would be evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Any
Params: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]

FLOW_SERVICE = "flowservice"
REGISTRY = "schemaregistry"
CATALOG = "catalog"
DATA_PREP = "conversion"
SANDBOXES = "sandbox-management"


class Unreadable(ValueError):
    """A page is not what the service is documented to answer, or the pages do not end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A GET for one page. `path` is relative to the service's base; it holds its query if `params` is empty."""

    path: str
    params: Sequence[tuple[str, str]] = ()


Walk: TypeAlias = Generator[PageRequest, Json, None]


@dataclass(frozen=True, slots=True)
class Paging:
    """How one service pages: `read_page` gives the items of a body, `walk` the requests."""

    read_page: Callable[[Json], list[Json]]
    walk: Callable[[str, Params], Walk]


def pairs(params: Params | None) -> list[tuple[str, str]]:
    """Query parameters in order; a name may repeat, which means AND (contract 3.2)."""
    return list(params.items() if isinstance(params, Mapping) else params or ())


def _link_walk(path: str, params: Params) -> Walk:
    """Flow Service: a link that holds the whole query, followed as it is (contract 19)."""
    query = pairs(params)
    request = PageRequest(path=path, params=[*query, *_unless_given(query, limit="100")])
    followed: set[str] = set()
    while True:
        body = yield request
        following = _dict(_dict(_dict(body).get("_links")).get("next")).get("href")
        if not following:
            return
        if not isinstance(following, str) or following in followed:
            raise Unreadable("the list leads back to a page that was read already")
        followed.add(following)
        request = PageRequest(path=following)


def _value_walk(path: str, params: Params) -> Walk:
    """Schema Registry: `start` is the sort value after which to go on. Titles are unique: no row is skipped (5.5)."""
    query = pairs(params)
    query += _unless_given(query, orderby="title", limit="300")
    limit = _number(query, "limit")
    start: str | None = None
    while True:
        body = yield PageRequest(path=path, params=query if start is None else [*query, ("start", start)])
        page = _dict(body).get("_page")
        following = _dict(page).get("next")
        if following is None:
            if page is None and len(_results(body)) >= limit:
                raise Unreadable("a full page without word of what follows")
            return
        if str(following) == start:
            raise Unreadable("the list does not go on")
        start = str(following)


def _offset_walk(read_page: Callable[[Json], list[Json]], name: str) -> Callable[[str, Params], Walk]:
    """Catalog, Data Prep and sandboxes: an offset called `name`, until a page is not full."""

    def walk(path: str, params: Params) -> Walk:
        query = pairs(params)
        query += _unless_given(query, limit="100")
        limit = _number(query, "limit")
        start = 0
        before: list[Json] = []
        while True:
            body = yield PageRequest(path=path, params=[*query, (name, str(start))])
            page = read_page(body)
            if len(page) < _granted(body, limit):
                return
            if page == before:
                raise Unreadable("the list does not go on")
            before = page
            start += len(page)

    return walk


def _granted(body: Json, asked: int) -> int:
    """How long a full page is: a service may grant less than was asked for. `_page.count` is not to be trusted."""
    limit = _dict(_dict(body).get("_page")).get("limit")
    return limit if isinstance(limit, int) and 0 < limit < asked else asked


def _items(body: Json) -> list[Json]:
    """Flow Service; one page of the documentation has a single object without the list around it (conflict 37)."""
    fields = _dict(body)
    return [body] if "items" not in fields and "id" in fields else _list(fields.get("items"))


def _results(body: Json) -> list[Json]:
    return _list(_dict(body).get("results"))


def _by_id(body: Json) -> list[Json]:
    """Catalog: an object keyed by id; each item gets its key as `id`."""
    if not isinstance(body, dict) or not all(isinstance(item, dict) for item in body.values()):
        raise Unreadable("not an object of objects")
    return [{**item, "id": key} for key, item in body.items()]


def _data(body: Json) -> list[Json]:
    return _list(_dict(body).get("data"))


def _sandboxes(body: Json) -> list[Json]:
    return _list(_dict(body).get("sandboxes"))


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise Unreadable("not a list")
    return value


def _dict(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _unless_given(query: Sequence[tuple[str, str]], **defaults: str) -> list[tuple[str, str]]:
    given = {name for name, _ in query}
    return [(name, value) for name, value in defaults.items() if name not in given]


def _number(query: Sequence[tuple[str, str]], name: str) -> int:
    return int(dict(query)[name])


PAGING: Mapping[str, Paging] = {
    FLOW_SERVICE: Paging(_items, _link_walk),
    REGISTRY: Paging(_results, _value_walk),
    CATALOG: Paging(_by_id, _offset_walk(_by_id, "start")),
    DATA_PREP: Paging(_data, _offset_walk(_data, "start")),
    SANDBOXES: Paging(_sandboxes, _offset_walk(_sandboxes, "offset")),
}
