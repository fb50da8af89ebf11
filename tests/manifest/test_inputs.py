"""Inputs survive the journal."""

import json

import pytest

from engine.model import replace
from workflows.onboarding.inputs import BaseConnection, Column, Inputs, Schedule, Target, decode, encode

FULL = Inputs(
    source="acme-incidents",
    connector="servicenow",
    chain="adhoc",
    table="incident",
    columns=(
        Column(name="sys_id", type="string"),
        Column(name="sys_updated_on", type="date-time", format="yyyy-MM-dd HH:mm:ss", timezone="UTC"),
    ),
    delta_column="sys_updated_on",
    mappings=(("sys_id", "_id"), ("sys_id", "person.name.fullName")),
    base_connection=BaseConnection(name="shared", auth={"username": "u", "password": "${env:P}"}),
    target=Target(klass="https://ns.adobe.com/c", field_groups=("https://ns.adobe.com/g",), schema="s", dataset="d"),
    schedule=Schedule(frequency="hour", interval=1, backfill=False, start=1893456000, spread=3600),
    previously="old",
)
BARE = replace(
    FULL,
    delta_column=None,
    base_connection=BaseConnection(id="60a5c8b9-3c30-43ba-a5c8-b93c3093ba66", auth={}),
    target=Target(klass="", field_groups=(), dataset="5e54fb2b0d9c4b18aa0c5c2d"),
    schedule=Schedule(frequency="once"),
    existing={"flow": "7a5c8b93-3c30-43ba-a5c8-b93c3093ba66"},
    previously=None,
)


@pytest.mark.parametrize("inputs", [FULL, BARE])
def test_inputs_survive_the_journal_apart_from_the_former_name(inputs: Inputs) -> None:
    assert decode(encode(inputs)) == replace(inputs, previously=None)


def test_what_says_nothing_is_left_out() -> None:
    kept = json.loads(encode(BARE))
    assert kept["target"] == {"class": "", "field_groups": [], "dataset": "5e54fb2b0d9c4b18aa0c5c2d"}
    assert kept["schedule"] == {"frequency": "once"}
    assert kept.keys() >= {"columns", "mappings", "base_connection", "existing"}
    assert not kept.keys() & {"delta_column", "previously"}
