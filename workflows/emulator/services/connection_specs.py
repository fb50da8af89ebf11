"""The connection specs (contract 4.1, 4.2): four customer-success systems, those that were added, and the data lake."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from workflows.emulator.errors import flow
from workflows.emulator.http import Call, Reply, Router, answer
from workflows.emulator.services import items
from workflows.sources import Secret, SourceType, discover

DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
SERVICENOW = "eb13cb25-47ab-407f-ba89-c0125281c563"
SALESFORCE = "cb66ab34-8619-49cb-96d1-39b37ede86ea"
ZENDESK = "0a27232b-2c6e-4396-b8c6-c9fc24e37ba4"
ORACLE = "ba5126ec-c9ac-11eb-b8bc-0242ac130003"
PROVIDER = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
DRAFT_07 = "http://json-schema.org/draft-07/schema#"


_SECRETS = {"password", "securityToken", "accessToken"}


def _auth(
    name: str,
    type: str,
    params: dict[str, str],
    optional: dict[str, str] | None = None,
    secrets: Collection[str] = _SECRETS,
) -> dict[str, Any]:
    every = {**params, **(optional or {})}
    properties = {
        key: {"type": "string", "description": description} | ({"format": "password"} if key in secrets else {})
        for key, description in every.items()
    }
    schema = {"$schema": DRAFT_07, "type": "object", "properties": properties, "required": list(params)}
    return {"name": name, "type": type, "spec": schema}


def _source(id: str, name: str, auth: dict[str, Any], *, rest: bool = False) -> dict[str, Any]:
    where = {} if rest else {"path": {"type": "string"}, "tableName": {"type": "string"}, "columns": {"type": "array"}}
    return {
        "id": id,
        "name": name,
        "providerId": PROVIDER,
        "version": "1.0",
        "authSpec": [auth],
        "sourceSpec": {"name": name, "spec": {"$schema": DRAFT_07, "type": "object", "properties": where}},
        "exploreSpec": {"name": "Resource", "type": "Resource", "requestSpec": {}, "responseSpec": {}},
        "attributes": {"category": "customerSuccess", "isSource": True, "uiAttributes": {"isSource": True}},
        "permissionsInfo": {
            "view": [{"@type": "lowLevel", "name": "EnterpriseSource", "permissions": ["read"]}],
            "manage": [{"@type": "lowLevel", "name": "EnterpriseSource", "permissions": ["write"]}],
        },
    }


_USER = {"username": "The name of the user", "password": "The password of the user"}
_BASIC = "Basic Authentication"

SPECS: dict[str, dict[str, Any]] = {
    str(spec["id"]): spec
    for spec in (
        _source(
            SERVICENOW,
            "service-now",
            _auth(_BASIC, "BasicAuthentication", {"endpoint": "https://<instance>.service-now.com", **_USER}),
        ),
        _source(
            SALESFORCE,
            "salesforce-service-cloud",
            _auth(
                _BASIC,
                "BasicAuthentication",
                {**_USER, "securityToken": "The security token of the user"},
                {"environmentUrl": "The URL of the instance"},
            ),
        ),
        _source(
            ZENDESK,
            "zendesk",
            _auth(
                "OAuth2 Refresh Code",
                "OAuth2RefreshCode",
                {"subdomain": "https://<subdomain>.zendesk.com", "accessToken": "The access token"},
            ),
            rest=True,
        ),
        _source(
            ORACLE,
            "oracle-service-cloud",
            _auth(_BASIC, "BasicAuthentication", {"host": "The host of the instance", **_USER}),
        ),
        {
            "id": DATA_LAKE,
            "name": "datalake",
            "providerId": PROVIDER,
            "version": "1.0",
            "targetSpec": {
                "name": "datalake",
                "spec": {
                    "$schema": DRAFT_07,
                    "type": "object",
                    "properties": {"dataSetId": {"type": "string"}},
                    "required": ["dataSetId"],
                },
            },
            "attributes": {"category": "adobe", "isSource": False, "uiAttributes": {"isSource": False}},
            "permissionsInfo": {"view": [], "manage": []},
        },
    )
}


def _added(source: SourceType) -> dict[str, Any]:
    """A connector that the contract has no word about, as its own file says."""
    required = {one.name: one.name for one in source.auth_params if one.required}
    optional = {one.name: one.name for one in source.auth_params if not one.required}
    secrets = {one.name for one in source.auth_params if isinstance(one, Secret)}
    auth = _auth(source.auth_spec, source.auth_spec.replace(" ", ""), required, optional, secrets)
    return _source(source.connection_spec_id, source.key, auth, rest=source.explore == "rest")


ADDED = [source for source in discover().values() if source.connection_spec_id not in SPECS]
SPECS |= {source.connection_spec_id: _added(source) for source in ADDED}
REST = {ZENDESK, *(source.connection_spec_id for source in ADDED if source.explore == "rest")}
"""Sources of JSON, which have no tables (contract 4.6)."""


def known(body: dict[str, Any]) -> dict[str, Any]:
    """The connection spec that a body names; raises Problem 1413."""
    named = body.get("connectionSpec")
    spec = SPECS.get(str(named.get("id"))) if isinstance(named, dict) else None
    if spec is None or named is None or str(named.get("version") or spec["version"]) != spec["version"]:
        raise flow(1413, 400, "The spec ID provided is invalid. Please provide a valid spec ID and try again.")
    return spec


def list_specs(call: Call, specs: list[dict[str, Any]]) -> Reply:
    """Answer those specs that pass the `property` filters, the only parameter (contract 4.2)."""
    items.no_query(call, "property")
    tests = items.conditions(call.all("property"))
    return answer({"items": [spec for spec in specs if all(test.holds(spec) for test in tests)]})


def read_spec(call: Call, kind: str, specs: dict[str, dict[str, Any]]) -> Reply:
    """Answer one spec by id; raises Problem 404."""
    spec = specs.get(call.params[0])
    if spec is None:
        raise flow(1439, 404, f"The requested {kind} resource {call.params[0]} is not found.")
    return answer({"items": [spec]})


def register(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/connectionSpecs", "list", lambda call: list_specs(call, list(SPECS.values())))
    router.add("GET", "/connectionSpecs/*", "read", lambda call: read_spec(call, "connectionSpecs", SPECS))
