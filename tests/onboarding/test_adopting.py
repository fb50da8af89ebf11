"""What a manifest says of a chain that somebody built, and what it leaves to a comment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from workflows.onboarding.adopting import adopting, free_name
from workflows.resources import AdHoc, BuiltChain, DeltaColumn, Field, Row
from workflows.sources import discover

CHAIN = BuiltChain(
    flow_id="f",
    name="accounts",
    source=discover()["servicenow"],
    base_id="b",
    source_id="s",
    target_id="t",
    dataset_id="d",
    mapping_id="m",
    adhoc=None,
    table="Account",
    columns=(Field(name="Id", type="string"), Field(name="at", type="date-time"), Field(name="all", type="array")),
    delta=DeltaColumn(name="at"),
    schedule={"frequency": "hour", "interval": 2, "startTime": 1612310466},
    rows=(Row(source="Id", destination="_id", plain=True),),
    ours=False,
)


def said(chain: BuiltChain = CHAIN, defaults: Any = None) -> dict[str, Any]:
    return adopting(chain, "x", defaults or {})[0]


def comments(**changes: Any) -> dict[str, str]:
    return adopting(replace(CHAIN, **changes), "x", {})[1]


def test_all_of_a_chain_is_named() -> None:
    today = {"source_connection": "s", "target_connection": "t", "mapping_set": "m", "flow": "f"}
    assert (said()["chain"], said()["existing"]) == ("tabular", today)
    whole = said(replace(CHAIN, adhoc=AdHoc(class_id="c", schema_id="a", lake_id="l")))
    assert whole["chain"] == "adhoc"
    assert whole["existing"] == {"adhoc_class": "c", "adhoc_schema": "a", "dataset_base_connection": "l", **today}
    assert whole["schedule"] == {"frequency": "hour", "interval": 2, "start": "2021-02-03T00:01:06Z"}


def test_defaults_of_the_manifest_do_not_change_what_is_adopted() -> None:
    once = replace(CHAIN, delta=None, schedule={"frequency": "once", "backfill": False}, rows=())
    defaults = {
        "delta_column": "other", "mappings": {"a": "b"},
        "schedule": {"frequency": "day", "interval": 1, "spread": "1h"},
        "target": {"class": "https://ns.adobe.com/c", "schema": "people", "dataset": "people"},
    }  # fmt: skip
    found = said(once, defaults)
    assert (found["delta_column"], found["mappings"]) == (None, {})
    assert found["schedule"] == {"frequency": "once", "interval": None, "spread": None}
    assert found["target"] == {"dataset": "d", "schema": None}
    assert "delta_column" not in said(once)


@pytest.mark.parametrize(
    ("delta", "kind"),
    [
        (DeltaColumn(name="at"), "date-time"),
        (DeltaColumn(name="at", timezone="CET"), {"type": "date-time", "timezone": "CET"}),
        (DeltaColumn(name="at", format="YYYY-MM-DD"), "date-time"),
        (DeltaColumn(name="n", format="yyyy"), "integer"),
        (DeltaColumn(name="nowhere", format="yyyy"), {"type": "date-time", "format": "yyyy"}),
    ],
)
def test_the_delta_column_says_how_its_dates_are_written(delta: DeltaColumn, kind: Any) -> None:
    chain = replace(CHAIN, delta=delta, columns=(*CHAIN.columns, Field(name="n", type="integer")))
    assert said(chain)["columns"][delta.name] == kind


@pytest.mark.parametrize(
    ("row", "mapping"),
    [
        (Row(source="${Id}", destination="p", plain=True), {"Id": "p"}),
        (Row(source="upper(Id)", destination="p", plain=False), {}),
        (Row(source="Id", destination="p", plain=False), {}),
        (Row(source="elsewhere", destination="p", plain=True), {}),
    ],
)
def test_rows_that_lead_from_a_column_are_said(row: Row, mapping: dict[str, str]) -> None:
    assert said(replace(CHAIN, rows=(row,))).get("mappings", {}) == mapping


def test_what_cannot_be_said_is_told_in_comments() -> None:
    assert comments() == {"columns": "not said: all, of types that a manifest has no words for"}
    assert comments(columns=())["table"] == "the platform does not show its columns"
    twice = (*CHAIN.rows, Row(source="Id", destination="p", plain=True))
    assert comments(rows=twice)["mappings"] == "1 of 2 rows cannot be said here"
    assert comments(delta=DeltaColumn(name="at", format="YYYY-MM-DD"))["delta_column"].endswith("YYYY-MM-DD")
    assert comments(schedule={"endTime": 2})["schedule"] == "the flow ends at 2"
    milliseconds = {"frequency": "hour", "interval": 1, "startTime": 1612310466000}
    assert comments(schedule=milliseconds)["schedule"].startswith("the flow starts at 1612310466000, which is no time")
    assert said(replace(CHAIN, schedule=milliseconds))["schedule"] == {"frequency": "hour", "interval": 1}


@pytest.mark.parametrize(
    ("name", "free"),
    [("accounts", "accounts"), ("Acme: cases / EMEA!", "Acme-cases-EMEA"), ("taken", "taken-3"), ("///", "flow"),
     ("é" * 200, "é" * 90), ("a\u202eb\n", "a-b")],
)  # fmt: skip
def test_a_name_is_safe_and_free(name: str, free: str) -> None:
    assert free_name(name, {"taken", "taken-2"}) == free
