"""Every connector, in each chain that it has, on a bad day with kills: each source with its one flow in the end."""

from __future__ import annotations

from random import Random

import pytest

from tests.crash.stage import Stage
from tests.crash.stores import SqliteStore, Store
from tests.crash.test_random_kills import live_through
from workflows.sources import Secret, discover

HEAD = """\
version: 1
defaults:
  schedule: {frequency: hour, interval: 1}
  target:
    class: https://ns.adobe.com/xdm/context/profile
    field_groups:
      - https://ns.adobe.com/xdm/context/profile-person-details
      - https://ns.adobe.com/xdm/context/profile-personal-details
sources:
"""
TABLE = """\
    table: incident
    columns: {sys_id: string, caller_name: string, caller_email: string, sys_updated_on: date-time}
    delta_column: sys_updated_on
    mappings: {sys_id: _id, caller_name: person.name.fullName, caller_email: personalEmail.address}
"""
JSON = """\
    table: json
    columns: {result.id: integer, result.name: string, result.email: string}
    mappings: {result.name: person.name.fullName, result.email: personalEmail.address}
"""


@pytest.fixture
def store(sqlite: SqliteStore) -> Store:
    """What differs from connector to connector is not in the journal: one kind of it is enough."""
    return sqlite


def manifest() -> str:
    """A source for each connector and chain; those of one connector share the base connection that they describe."""
    text = HEAD
    for key, source in discover().items():
        auth = ", ".join(
            f'{param.name}: "{"${env:SERVICENOW_PASSWORD}" if isinstance(param, Secret) else f"https://{key}.example.com"}"'
            for param in source.auth_params
        )
        for chain in source.chains:
            text += f"  - name: {key}-{chain}\n    connector: {key}\n    chain: {chain}\n"
            text += f"    base_connection: {{auth: {{{auth}}}}}\n" + (TABLE if source.explore == "table" else JSON)
    return text


SOURCES = sum(len(source.chains) for source in discover().values())


@pytest.mark.crash
def test_all_connectors_in_all_their_chains(stage: Stage) -> None:
    (stage.folder / "sources.yaml").write_text(manifest())
    stage.sources = SOURCES
    live_through(stage, Random(7), kills=2)
    created = stage.platform.report()["created"]
    assert (created["flow"], created["base_connection"]) == (SOURCES, len(discover()))


@pytest.mark.reality
@pytest.mark.parametrize("seed", range(20, 24))
def test_all_connectors_on_worse_days(stage: Stage, seed: int) -> None:
    (stage.folder / "sources.yaml").write_text(manifest())
    stage.sources = SOURCES
    live_through(stage, Random(seed), kills=5, mischief=True)
