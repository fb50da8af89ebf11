"""Every request of every chain, as it leaves, held against Adobe's OpenAPI files: its path, parameters and body."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from engine.api import Engine, Item
from engine.model import RunStatus, Scope
from tests.onboarding.openapi import FILES, body_errors, known_keys, operation, parameters, request_schema
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
from workflows.onboarding.chains import CHAINS
from workflows.onboarding.inputs import BaseConnection, Inputs
from workflows.resources import all_resources

PREFIX = "/data/foundation/"
ENVIRON = {"SERVICENOW_PASSWORD": "p", "ZENDESK_TOKEN": "t"}
BEYOND = {
    ("catalog", "POST", "/dataSets"): {"requestDataSource"},  # in every example of the documentation (contract 7.1)
    ("catalog", "GET", "/dataSets"): {"name"},  # the simple filter (contract 7.2)
    ("flowservice", "GET", "/explore"): {"fileType", "preview", "sourceParams"},  # of a REST source (contract 4.6)
}
"""Parameters that the documentation knows and the files do not, by service, method and end of the path."""
OF_2020 = {"baseConnectionId"}
"""Keys of the older chain that today's files have no word for (contract 6.3)."""


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
        items = [Item(workflow=CHAINS[one.chain], source=one.source, inputs=one) for one in sources()]
        async with AepClient(credentials, transport=recorder) as client:
            for store in ("first.db", "second.db"):  # the second journal finds, signs and takes over
                async with Engine(
                    str(tmp_path / store),
                    workflows=CHAINS.values(),
                    resources=all_resources(client, ENVIRON),
                    settle=0.2,
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


def kinds(requests: list[httpx.Request]) -> set[str]:
    """Method and kind of object, so that nothing that matters goes unseen."""
    found = set[str]()
    for request in requests:
        names = [part for part in request.url.path.split("/") if part.isalpha()]
        found.add(f"{request.method} {names[-1] if names else ''}")
    return found


def complaints(request: httpx.Request) -> list[str]:
    """Where a request is not as the file of its service says."""
    path = request.url.raw_path.decode().partition("?")[0]
    if not path.startswith(PREFIX):
        return []  # the token
    service, _, rest = path.removeprefix(PREFIX).partition("/")
    rest, file, where = f"/{rest}", FILES.get(service), f"{request.method} {service}/{unquote(rest)[:60]}"
    if file is None:
        return []
    known = operation(file, request.method, rest)
    if known is None:
        return [f"{where}: there is no such request"]
    beyond = BEYOND.get((service, request.method, f"/{rest.rpartition('/')[2]}"), set())
    said = {unquote(pair.partition("=")[0]) for pair in request.url.query.decode().split("&") if pair}
    found = [f"{where}: unknown parameter {name}" for name in said - parameters(file, known) - beyond]
    if request.content:
        body: Any = json.loads(request.content)
        schema = request_schema(file, rest, request.method)
        found += [f"{where}: {error}" for error in body_errors(schema, body)]
        if isinstance(body, dict):
            extra = set(body) - known_keys(file, schema) - OF_2020
            found += [f"{where}: unknown key {key}" for key in extra]
    return found
