"""Each kind on the platform: made, found, read, found unchanged, adopted, deleted."""

from __future__ import annotations

import time
from asyncio import gather
from typing import Any

import orjson
import pytest

from engine.clock import SystemClock
from engine.errors import Conflict, Rejected
from engine.model import Origin
from engine.resource import Lookup, Resource, Signable
from tests.resources.platform import KINDS, NAMED, NOW, PROFILE, Platform, label, platform
from workflows.resources import (
    Classes,
    Connections,
    Datasets,
    Flows,
    FlowSpecs,
    MappingSets,
    Schemas,
    SourceConnections,
    TargetConnections,
)

AWKWARD = (
    "a b", "a.b-c_d", "x" * 100, "plus+and&is=", "100% #1 ?q /path;end", "ümläut ☂ 漢字", "-minus", "it's (50)",
)  # fmt: skip
"""More than a marker's alphabet; a comma divides values in filters and is no part of any name."""


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_made_is_read_as_it_was_asked_for(kind: str) -> None:
    async with platform() as to:
        resource, spec = to.kinds[kind], await to.spec(kind)
        receipt = await to.make(kind, spec, "acme hw1")
        view = await resource.read(receipt.id)
        assert view.id == receipt.id
        assert view.name == "acme hw1"
        assert "attempt=p1-7" in view.note
        assert abs(view.created - time.time()) < 60
        assert list(resource.differences(resource.body(spec, label("other"), NOW + 5000), view)) == []
        if kind == "dataset":
            assert receipt.etag is None
            assert view.etag
        else:
            assert (receipt.etag, receipt.version or view.version) == (view.etag, view.version)


@pytest.mark.parametrize("kind", KINDS)
async def test_found_by_name_whatever_is_in_it(kind: str) -> None:
    async with platform() as to:
        resource, spec = to.kinds[kind], await to.spec(kind)
        receipts = await gather(*(to.make(kind, spec, name) for name in AWKWARD))
        made = {name: receipt.id for name, receipt in zip(AWKWARD, receipts, strict=True)}
        await to.make(kind, spec, "somebody else's")
        for since in (None, time.time()):
            hits = await resource.find((*AWKWARD, "never made"), since)
            assert {hit.name: hit.id for hit in hits} == made
            assert len(hits) == len(made)


@pytest.mark.parametrize("kind", [Classes.kind, Schemas.kind])
async def test_what_can_be_a_sentinel_says_when_the_request_that_showed_it_left(kind: str) -> None:
    async with platform() as to:
        receipt = await to.make(kind, await to.spec(kind))
        before = SystemClock().boot()
        view = await to.kinds[kind].read(receipt.id)
        assert before <= view.left <= SystemClock().boot()


@pytest.mark.parametrize("kind", NAMED)
async def test_every_one_of_a_name_is_found_over_all_pages(kind: str) -> None:
    async with platform() as to:
        resource, spec = to.kinds[kind], await to.spec(kind)
        body = orjson.dumps(resource.body(spec, label("twin"), NOW)).decode()
        made = {receipt.id for receipt in await gather(*(resource.create(body, 5.0) for _ in range(230)))}
        hits = await resource.find(("twin",), None)
        assert {hit.id for hit in hits} == made
        assert len(hits) == 230


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mapping set"])
async def test_deleted_is_gone_and_deleting_again_is_no_error(kind: str) -> None:
    async with platform() as to:
        resource = to.kinds[kind]
        receipt = await to.make(kind, await to.spec(kind), "acme hw1")
        for _ in range(2):
            await resource.delete(receipt.id, 5.0)
            assert await resource.read(receipt.id) is None
            assert await resource.find(("acme hw1",), None) == []


async def test_mapping_sets_stay() -> None:
    async with platform() as to:
        receipt = await to.make("mapping set", await to.spec("mapping set"))
        await to.kinds["mapping set"].delete(receipt.id, 5.0)
        assert await to.kinds["mapping set"].read(receipt.id) is not None


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_user_names_is_adopted(kind: str) -> None:
    async with platform() as to:
        resource = to.kinds[kind]
        receipt = await to.make(kind, await to.spec(kind))
        adopted = await resource.adopt(receipt.id)
        assert (adopted.id, adopted.origin) == (receipt.id, Origin.ADOPTED)
        assert adopted.etag == (await resource.read(receipt.id)).etag


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_user_names_by_mistake_is_told(kind: str) -> None:
    async with platform() as to:
        with pytest.raises(Rejected, match=f"there is no {kind} 5f00aa11bb22cc33dd44ee55"):
            await to.kinds[kind].adopt("5f00aa11bb22cc33dd44ee55")


