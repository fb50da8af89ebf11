"""A run without faults asks for nothing that it does not need: every request counted by the emulator, and explained."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.cli.conftest import Headway, Platform

ONCE = {"ims": {"POST": 1}, "sandbox-management": {"GET": 1}}
"""A token, and the look for the sandbox, for each call of the command."""


def manifest_of(folder: Path, chain: str, sources: int, base_connection: str) -> str:
    text = f"""\
version: 1
defaults:
  chain: {chain}
  connector: servicenow
  base_connection: {base_connection}
  columns: {{sys_id: string, caller_email: string, sys_updated_on: date-time}}
  delta_column: sys_updated_on
  mappings: {{sys_id: _id, caller_email: personalEmail.address}}
  schedule: {{frequency: hour, interval: 1}}
  target:
    class: https://ns.adobe.com/xdm/context/profile
    field_groups: [https://ns.adobe.com/xdm/context/profile-personal-details]
sources:
"""
    (folder / "many.yaml").write_text(text + "".join(f"  - {{name: s-{n}, table: incident}}\n" for n in range(sources)))
    return "many.yaml"


def needed(chain: str, sources: int) -> dict[str, dict[str, int]]:
    """What `sources` sources cost over a base connection that is there: each its own objects, the sandbox what all
    share. Every POST but the validation makes one object."""
    adhoc = chain == "adhoc"
    return {
        **ONCE,
        "schemaregistry": {
            "POST": sources * (3 if adhoc else 1),  # ad hoc class and schema, target schema
            "GET": 2,  # the fields of the target: its class, its field group
        },
        "catalog": {"POST": sources},
        "conversion": {"POST": sources + 1},  # mapping sets; those of one shape are validated once (contract 8.4)
        "flowservice": {
            "POST": sources * 3 + adhoc,  # source connection, target connection, flow; one way into the data lake
            "GET": 3 + adhoc,  # flow spec, base connection, table; a shared step looks before it creates (rule 7)
        },
    }


@pytest.mark.parametrize("chain", ["adhoc", "tabular"])
@pytest.mark.parametrize("sources", [1, 20])
def test_a_run_sends_what_it_needs_and_a_second_one_next_to_nothing(
    headway: Headway, platform: Platform, folder: Path, chain: str, sources: int
) -> None:
    manifest = manifest_of(folder, chain, sources, "60a5c8b9-3c30-43ba-a5c8-b93c3093ba66")

    assert headway("run", manifest).code == 0
    first = platform.report()["requests"]
    assert first == needed(chain, sources)
    assert headway("run", manifest).code == 0
    second = platform.report()["requests"]
    more = {family: Counter(second[family]) - Counter(first[family]) for family in second}
    assert {family: dict(methods) for family, methods in more.items() if methods} == ONCE


def test_more_sources_in_a_known_sandbox_look_only_at_the_table_and_what_is_behind_it(
    headway: Headway, platform: Platform, folder: Path
) -> None:
    base = "60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"
    assert headway("run", manifest_of(folder, "adhoc", 1, base)).code == 0
    assert headway("run", manifest_of(folder, "adhoc", 3, base)).code == 0
    assert platform.report()["requests"]["flowservice"] == {"GET": 2 + 2 * 2, "POST": 3 * 3 + 1}


def test_a_base_connection_that_sources_share_is_made_once(headway: Headway, platform: Platform, folder: Path) -> None:
    auth = 'auth: {endpoint: https://acme.service-now.com, username: u, password: "${env:SERVICENOW_PASSWORD}"}'
    assert headway("run", manifest_of(folder, "tabular", 5, f"{{name: ServiceNow, {auth}}}")).code == 0
    assert platform.report()["requests"]["flowservice"] == {"GET": 2 + 3, "POST": 5 * 3 + 1}
