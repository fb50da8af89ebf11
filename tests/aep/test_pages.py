"""Lists over several pages, as the client reads them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aep.support import answer, world
from workflows.aep import FLOW_SERVICE, Lost, Sandbox


async def test_pages_are_read_one_by_one() -> None:
    link = {"next": {"href": "/flows?continuationToken=a%2Bb"}}
    here = world(answer(200, {"items": [1, 2], "_links": link}), answer(503), answer(200, {"items": [3], "_links": {}}))
    found = [page async for page in here.client.pages(FLOW_SERVICE, "/flows", params={"property": "name==x"})]
    assert found == [[1, 2], [3]]
    assert [request.url.raw_path.decode().partition("?")[2] for request in here.sent] == [
        "property=name%3D%3Dx&limit=100", "continuationToken=a%2Bb", "continuationToken=a%2Bb",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "href",
    [
        "https://gateway.example/data/foundation/flowservice/flows?continuationToken=t",
        "/data/foundation/flowservice/flows?continuationToken=t",
        "/flows?continuationToken=t",
    ],
)
async def test_a_link_may_be_written_in_three_ways(href: str) -> None:
    first = answer(200, {"items": [1], "_links": {"next": {"href": href}}})
    here = world(first, answer(200, {"items": []}))
    assert [page async for page in here.client.pages(FLOW_SERVICE, "/flows")] == [[1], []]
    assert str(here.sent[1].url) == "https://gateway.example/data/foundation/flowservice/flows?continuationToken=t"


@pytest.mark.parametrize(
    "href", ["https://evil.example/flows", "//evil.example/flows", "flows?x", "https://gateway.example.evil/x"]
)
async def test_no_token_follows_a_link_that_leads_elsewhere(href: str) -> None:
    here = world(answer(200, {"items": [1], "_links": {"next": {"href": href}}}))
    with pytest.raises(Lost, match="cannot be read"):
        _ = [page async for page in here.client.pages(FLOW_SERVICE, "/flows")]
    assert len(here.sent) == 1


async def test_a_page_that_is_no_list_is_lost_not_empty() -> None:
    with pytest.raises(Lost, match="the list cannot be read"):
        _ = [page async for page in world(answer(200, {"count": 0})).client.pages(FLOW_SERVICE, "/flows")]


async def test_sandboxes_over_pages() -> None:
    def row(n: int) -> dict[str, Any]:
        return {"name": f"s{n}", "type": "development", "state": "active", "createdDate": "2030-01-01", "eTag": 1}

    pages = [
        {"sandboxes": [row(n) for n in range(100)], "_page": {"limit": 100, "count": 1}},
        {"sandboxes": [{"name": "p"}]},
    ]
    here = world(*(answer(200, page) for page in pages))
    found = await here.client.sandboxes()
    assert len(found) == 101
    assert found[0] == Sandbox(name="s0", type="development", state="active", created="2030-01-01")
    assert found[100] == Sandbox(name="p", type="", state="", created="")
    assert [request.url.raw_path.decode() for request in here.sent] == [
        "/data/foundation/sandbox-management/?limit=100&offset=0",
        "/data/foundation/sandbox-management/?limit=100&offset=100",
    ]
