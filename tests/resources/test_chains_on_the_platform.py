"""Both chains, step by step, on the strict emulator: it takes every body, and nothing is left over or twice."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from engine.model import Receipt
from tests.onboarding.sources import source, zendesk
from tests.resources.platform import Platform, label, platform
from workflows.emulator.report import report
from workflows.onboarding.chains import onboarding
from workflows.onboarding.inputs import BaseConnection, Inputs, Schedule
from workflows.sources import CHAINS, discover

AUTH = {
    "servicenow": {"endpoint": "https://acme.service-now.com", "username": "u", "password": "${env:PASSWORD}"},
    "salesforce-service-cloud": {
        "username": "u",
        "password": "${env:PASSWORD}",
        "securityToken": "${env:ZENDESK_TOKEN}",
    },
    "oracle-service-cloud": {"host": "acme.custhelp.com", "username": "u", "password": "${env:PASSWORD}"},
}


def organisation(connector: str, chain: str, **changes: Any) -> Inputs:
    """A table of a connector with tables."""
    return source(
        connector=connector,
        chain=chain,
        table="Organization",
        mappings=(("Id", "_id"), ("Founded", "person.birthDate")),
        base_connection=BaseConnection(auth=AUTH[connector]),
        **changes,
    )


SOURCES = {
    **{f"{connector} {chain}": organisation(connector, chain) for connector in AUTH for chain in CHAINS},
    "once": organisation("servicenow", "adhoc", schedule=Schedule(frequency="once")),
    "zendesk tabular": zendesk(),
}


async def walk(to: Platform, inputs: Inputs) -> dict[str, Receipt]:
    chain, made = onboarding, dict[str, Receipt]()
    for name, step in chain.plan(inputs).steps.items():
        resource: Any = to.kinds[step.resource.kind]
        spec = chain.spec(step, inputs, made)
        if step.reads_only:
            made[name] = await resource.fetch(spec)
            continue
        await resource.prepare(spec)
        body = orjson.dumps(resource.body(spec, label(f"{inputs.source} {name}"), 4_000_000_000.0)).decode()
        made[name] = await resource.create(body, 5.0)
    return made


@pytest.mark.parametrize("case", SOURCES)
async def test_the_platform_takes_every_body(case: str) -> None:
    async with platform() as to:
        made = await walk(to, SOURCES[case])
        account = report(to.emulator.platform)
        assert account["mistakes"]["count"] == 0, account["mistakes"]
        assert account["warnings"] == []
        assert account["duplicates"]["count"] == 0
        assert account["unreferenced"]["count"] == 0
        assert account["live"]["flow"] == 1
        assert set(made) == set(onboarding.plan(SOURCES[case]).steps)


async def test_the_platform_of_2020_takes_the_older_chain() -> None:
    async with platform(dialect="2020", older_errors=True) as to:
        await walk(to, SOURCES["servicenow adhoc"])
        account = report(to.emulator.platform)
        assert (account["mistakes"]["count"], account["warnings"]) == (0, [])


def test_every_chain_of_every_connector_is_among_them() -> None:
    assert {f"{key} {chain}" for key, kind in discover().items() for chain in kind.chains} == SOURCES.keys() - {"once"}
