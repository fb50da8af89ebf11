"""Every request body of both chains, exactly; and held against the platform's own OpenAPI files (tests/openapi)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.resource import Label
from tests.onboarding.openapi import body_errors, known_keys, request_schema
from tests.onboarding.sources import CRM_RULES, ZENDESK_RULES, receipts, source, zendesk
from workflows.onboarding.chains import onboarding
from workflows.onboarding.inputs import Inputs

HERE = Path(__file__).parent
NOW = 1893455880.0
CASES = {
    "adhoc": (source(), CRM_RULES),
    "tabular": (source(chain="tabular"), CRM_RULES),
    "zendesk": (zendesk(), ZENDESK_RULES),
}
REQUESTS = {
    "connection": ("flow-service", "/connections"),
    "class": ("schema-registry", "/tenant/classes"),
    "schema": ("schema-registry", "/tenant/schemas"),
    "source connection": ("flow-service", "/sourceConnections"),
    "dataset": ("catalog", "/dataSets"),
    "target connection": ("flow-service", "/targetConnections"),
    "mapping set": ("data-prep", "/mappingSets"),
    "flow": ("flow-service", "/flows"),
}
"""Per kind the OpenAPI file and the path that its body is posted to."""
OF_2020 = {("adhoc", "target_connection"): {"baseConnectionId"}}
"""Keys of the older chain that today's files have no word for (contract 6.3)."""


def bodies(inputs: Inputs, rules: dict[str, Any]) -> dict[str, Any]:
    """What each step that creates would send."""
    chain, known = onboarding, receipts(rules)
    made: dict[str, Any] = {}
    for name, step in chain.plan(inputs).steps.items():
        if not step.reads_only:
            label = Label(name=f"acme-accounts {name}", note=f"{name} of acme-accounts", attempt="p1-7")
            made[name] = step.resource(None).body(chain.spec(step, inputs, known), label, NOW)
    return made


@pytest.mark.parametrize("case", CASES)
def test_bodies_are_what_they_always_were(case: str) -> None:
    golden = json.loads((HERE / "golden" / f"{case}.json").read_text())
    assert bodies(*CASES[case]) == golden


@pytest.mark.parametrize("case", CASES)
def test_bodies_fit_the_platforms_specification(case: str) -> None:
    inputs, rules = CASES[case]
    steps = onboarding.steps
    for name, body in bodies(inputs, rules).items():
        file, path = REQUESTS[steps[name].resource.kind]
        schema = request_schema(file, path)
        assert body_errors(schema, body) == set(), name
        assert set(body) - OF_2020.get((case, name), set()) <= known_keys(file, schema), name
