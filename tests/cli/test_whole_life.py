"""Every request of a whole life, as it leaves, held against Adobe's OpenAPI files: its path, parameters and body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Headway, Platform, emulating
from tests.cli.relay import Relay, relaying
from tests.cli.test_changes import change, steps
from tests.onboarding.openapi import complaints, kinds

MANIFEST = """\
version: 1
defaults:
  connector: servicenow
  base_connection:
    auth: {endpoint: https://acme.service-now.com, username: integration, password: "${env:SERVICENOW_PASSWORD}"}
  columns: {sys_id: string, caller_name: string, caller_email: string, sys_updated_on: date-time}
  delta_column: sys_updated_on
  mappings: {sys_id: _id, caller_email: personalEmail.address}
  schedule: {frequency: hour, interval: 1}
  target:
    class: https://ns.adobe.com/xdm/context/profile
    field_groups: [https://ns.adobe.com/xdm/context/profile-personal-details]
sources:
  - name: adhoc
    table: incident
  - name: tabular
    chain: tabular
    table: incident
  - name: shared
    table: incident
    target: {schema: people, dataset: people}
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Flows have run once as soon as they are there."""
    settings = tmp_path_factory.mktemp("ahead") / "emulator.json"
    settings.write_text(json.dumps({"port": 0, "run_delay": -86_400.0, "run_length": 0.0}))
    with emulating("--config", str(settings)) as platform:
        yield platform


@pytest.fixture
def relay(platform: Platform, headway: Headway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:  # noqa: ARG001
    """What headway speaks to instead."""
    with relaying(platform.url) as relay:
        monkeypatch.setenv("AEP_BASE_URL", relay.url)
        yield relay


def test_every_request_of_a_whole_life_is_one_that_adobe_describes(
    headway: Headway, relay: Relay, folder: Path, hand: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = folder / "life.yaml"
    manifest.write_text(MANIFEST)

    def done(*arguments: str) -> None:
        ended = headway(*arguments)
        assert ended.code == 0, (arguments, ended)

    done("run", manifest.name, "--wait")
    done("status", "--flows")
    base = steps(headway, "adhoc")["base_connection"]["id"]
    done("explore", base)
    done("explore", base, "Account", "--write", "more.yaml")

    change(
        manifest,
        ("interval: 1", "interval: 2"),
        ("caller_email: personal", "caller_name: person.name.fullName, caller_email: personal"),
    )
    change(
        manifest,
        ("columns: {", "columns: {priority: integer, "),
        ("field_groups: [", "field_groups: [https://ns.adobe.com/xdm/context/profile-person-details, "),
    )
    monkeypatch.setenv("SERVICENOW_PASSWORD", "another")
    done("run", manifest.name, "--replace")  # the columns of a tabular source cannot be added to
    change(manifest, ("- name: adhoc", "- name: renamed\n    previously: adhoc"))
    done("run", manifest.name)

    done("pause", "renamed")
    done("unpause", "renamed")
    hand.delete(f"/flowservice/flows/{steps(headway, 'tabular')['flow']['id']}").raise_for_status()
    flow = steps(headway, "shared")["flow"]["id"]
    hand.post(f"/flowservice/flows/{flow}/action", params={"op": "DISABLE"}).raise_for_status()
    assert headway("drift", manifest.name).code == 2
    assert headway("plan", manifest.name, "--refresh", "--detailed-exitcode").code == 2
    done("run", manifest.name, "--refresh")
    done("drift", manifest.name)

    done("import", flow, "--write", "imported.yaml", "--store", "imported.db")
    done("recover", manifest.name, "--store", "recovered.db")
    done("run", manifest.name, "--store", "recovered.db")
    done("destroy", manifest.name, "--delete-data", "--yes", "--store", "recovered.db")

    found = {complaint for request in relay.requests for complaint in complaints(request)}
    assert sorted(found) == []
    assert kinds(relay.requests) >= {
        *("POST classes", "POST schemas", "POST connections", "POST sourceConnections", "POST targetConnections"),
        *("POST dataSets", "POST mappingSets", "POST validate", "POST flows", "POST action"),
        *("PATCH classes", "PATCH schemas", "PATCH connections", "PATCH sourceConnections", "PATCH targetConnections"),
        *("PATCH dataSets", "PATCH flows", "GET test", "GET explore", "GET flowSpecs", "GET runs"),
        *("DELETE classes", "DELETE schemas", "DELETE connections", "DELETE sourceConnections"),
        *("DELETE targetConnections", "DELETE dataSets", "DELETE flows"),
    }
