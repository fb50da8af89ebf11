"""Mapping sets are validated before they are made, once for equal tables; and found though nobody promised a filter."""

from __future__ import annotations

import time
from asyncio import gather
from typing import Any

import httpx
import orjson
import pytest

from engine.errors import Rejected
from tests.resources.platform import NOW, Platform, label, platform
from workflows.aep import AepClient, Credentials
from workflows.resources import MappingSets, MappingSpec

GOOD = (("Id", "_id"), ("name", "person.name.fullName"))


async def refusal(to: Platform, *pairs: tuple[str, str]) -> str:
    spec = await to.spec("mapping set", pairs=pairs)
    with pytest.raises(Rejected) as told:
        await to.kinds["mapping set"].prepare(spec)
    assert told.value.failure.kind == "invalid"
    return told.value.failure.message


async def test_a_field_that_is_none_is_named_with_the_one_that_was_meant() -> None:
    async with platform() as to:
        said = await refusal(to, ("Id", "_id"), ("name", "person.name.fulName"))
        assert said == (
            'column name: no field "person.name.fulName" in the target schema; did you mean "person.name.fullName"?'
        )


async def test_nothing_like_it_is_suggested_by_nobody() -> None:
    async with platform() as to:
        assert await refusal(to, ("Id", "zzz.qqq")) == 'column Id: no field "zzz.qqq" in the target schema'


async def test_every_bad_row_is_told_with_its_reason() -> None:
    async with platform() as to:
        said = await refusal(to, ("Id", "person.name"), ("n", "nowhere"), ("x", "_id"))
        assert 'column Id: cannot go to "person.name": Type mismatch' in said
        assert 'column n: no field "nowhere"' in said
        assert "column x" not in said


async def test_a_refusal_is_told_although_the_schema_cannot_be_read() -> None:
    async with platform() as to:
        spec = await to.spec("mapping set", pairs=(("Id", "nowhere"),))
        to.fault(kind="status", status=404, service="schemaregistry", op="read")
        with pytest.raises(Rejected, match="does not exist in the target schema"):
            await to.kinds["mapping set"].prepare(spec)


async def test_equal_tables_are_validated_once() -> None:
    async with platform() as to:
        sets = to.kinds["mapping set"]
        first = await to.spec("mapping set", pairs=GOOD)
        specs = [MappingSpec(schema_id=first.schema_id, structure="profile", pairs=GOOD) for _ in range(8)]
        before = to.requests("conversion", "POST")
        assert not sets.ready(first)
        await gather(*(sets.prepare(spec) for spec in specs))
        assert to.requests("conversion", "POST") == before + 1
        assert all(sets.ready(spec) for spec in specs)
        other = MappingSpec(schema_id=first.schema_id, structure="profile", pairs=GOOD[:1])
        assert not sets.ready(other)
        await sets.prepare(other)
        assert to.requests("conversion", "POST") == before + 2


async def test_a_refused_table_is_validated_again() -> None:
    async with platform() as to:
        await refusal(to, ("Id", "nowhere"))
        spec = await to.spec("mapping set", pairs=(("Id", "nowhere"),))
        assert not to.kinds["mapping set"].ready(spec)


async def test_the_newest_are_read_back_to_where_ours_can_be() -> None:
    """A thousand sets of others are not read to find one that was just sent."""
    async with platform() as to:
        sets, spec = to.kinds["mapping set"], await to.spec("mapping set")
        body = orjson.dumps(sets.body(spec, label("somebody else's"), NOW)).decode()
        await gather(*(sets.create(body, 5.0) for _ in range(250)))
        ours = await to.make("mapping set", spec, "acme hw1")
        before = to.requests("conversion", "GET")
        [hit] = await sets.find(("acme hw1",), time.time() + 7200)
        assert hit.id == ours.id
        assert to.requests("conversion", "GET") == before + 1
        [hit] = await sets.find(("acme hw1",), time.time() - 60)
        assert to.requests("conversion", "GET") == before + 4


async def test_the_version_is_the_one_that_came_back() -> None:
    async with platform() as to:
        spec = await to.spec("mapping set")
        receipt = await to.make("mapping set", spec)
        assert receipt.version == "0"


# --- a service that does what its documentation leaves open -----------------------------------------------------------


def sets_of(rows: list[dict[str, Any]], asked: list[httpx.URL], status: int = 200) -> MappingSets:
    """Mapping sets of a server that lists these rows, whatever it is asked for; `status` is for a filter by name."""

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        if request.method == "POST":
            return httpx.Response(200, json=rows[0])
        if "name" in request.url.params and status != 200:
            return httpx.Response(status, json={"message": "unknown parameter"})
        start = int(request.url.params.get("start", "0"))
        return httpx.Response(200, json={"data": rows[start : start + 100], "_page": {"count": 0, "limit": 100}})

    credentials = Credentials(access_token="t", api_key="k", ims_org="o", sandbox="dev", base_url="http://x")
    return MappingSets(AepClient(credentials, transport=httpx.MockTransport(handle)))


async def test_a_filter_that_is_ignored_finds_no_strangers() -> None:
    rows = [{"id": str(n), "name": f"set {n}", "createdDate": 1_700_000_000_000} for n in range(150)]
    hits = await sets_of(rows, []).find(("set 120", "set 7"), None)
    assert {hit.id for hit in hits} == {"120", "7"}


async def test_a_filter_that_is_refused_is_not_needed() -> None:
    rows = [{"id": str(n), "name": f"set {n}", "createdDate": "2030-01-01T00:00:00Z"} for n in range(150)]
    hits = await sets_of(rows, [], status=400).find(("set 120",), None)
    assert [hit.id for hit in hits] == ["120"]


async def test_dates_are_read_in_either_form() -> None:
    for date in (1_893_456_000_000, "2030-01-01T00:00:00Z", "1893456000000"):
        rows = [{"id": "1", "name": "set", "createdDate": date}] * 100 + [{"id": "2", "name": "old", "createdDate": 1}]
        asked: list[httpx.URL] = []
        assert await sets_of(rows, asked).find(("old",), 1_893_456_000 + 7200) == []
        assert len(asked) == 1


async def test_clocks_may_differ() -> None:
    """Ours stands on the second page, and by the platform's clock it was made before it was sent."""
    sent = 1_893_456_000.0
    rows: list[dict[str, Any]] = [{"id": str(n), "name": "x", "createdDate": (sent - 100) * 1000} for n in range(100)]
    rows.append({"id": "ours", "name": "acme hw1", "createdDate": (sent - 200) * 1000})
    assert [hit.id for hit in await sets_of(rows, []).find(("acme hw1",), sent)] == ["ours"]


async def test_a_set_without_its_tag_names_no_attempt() -> None:
    content = {"id": "1", "name": "set", "createdDate": "soon", "version": 3}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=content))
    credentials = Credentials(access_token="t", api_key="k", ims_org="o", sandbox="dev", base_url="http://x")
    view = await MappingSets(AepClient(credentials, transport=transport)).read("1")
    assert view is not None
    assert (view.note, view.version, view.created) == ("", "3", 0.0)