async def test_schemas_are_adopted_by_either_id_or_by_their_dataset() -> None:
    async with platform() as to:
        dataset = await to.spec("dataset")
        dataset_id = (await to.make("dataset", dataset)).id
        view = await to.kinds["schema"].read(dataset.schema_id)
        for ref in (dataset.schema_id, view.content["meta:altId"], f"dataset:{dataset_id}"):
            assert (await to.kinds["schema"].adopt(ref)).id == dataset.schema_id
        with pytest.raises(Rejected, match="there is no dataset"):
            await to.kinds["schema"].adopt("dataset:5f00aa11bb22cc33dd44ee55")


async def test_what_adobe_brings_is_read_too() -> None:
    async with platform() as to:
        assert (await to.kinds["class"].adopt(PROFILE)).id == PROFILE


async def test_an_object_of_another_type_with_our_title_is_seen_for_what_it_is() -> None:
    async with platform() as to:
        klass = await to.make("class", await to.spec("class"), "same title")
        schemas, wanted = to.kinds["schema"], await to.spec("schema")
        view = await schemas.read(klass.id)
        assert view.name == "same title"
        assert schemas.differences(schemas.body(wanted, label("same title"), NOW), view)


async def test_the_password_is_read_only_while_sending() -> None:
    async with platform() as to:
        connections, spec = to.kinds["connection"], await to.spec("connection")
        assert "correct horse" not in orjson.dumps(connections.body(spec, label("c"), NOW)).decode()
        view = await connections.read((await to.make("connection", spec)).id)
        assert view.content["auth"]["params"]["password"] == "correct horse battery"


async def test_a_secret_that_cannot_be_read_stops_before_anything_is_sent() -> None:
    async with platform() as to:
        spec = await to.spec("connection", auth={"endpoint": "e", "username": "u", "password": "${env:NOWHERE}"})
        assert not to.kinds["connection"].ready(spec)
        with pytest.raises(Rejected, match="NOWHERE"):
            await to.kinds["connection"].prepare(spec)
        assert to.requests("flowservice", "POST") == 0


async def test_ready_means_that_nothing_is_left_to_prepare() -> None:
    async with platform() as to:
        schemas, spec = to.kinds["schema"], await to.spec("schema")
        assert not schemas.ready(spec)
        await schemas.prepare(spec)
        assert schemas.ready(spec)


def test_they_are_what_the_engine_asks_for() -> None:
    to: Any = None
    resources: list[Resource[Any]] = [
        Connections(to), Classes(to), Schemas(to), SourceConnections(to), Datasets(to), TargetConnections(to),
        MappingSets(to), Flows(to),
    ]  # fmt: skip
    lookup: Lookup[Any] = FlowSpecs(to)
    sentinel: Signable = Schemas(to)
    assert {resource.kind for resource in resources if resource.unique} == {"class", "schema"}
    assert len({lookup.kind, *(resource.kind for resource in resources)}) == 9
    assert hasattr(sentinel, "sign")


async def test_a_sentinel_is_signed_on_condition_that_nobody_else_did() -> None:
    async with platform() as to:
        schemas = to.kinds["schema"]
        receipt = await to.make("schema", await to.spec("schema"), "sentinel")
        seen = await schemas.read(receipt.id)
        signed = await schemas.sign(seen, "ours now", 5.0)
        after = await schemas.read(receipt.id)
        assert (after.note, after.name) == ("ours now", "sentinel")
        assert (signed.id, signed.etag, signed.version) == (after.id, after.etag, after.version)
        assert signed.etag != receipt.etag
        await _refused(to, seen)
        assert (await schemas.read(receipt.id)).note == "ours now"


async def _refused(to: Platform, stale: Any) -> None:
    with pytest.raises(Conflict) as conflict:
        await to.kinds["schema"].sign(stale, "mine!", 5.0)
    assert conflict.value.existing == stale.id
