"""What a connector asks for is read from its connection spec; what is wrong is told without the value."""

from __future__ import annotations

from typing import Any

import pytest

from tests.resources.platform import SERVICENOW, platform
from workflows.resources import auth_mistakes, read_base_spec, read_connection_spec

SECRET = "correct horse battery"
GOOD = {"endpoint": "https://acme.service-now.com", "username": "u", "password": SECRET}


def spec(**rules: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {name: {"type": "string", **rules.get(name, {})} for name in GOOD},
        "required": list(GOOD),
    }
    return {"authSpec": [{"name": "Basic Authentication", "spec": schema | rules.get("whole", {})}]}


@pytest.mark.parametrize(
    ("rules", "params", "told"),
    [
        ({}, GOOD, []),
        ({}, {"endpoint": "e", "username": "u"}, [(None, "auth lacks password, which the connector asks for")]),
        (
            {"password": {"maxLength": 8}},
            GOOD,
            [("password", "auth.password is not as the connector asks for (maxLength: 8)")],
        ),
        (
            {"endpoint": {"pattern": "^http:"}, "password": {"enum": ["a", "b"]}},
            GOOD,
            [
                ("endpoint", "auth.endpoint is not as the connector asks for (pattern: ^http:)"),
                ("password", "auth.password is not as the connector asks for (enum)"),
            ],
        ),
        (
            {"whole": {"additionalProperties": False}},
            {**GOOD, SECRET: SECRET},
            [(None, "auth is not as the connector asks for (additionalProperties)")],
        ),
    ],
)
def test_each_mistake_is_told_without_the_value(rules: Any, params: Any, told: Any) -> None:
    found = auth_mistakes(spec(**rules), "Basic Authentication", params)
    assert found == told
    assert SECRET not in str(found)


def test_a_kind_of_credentials_that_the_connector_does_not_take_any_more_is_told() -> None:
    [(name, message)] = auth_mistakes(spec(), "OAuth2 Refresh Code", GOOD)
    assert name is None
    assert message == 'the connector takes no "OAuth2 Refresh Code" any more; it has Basic Authentication'


def test_a_spec_that_is_no_json_schema_forbids_nothing() -> None:
    assert auth_mistakes({"authSpec": [{"name": "B", "spec": {"type": "nonsense"}}]}, "B", GOOD) == []


async def test_specs_are_read_from_the_platform_and_missing_ones_told_from_unread_ones() -> None:
    async with platform() as to:
        found = await read_connection_spec(to.client, SERVICENOW)
        assert auth_mistakes(found, "Basic Authentication", GOOD) == []
        assert await read_connection_spec(to.client, "nothing") == {}
        to.fault(kind="status", status=400, path="/connectionSpecs")
        assert await read_connection_spec(to.client, SERVICENOW) is None


async def test_a_base_connection_says_whose_it_is() -> None:
    async with platform() as to:
        made = await to.make("connection", await to.spec("connection"))
        assert await read_base_spec(to.client, made.id) == SERVICENOW
