"""The flow specs and the JSON Schemas that a flow must satisfy (contract 9), as printed in 2020 and today."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from workflows.emulator.config import Dialect
from workflows.emulator.http import Call, Reply, Router, answer
from workflows.emulator.services import items
from workflows.emulator.services.connection_specs import (
    ADDED,
    DATA_LAKE,
    DRAFT_07,
    ORACLE,
    PROVIDER,
    SALESFORCE,
    SERVICENOW,
    ZENDESK,
    list_specs,
    read_spec,
)

CRM = "14518937-270c-4525-bdec-c2ba7cce3860"
ZENDESK_FLOW = "6499120c-0b15-42dc-936e-847ea3c24d72"
SOURCES = {CRM: [SERVICENOW, SALESFORCE, ORACLE], ZENDESK_FLOW: [ZENDESK]}
"""The connection specs that each flow spec serves; added connectors go with the spec that they name."""
for _added in ADDED:
    SOURCES.get(_added.flow_spec_id or CRM, SOURCES[CRM]).append(_added.connection_spec_id)

_MINUTE = {"properties": {"frequency": {"const": "minute"}}}
_AT_LEAST_15 = {"properties": {"interval": {"minimum": 15}}}
_AT_LEAST_1 = {"properties": {"interval": {"minimum": 1}}}
_EPOCH = {"type": "integer", "description": "epoch time"}

_SCHEDULE: dict[Dialect, dict[str, Any]] = {
    "2020": {
        "$schema": DRAFT_07,
        "type": "object",
        "properties": {
            "startTime": _EPOCH,
            "endTime": _EPOCH,
            "interval": {"type": "integer"},
            "frequency": {"type": "string", "enum": ["minute", "hour", "day", "week"]},
            "backfill": {"type": "boolean", "default": True},
        },
        "required": ["startTime", "frequency", "interval"],
        "if": _MINUTE,
        "then": _AT_LEAST_15,
        "else": _AT_LEAST_1,
    },
    "today": {
        "$schema": DRAFT_07,
        "type": "object",
        "properties": {
            "startTime": _EPOCH,
            "interval": {"type": "integer"},
            "frequency": {"type": "string", "enum": ["once", "minute", "hour", "day", "week"]},
            "backfill": {"type": "boolean", "default": True},
        },
        "required": ["startTime", "frequency"],
        "if": {"properties": {"frequency": {"const": "once"}}},
        "then": {"allOf": [{"not": {"required": ["interval"]}}, {"not": {"required": ["backfill"]}}]},
        "else": {"required": ["interval"], "if": _MINUTE, "then": _AT_LEAST_15, "else": _AT_LEAST_1},
    },
}

_DELTA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "dateFormat": {"type": "string"}, "timezone": {"type": "string"}},
    "required": ["name"],
}
_COPY = {
    "name": "Copy",
    "spec": {"$schema": DRAFT_07, "type": "object", "properties": {"deltaColumn": _DELTA}, "required": ["deltaColumn"]},
}
_MAPPING = {
    "name": "Mapping",
    "spec": {
        "$schema": DRAFT_07,
        "type": "object",
        "description": "which mapping set turns source rows into target records",
        "properties": {"mappingId": {"type": "string"}, "mappingVersion": {"type": "string"}},
    },
}
_OPTIONS = {
    "name": "OptionSpec",
    "spec": {
        "$schema": DRAFT_07,
        "type": "object",
        "properties": {
            "errorDiagnosticsEnabled": {"type": "boolean", "default": False},
            "partialIngestionPercent": {"type": "number", "exclusiveMinimum": 0},
        },
    },
}
_RUN = {
    "name": "ProviderParams",
    "spec": {
        "$schema": DRAFT_07,
        "type": "object",
        "properties": {
            "startTime": {"type": "integer"},
            "windowStartTime": {"type": "integer"},
            "windowEndTime": {"type": "integer"},
            "deltaColumn": _DELTA,
        },
        "required": ["startTime", "windowStartTime", "windowEndTime", "deltaColumn"],
    },
}


def _spec(dialect: Dialect, id: str, name: str, transformations: list[dict[str, Any]]) -> dict[str, Any]:
    spec = {
        "id": id,
        "name": name,
        "providerId": PROVIDER,
        "version": "1.0",
        "transformationSpecs": transformations,
        "scheduleSpec": {"name": "PeriodicSchedule", "type": "Periodic", "spec": _SCHEDULE[dialect]},
    }
    if dialect == "today":
        spec |= {
            "sourceConnectionSpecIds": SOURCES[id],
            "targetConnectionSpecIds": [DATA_LAKE],
            "optionSpec": _OPTIONS,
            "runSpec": _RUN,
            "attributes": {"isSourceFlow": True, "flacValidationSupported": True},
            "permissionsInfo": {"view": [], "manage": []},
        }
    return spec


SPECS: dict[Dialect, dict[str, dict[str, Any]]] = {
    dialect: {
        spec["id"]: spec
        for spec in (
            _spec(dialect, CRM, "CRMToAEP", [_COPY, _MAPPING]),
            _spec(dialect, ZENDESK_FLOW, "RestStorageToAEP", [_MAPPING]),
        )
    }
    for dialect in ("today", "2020")
}


def _specs(call: Call) -> dict[str, dict[str, Any]]:
    return SPECS[call.platform.config.dialect]


def _search(call: Call) -> Reply:
    query = parse_qsl(str(call.object().get("queryString") or "").lstrip("?"))
    tests = items.conditions([value for name, value in query if name == "property"])
    return answer({"items": [spec for spec in _specs(call).values() if all(test.holds(spec) for test in tests)]})


def register(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/flowSpecs", "list", lambda call: list_specs(call, list(_specs(call).values())))
    router.add("GET", "/flowSpecs/*", "read", lambda call: read_spec(call, "flowSpecs", _specs(call)))
    router.add("POST", "/flowSpecs/search", "list", _search)
