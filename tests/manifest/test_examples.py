"""What the project hands out works as it is: examples, template, JSON Schema."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.manifest.conftest import Read
from workflows.onboarding.chains import onboarding
from workflows.onboarding.inputs import BaseConnection, Column, Inputs, Schedule, Target
from workflows.onboarding.manifest import TEMPLATE, check_and_spool, manifest_schema, read_manifest

EXAMPLES = Path(__file__).parents[2] / "examples"

ACCOUNTS = Inputs(
    source="acme-accounts",
    connector="servicenow",
    chain="adhoc",
    table="Account",
    columns=(
        Column(name="Id", type="string"),
        Column(name="Name", type="string"),
        Column(name="Phone", type="string"),
        Column(name="email", type="string"),
        Column(name="updatedAt", type="date-time"),
    ),
    delta_column="updatedAt",
    mappings=(("Name", "person.name.fullName"), ("Phone", "mobilePhone.number"), ("email", "personalEmail.address")),
    base_connection=BaseConnection(id="60a5c8b9-3c30-43ba-a5c8-b93c3093ba66", auth={}),
    target=Target(
        klass="https://ns.adobe.com/xdm/context/profile",
        field_groups=(
            "https://ns.adobe.com/xdm/context/profile-person-details",
            "https://ns.adobe.com/xdm/context/profile-personal-details",
        ),
    ),
    schedule=Schedule(frequency="hour", interval=1, backfill=True),
)


def test_the_yaml_example() -> None:
    accounts, incidents, contacts = read_manifest(str(EXAMPLES / "sources.yaml"))
    assert accounts == ACCOUNTS
    assert incidents.columns[-1] == Column(
        name="sys_updated_on", type="date-time", format="yyyy-MM-dd HH:mm:ss", timezone="UTC"
    )
    assert incidents.schedule == Schedule(frequency="minute", interval=30, backfill=True)
    assert contacts.target == Target(
        klass=ACCOUNTS.target.klass, field_groups=ACCOUNTS.target.field_groups, schema="acme-people"
    )


def test_the_csv_example_takes_its_defaults_from_the_yaml_example() -> None:
    accounts, contacts = read_manifest(str(EXAMPLES / "sources.csv"), EXAMPLES / "sources.yaml")
    assert accounts == ACCOUNTS
    assert contacts.target.schema == "acme-people"
    assert contacts.schedule == Schedule(frequency="minute", interval=30, backfill=True)


def test_the_template_passes_the_reader(read: Read) -> None:
    (incidents,) = read(TEMPLATE)
    assert incidents.base_connection.auth["password"] == "${env:SERVICENOW_PASSWORD}"


@pytest.mark.parametrize("text", [(EXAMPLES / "sources.yaml").read_text(), TEMPLATE])
def test_the_json_schema_takes_what_the_reader_takes(text: str) -> None:
    schema = manifest_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(text), schema)


@pytest.mark.parametrize(
    "change",
    [
        {"sources": [{"nam": "a"}]},
        {"sources": [{"connector": "servicnow"}]},
        {"sources": [{"schedule": {"frequency": "hourly"}}]},
        {"sources": [{"columns": {"a": "text"}}]},
        {"defaults": {"name": "a"}},
        {"version": 2},
    ],
)
def test_the_json_schema_refuses_what_the_reader_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "sources": [], **change}, manifest_schema())


def test_a_spool_counts_and_knows_where_a_source_stands() -> None:
    with check_and_spool(str(EXAMPLES / "sources.yaml")) as spool:
        assert spool.count == 3
        assert [spool.line_of(name) for name in ("acme-accounts", "acme-contacts", "nobody")] == [21, 45, None]
        one, two = spool.batches(2), spool.batches(1)
        assert [[said.source for said in batch] for batch in (next(one), next(two), next(one))] == [
            ["acme-accounts", "acme-incidents"],
            ["acme-accounts"],
            ["acme-contacts"],
        ]
        assert next(one, None) is None


def test_a_spool_keeps_sources_as_the_journal_does() -> None:
    with check_and_spool(str(EXAMPLES / "sources.yaml")) as spool:
        for said in next(spool.batches(3)):
            workflow = onboarding
            assert said.text == workflow.encode(said.inputs)
            assert workflow.decode(said.text) == said.inputs
