"""The four ways to hand out a list (contract 1.5), without a socket."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.aep.paging import CATALOG, DATA_PREP, FLOW_SERVICE, PAGING, REGISTRY, SANDBOXES, Unreadable

Requests = list[tuple[str, dict[str, str]]]


def walk(family: str, path: str, params: Any, bodies: list[Any]) -> tuple[Requests, list[Any]]:
    """Play `bodies` as answers; what was asked for, and the items. The walk must end with the last body."""
    paging = PAGING[family]
    pages = paging.walk(path, params)
    request = next(pages)
    asked: Requests = []
    items: list[Any] = []
    for number, body in enumerate(bodies, 1):
        asked.append((request.path, dict(request.params)))
        items += paging.read_page(body)
        try:
            request = pages.send(body)
        except StopIteration:
            assert number == len(bodies)
            return asked, items
    raise AssertionError("asks for more")


def rows(start: int, count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(start, start + count)]


def test_flow_service_follows_the_link_as_it_is() -> None:
    link = "/flows?continuationToken=a%2Bb%3D&x=1"
    asked, items = walk(
        FLOW_SERVICE, "/flows", {"property": "name==x"},
        [{"items": rows(0, 2), "_links": {"next": {"href": link}}}, {"items": rows(2, 1), "_links": {}}],
    )  # fmt: skip
    assert asked == [("/flows", {"property": "name==x", "limit": "100"}), (link, {})]
    assert items == rows(0, 3)


@pytest.mark.parametrize("links", [{}, {"next": None}, {"next": {}}, {"next": {"href": ""}}, None])
def test_flow_service_ends_without_a_link(links: Any) -> None:
    assert walk(FLOW_SERVICE, "/flows", (), [{"items": [], "_links": links}]) == ([("/flows", {"limit": "100"})], [])


def test_flow_service_may_answer_one_object_without_its_list() -> None:
    assert walk(FLOW_SERVICE, "/flowSpecs", (), [{"id": "1", "name": "CRMToAEP"}])[1] == [
        {"id": "1", "name": "CRMToAEP"}
    ]


def test_registry_goes_on_after_the_last_title() -> None:
    asked, items = walk(
        REGISTRY, "/tenant/schemas", [("property", "title~cs"), ("limit", "2")],
        [{"results": rows(0, 2), "_page": {"next": "b c", "count": 2}, "_links": {"next": "https://x"}},
         {"results": rows(2, 2), "_page": {"next": None, "count": 2}}],
    )  # fmt: skip
    first = {"property": "title~cs", "limit": "2", "orderby": "title"}
    assert asked == [("/tenant/schemas", first), ("/tenant/schemas", {**first, "start": "b c"})]
    assert items == rows(0, 4)


def test_registry_asks_for_300_titles_at_once() -> None:
    asked, _ = walk(REGISTRY, "/tenant/classes", (), [{"results": rows(0, 3)}])
    assert asked == [("/tenant/classes", {"orderby": "title", "limit": "300"})]


def test_catalog_counts_the_keys_of_an_object() -> None:
    full = {f"d{n}": {"name": "x"} for n in range(3)}
    asked, items = walk(CATALOG, "/dataSets", {"limit": "3", "name": "x"}, [full, {"d9": {}}])
    assert [params["start"] for _, params in asked] == ["0", "3"]
    assert all(params["limit"] == "3" and params["name"] == "x" for _, params in asked)
    assert items == [*({"name": "x", "id": f"d{n}"} for n in range(3)), {"id": "d9"}]


def test_catalog_ends_with_an_empty_object() -> None:
    assert walk(CATALOG, "/dataSets", (), [{}]) == ([("/dataSets", {"limit": "100", "start": "0"})], [])


@pytest.mark.parametrize(("family", "key", "name"), [(DATA_PREP, "data", "start"), (SANDBOXES, "sandboxes", "offset")])
def test_offsets_end_with_a_page_that_is_not_full(family: str, key: str, name: str) -> None:
    bodies = [{key: rows(0, 100), "_page": {"count": 0}}, {key: rows(100, 100)}, {key: []}]
    asked, items = walk(family, "/x", (), bodies)
    assert [params[name] for _, params in asked] == ["0", "100", "200"]
    assert items == rows(0, 200)


def test_a_smaller_page_that_the_service_grants_is_a_full_page() -> None:
    bodies = [{"data": rows(0, 50), "_page": {"limit": 50}}, {"data": rows(50, 1), "_page": {"limit": 50}}]
    assert len(walk(DATA_PREP, "/mappingSets", (), bodies)[1]) == 51


@pytest.mark.parametrize(
    ("family", "bodies"),
    [
        (FLOW_SERVICE, [{}]),
        (FLOW_SERVICE, [{"count": 0}]),
        (FLOW_SERVICE, [{"items": {}}]),
        (FLOW_SERVICE, [[]]),
        (FLOW_SERVICE, [{"items": [], "_links": {"next": {"href": "/flows?a"}}}] * 3),
        (FLOW_SERVICE, [{"items": [], "_links": {"next": {"href": 7}}}]),
        (REGISTRY, [{"_page": {}}]),
        (REGISTRY, [{"results": None}]),
        (REGISTRY, [{"results": rows(0, 300)}]),
        (REGISTRY, [{"results": rows(0, 1), "_page": {"next": "a"}}] * 3),
        (CATALOG, [[]]),
        (CATALOG, [{"error": "x"}]),
        (CATALOG, [{str(n): {} for n in range(100)}] * 3),
        (DATA_PREP, [{}]),
        (DATA_PREP, [{"data": rows(0, 100)}] * 3),
        (SANDBOXES, [None]),
    ],
)
def test_what_is_no_list_is_never_an_empty_list(family: str, bodies: list[Any]) -> None:
    with pytest.raises(Unreadable):
        walk(family, "/x", (), bodies)
