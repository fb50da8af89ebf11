"""Sources to onboard, and receipts as steps get them: made-up ids of the platform's shapes."""

from __future__ import annotations

from typing import Any

from engine.model import Receipt, replace
from workflows.onboarding.inputs import BaseConnection, Column, Inputs, Schedule, Target

PROFILE = "https://ns.adobe.com/xdm/context/profile"
DETAILS = "https://ns.adobe.com/xdm/context/profile-person-details"

SCHEDULE_TODAY = {
    "type": "object",
    "properties": {
        "startTime": {"type": "integer"},
        "interval": {"type": "integer"},
        "frequency": {"type": "string", "enum": ["once", "minute", "hour", "day", "week"]},
        "backfill": {"type": "boolean"},
    },
    "required": ["startTime", "frequency"],
    "if": {"properties": {"frequency": {"const": "once"}}},
    "then": {"allOf": [{"not": {"required": ["interval"]}}, {"not": {"required": ["backfill"]}}]},
    "else": {
        "required": ["interval"],
        "if": {"properties": {"frequency": {"const": "minute"}}},
        "then": {"properties": {"interval": {"minimum": 15}}},
        "else": {"properties": {"interval": {"minimum": 1}}},
    },
}
COPY = {
    "type": "object",
    "properties": {"deltaColumn": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    "required": ["deltaColumn"],
}
MAPPING = {"type": "object", "properties": {"mappingId": {"type": "string"}, "mappingVersion": {"type": "string"}}}
SERVICENOW = "eb13cb25-47ab-407f-ba89-c0125281c563"
ZENDESK = "0a27232b-2c6e-4396-b8c6-c9fc24e37ba4"
CRM_RULES: dict[str, Any] = {
    "name": "CRMToAEP",
    "schedule": SCHEDULE_TODAY,
    "transformations": {"Copy": COPY, "Mapping": MAPPING},
    "sources": [SERVICENOW],
}
ZENDESK_RULES = {**CRM_RULES, "transformations": {"Mapping": MAPPING}, "sources": [ZENDESK]}


def source(**changes: Any) -> Inputs:
    """The first source of the reference manifest, its base connection to be made."""
    incident = Inputs(
        source="acme-accounts",
        connector="servicenow",
        chain="adhoc",
        table="Account",
        columns=(
            Column(name="Id", type="string"),
            Column(name="Employees", type="integer"),
            Column(name="Founded", type="date"),
            Column(name="updatedAt", type="date-time"),
        ),
        delta_column="updatedAt",
        mappings=(("Id", "_id"), ("Employees", "person.birthDay")),
        base_connection=BaseConnection(
            name="ServiceNow production",
            auth={
                "endpoint": "https://acme.service-now.com",
                "username": "integration",
                "password": "${env:SERVICENOW_PASSWORD}",
            },
        ),
        target=Target(klass=PROFILE, field_groups=(DETAILS,)),
        schedule=Schedule(frequency="hour", interval=1, backfill=True),
    )
    return replace(incident, **changes)


def zendesk() -> Inputs:
    """A source of the connector whose flow has no Copy, and whose table is JSON."""
    return source(
        connector="zendesk",
        chain="tabular",
        table="users",
        columns=(Column(name="result.id", type="integer"), Column(name="result.name", type="string")),
        delta_column=None,
        mappings=(("result.name", "person.name.fullName"),),
        base_connection=BaseConnection(
            auth={"subdomain": "https://acme.zendesk.com", "accessToken": "${env:ZENDESK_TOKEN}"}
        ),
    )


def receipts(rules: dict[str, Any]) -> dict[str, Receipt]:
    """One receipt for each step of either chain."""
    registry = "https://ns.adobe.com/acme"
    return {
        "base_connection": Receipt(id="11111111-aaaa-4bbb-8ccc-000000000001"),
        "adhoc_class": Receipt(id=f"{registry}/classes/0a1b"),
        "adhoc_schema": Receipt(id=f"{registry}/schemas/1a2b"),
        "source_connection": Receipt(id="11111111-aaaa-4bbb-8ccc-000000000002"),
        "target_schema": Receipt(id=f"{registry}/schemas/77aa"),
        "dataset": Receipt(id="5f00aa11bb22cc33dd44ee55"),
        "dataset_base_connection": Receipt(id="11111111-aaaa-4bbb-8ccc-000000000003"),
        "target_connection": Receipt(id="11111111-aaaa-4bbb-8ccc-000000000004"),
        "mapping_set": Receipt(id="7c35aa00bb11cc22dd33ee44ff556677", version="0"),
        "flow_spec": Receipt(id="14518937-270c-4525-bdec-c2ba7cce3860", version="1.0", data=rules),
    }
