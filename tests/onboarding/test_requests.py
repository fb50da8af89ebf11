"""Every request of every chain, as it leaves, held against Adobe's OpenAPI files: its path, parameters and body."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import httpx

from engine.api import Engine
from engine.model import RunStatus, Scope, replace
from engine.wanted import Item
from tests.onboarding.openapi import complaints, kinds
from tests.onboarding.sources import source, zendesk
from workflows.aep import AepClient, Credentials, make_transport
from workflows.emulator import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_ORG,
    DEFAULT_SCOPES,
    EmulatorConfig,
    serving,
)
from workflows.onboarding.chains import onboarding
from workflows.onboarding.inputs import BaseConnection, Inputs
from workflows.resources import all_resources

ENVIRON = {"SERVICENOW_PASSWORD": "p", "ZENDESK_TOKEN": "t"}


@dataclass(slots=True)
class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on, and keeps them."""

    to: httpx.AsyncBaseTransport
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self.to.handle_async_request(request)


def sources() -> list[Inputs]:
    """One source for each chain, and one that shares everything that can be shared."""
    mappings = (("Id", "_id"), ("Founded", "person.birthDate"))
    table = source(table="Organization", mappings=mappings)
    shared = replace(table, source="shared", target=replace(table.target, schema="people", dataset="people"))
    return [
        table,
        replace(table, source="today", chain="tabular"),
        shared,
        replace(zendesk(), source="tickets", base_connection=BaseConnection(auth=dict(zendesk().base_connection.auth))),
    ]


async def test_every_request_is_one_that_adobe_describes(tmp_path: Path) -> None:
    async with serving(EmulatorConfig(port=0)) as (url, _):
        credentials = Credentials(
            api_key=DEFAULT_CLIENT_ID, client_secret=DEFAULT_CLIENT_SECRET, scopes=DEFAULT_SCOPES,
            ims_org=DEFAULT_ORG, sandbox="dev", base_url=url, ims_url=url,
        )  # fmt: skip
        inner = make_transport(16)
        recorder = Recorder(inner)
        scope = Scope(gateway=url, org=DEFAULT_ORG, sandbox="dev")
        items = [Item(workflow=onboarding, source=one.source, inputs=one) for one in sources()]
        async with AepClient(credentials, transport=recorder) as client:
            for store in ("first.db", "second.db"):  # the second journal finds, signs and takes over
                async with Engine(
                    str(tmp_path / store), workflows=[onboarding], resources=all_resources(client, ENVIRON), settle=0.2
                ) as engine:
                    counts = await engine.run((await engine.register(scope, [items])).batch)
                    assert counts[RunStatus.DONE] == len(items), counts
        await inner.aclose()
    found = [complaint for request in recorder.requests for complaint in complaints(request)]
    assert sorted(set(found)) == []
    assert kinds(recorder.requests) >= {
        "POST classes", "POST schemas", "POST connections", "POST sourceConnections", "POST targetConnections",
        "POST dataSets", "POST mappingSets", "POST validate", "POST flows", "PATCH schemas", "GET test", "GET explore",
        "GET flowSpecs",
    }  # fmt: skip
