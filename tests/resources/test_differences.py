"""What counts as a difference between what was asked for and what is stored, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model import Json, replace
from engine.resource import View
from tests.resources.platform import ENVIRON, KINDS, NOW, PROFILE, label, platform
from workflows.resources import (
    Connections,
    Field,
    Flows,
    MappingSets,
    SourceConnections,
    SourceConnectionSpec,
    TargetConnections,
)

CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "class": ({"columns": (Field(name="Id", type="integer"), Field(name="new", type="string"))}, "columns.Id.type"),
    "schema": ({"all_of": (PROFILE, "https://ns.adobe.com/xdm/context/profile-personal-details")}, "allOf"),
    "source connection": ({"table": "case"}, "params.path"),
    "dataset": ({"schema_id": "https://ns.adobe.com/acme/schemas/ff"}, "schemaRef.id"),
    "target connection": ({"dataset_id": "5f00aa11bb22cc33dd44ee55"}, "params.dataSetId"),
    "mapping set": ({"pairs": (("other", "_id"),)}, "mappings._id"),
    "flow": ({"interval": 2}, "scheduleParams.interval"),
    "connection": (
        {"auth": {"endpoint": "https://other.service-now.com", "username": "u", "password": "${env:OTHER}"}},
        "auth.params.endpoint",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_changed_wish_is_seen(kind: str) -> None:
    changes, path = CHANGES[kind]
    async with platform() as to:
        resource, spec = to.kinds[kind], await to.spec(kind)
        view = await resource.read((await to.make(kind, spec)).id)
        wanted = resource.body(replace(spec, **changes), label("made"), NOW)
        assert path in {difference.path for difference in resource.differences(wanted, view)}


async def test_columns_are_compared_in_todays_dialect() -> None:
    async with platform() as to:
        spec = await to.spec("connection")
        base = await to.make("connection", spec)
        tabular = SourceConnectionSpec(
            base_id=base.id, connection_spec_id=spec.connection_spec_id, format="tabular", table="incident",
            columns=(Field(name="Id", type="string"), Field(name="at", type="date-time")),
        )  # fmt: skip
        resource = to.kinds["source connection"]
        view = await resource.read((await to.make("source connection", tabular)).id)
        assert list(resource.differences(resource.body(tabular, label("made"), NOW), view)) == []
        fewer = replace(tabular, columns=tabular.columns[:1])
        [difference] = resource.differences(resource.body(fewer, label("made"), NOW), view)
        assert difference.path == "params.columns"


def seen(content: Any) -> View:
    return View(id="1", name="n", note="", created=0.0, content=content)


def test_secrets_are_neither_compared_nor_shown() -> None:
    spec_id = {"id": "eb13cb25-47ab-407f-ba89-c0125281c563"}
    wanted: Json = {
        "connectionSpec": spec_id,
        "auth": {"specName": "Basic Authentication", "params": {"username": "me", "password": "${env:PASSWORD}"}},
    }
    stored = {
        "connectionSpec": spec_id,
        "auth": {"specName": "Basic Authentication", "params": {"username": "you", "password": "hunter2"}},
    }
    connections = Connections(None, ENVIRON)  # type: ignore[arg-type]
    differences = connections.differences(wanted, seen(stored))
    assert [difference.path for difference in differences] == ["auth.params.username"]
    assert "hunter2" not in repr(differences)
    masked = {**stored, "auth": {"specName": "Basic Authentication"}}
    assert list(connections.differences(wanted, seen(masked))) == []


@pytest.mark.parametrize("spelling", [";version=1", "; version=1", ";version=1.0", "; version = 1.0"])
def test_a_schema_version_has_four_spellings(spelling: str) -> None:
    def connection(version: str) -> dict[str, Any]:
        schema = {
            "id": "https://ns.adobe.com/acme/schemas/7",
            "version": f"application/vnd.adobe.xed-full+json{version}",
        }
        return {"connectionSpec": {"id": "c"}, "data": {"format": "parquet_xdm", "schema": schema}, "params": {}}

    for resource in (SourceConnections(None), TargetConnections(None)):  # type: ignore[arg-type]
        assert list(resource.differences(connection(";version=1"), seen(connection(spelling)))) == []


def test_a_flow_that_was_kept_as_text_is_the_same_flow() -> None:
    def flow(version: Any, schedule: dict[str, Any]) -> dict[str, Any]:
        return {
            "flowSpec": {"id": "f"},
            "sourceConnectionIds": ["s"],
            "targetConnectionIds": ["t"],
            "transformations": [{"name": "Mapping", "params": {"mappingId": "m", "mappingVersion": version}}],
            "scheduleParams": schedule,
        }

    wanted = flow("0", {"startTime": 1, "frequency": "minute", "interval": 15, "backfill": True})
    stored = flow(0, {"startTime": "1612310466", "frequency": "minute", "interval": "15", "backfill": "true"})
    flows = Flows(None)  # type: ignore[arg-type]
    assert list(flows.differences(wanted, seen(stored))) == []
    stored = flow(1, {"startTime": "1612310466", "frequency": "minute", "interval": "30", "backfill": "false"})
    assert {difference.path for difference in flows.differences(wanted, seen(stored))} == {
        "transformations.Mapping.mappingVersion", "scheduleParams.interval", "scheduleParams.backfill",
    }  # fmt: skip


def test_a_default_that_the_platform_wrote_out_is_no_difference() -> None:
    def flow(**schedule: Any) -> Any:
        return {"name": "n", "scheduleParams": {"startTime": 1, **schedule}}

    flows, sent = Flows(None), flow(frequency="hour", interval=1)  # type: ignore[arg-type]
    stored = flow(frequency="hour", interval="1", backfill="true")
    assert list(flows.differences(sent, seen(stored))) == []
    assert flows.changes(stored, sent, NOW) == []
    off = flow(frequency="hour", interval=1, backfill=False)
    assert [change.path for change in flows.changes(off, sent, NOW)] == ["scheduleParams.backfill"]

    once = flow(frequency="once")
    paths = [change.path for change in flows.changes(sent, once, 0)]
    removal = {"op": "remove", "path": "/scheduleParams/backfill"}
    assert removal in flows.amendment(seen(stored), once, paths)
    assert removal not in flows.amendment(seen(sent), once, paths), "there is nothing to remove"


def test_a_mapping_set_whose_name_the_platform_does_not_keep_is_no_other_set() -> None:
    sets, rows = MappingSets(None), [{"source": "a", "destination": "b"}]  # type: ignore[arg-type]
    sent: Any = {"name": "n", "xdmSchema": "s", "mappings": rows}
    assert sets.changes({**sent, "name": None}, sent, NOW) == []
    assert [change.path for change in sets.changes({**sent, "name": "other"}, sent, NOW)] == ["name"]


def test_mapping_rows_have_two_spellings_and_no_order() -> None:
    sets = MappingSets(None)  # type: ignore[arg-type]
    wanted: Json = {
        "outputSchema": {"schemaRef": {"id": "schema"}},
        "mappings": [{"source": "a", "destination": "x"}, {"source": "b", "destination": "y"}],
    }
    older = {
        "xdmSchema": "schema",
        "mappings": [
            {"sourceAttribute": "b", "destinationXdmPath": "y", "sourceType": "text/x.schema-path"},
            {"sourceAttribute": "a", "destinationXdmPath": "x"},
        ],
    }
    assert list(sets.differences(wanted, seen(older))) == []
    more = {**older, "mappings": [*older["mappings"], {"source": "c", "destination": "z"}]}
    [extra] = sets.differences(wanted, seen(more))
    assert (extra.path, extra.wanted, extra.found) == ("mappings.z", None, "c")


async def test_what_the_platform_or_somebody_adds_is_no_difference() -> None:
    async with platform() as to:
        for kind, key in (("class", "columns"), ("schema", "all_of")):
            resource, spec = to.kinds[kind], await to.spec(kind)
            view = await resource.read((await to.make(kind, spec, kind)).id)
            less = replace(spec, **{key: getattr(spec, key)[:1]})
            assert list(resource.differences(resource.body(less, label("made"), NOW), view)) == []
