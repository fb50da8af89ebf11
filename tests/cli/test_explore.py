"""`explore`: what is behind a base connection, and sources from it, added to what people wrote."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from tests.cli.conftest import Headway, Platform
from workflows.sources import discover

BASE = "60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"


def added_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """What was added, and what was taken away or changed."""
    changes = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    return [line[2:] for line in changes if line[0] == "+"], [line for line in changes if line[0] == "-"]


@pytest.mark.parametrize("where", [BASE, "servicenow"])
def test_tables_are_listed_by_their_path(headway: Headway, where: str) -> None:
    ended = headway("explore", where)
    assert ended.code == 0
    assert ended.out.startswith(f"ServiceNow   base connection {BASE}   ")
    assert "  AccountChangeEvent           Account Change Event" in ended.out.splitlines()
    assert {"table": "AccountChangeEvent", "name": "Account Change Event"} in headway("explore", where, "--json").lines


def test_columns_come_with_what_they_may_mean(headway: Headway, platform: Platform) -> None:
    ended = headway("explore", BASE, "incident", "sys_user")
    assert ended.out.splitlines()[:6] == [
        "incident   5 columns",
        "  sys_id           string      → _id",
        "  caller_name      string      → person.name.fullName",
        "  caller_email     string      → personalEmail.address",
        "  priority         integer",
        "  sys_updated_on   date-time   delta column",
    ]
    lines = headway("explore", BASE, "incident", "--json").lines
    assert lines[0] == {
        "table": "incident", "column": "sys_id", "type": "string", "mapping": "_id", "delta_column": False,
    }  # fmt: skip
    assert (lines[-1]["mapping"], lines[-1]["delta_column"]) == (None, True)
    assert platform.report()["created"] == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("servicenaw",), "there is no connector 'servicenaw'; did you mean 'servicenow'?"),
        (("salesforce",), "there is no connector 'salesforce'; did you mean 'salesforce-service-cloud'?"),
        (
            ("hubspot",),
            "Name one of oracle-service-cloud, salesforce-service-cloud, servicenow, zendesk, or a base con",
        ),
        (("oracle-service-cloud",), "there is no base connection to Oracle Service Cloud in this sandbox"),
        ((BASE.replace("66", "77"),), f"there is no base connection {BASE.replace('66', '77')} in this sandbox"),
        ((BASE, "incidnt", "nothing"), "there is no table 'incidnt'; did you mean 'incident'?"),
        ((BASE, "incident", "--write", "sources.csv"), "sources are added to YAML and JSON files"),
    ],
)
def test_what_is_not_there_is_told(headway: Headway, folder: Path, arguments: tuple[str, ...], says: str) -> None:
    ended = headway("explore", *arguments)
    assert (ended.code, ended.out) == (64, "")
    assert says in ended.err
    assert list(folder.iterdir()) == []


def test_a_word_that_is_neither_connector_nor_id_is_not_sent(offline: Headway) -> None:
    """Not even credentials are asked for."""
    ended = offline("explore", "salesforce")
    assert (ended.code, "did you mean 'salesforce-service-cloud'?" in ended.err) == (64, True)


def test_a_manifest_that_is_not_utf_8_is_refused_and_stays_as_it_is(headway: Headway, folder: Path) -> None:
    (folder / "sources.yaml").write_bytes(b"version: 1\n# caf\xe9\nsources: []\n")
    ended = headway("explore", BASE, "incident", "--write", "sources.yaml")
    assert (ended.code, ended.err) == (64, "sources.yaml: not UTF-8 text at byte 16\nSave it as UTF-8\n")
    assert b"caf\xe9" in (folder / "sources.yaml").read_bytes()


def test_several_base_connections_are_named(headway: Headway, own: Path) -> None:
    assert headway("run", own.name).code == 0
    ended = headway("explore", "servicenow")
    assert ended.code == 64
    assert "there are 2 base connections to ServiceNow:" in ended.err
    assert BASE in ended.err


def test_bad_credentials_are_told_as_such(headway: Headway, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICENOW_PASSWORD", "wrong")
    assert headway("run", own.name).code == 1
    (id,) = [step["id"] for step in headway("status", "--json").lines[0]["steps"] if step["name"] == "base_connection"]
    ended = headway("explore", id)
    assert ended.code == 64
    assert "refuses it, or cannot be reached" in ended.err
    assert "Look at the credentials and the address" in ended.err


def test_sources_are_added_with_everything_else_as_it_was(headway: Headway, platform: Platform, manifest: Path) -> None:
    before = manifest.read_text()
    ended = headway("explore", BASE, "incident", "Organization", "sys_user", "--write", manifest.name)
    assert ended.code == 0
    assert "incident is in sources.yaml already" in ended.out
    assert "2 sources added to sources.yaml" in ended.out
    added, gone = added_lines(before, manifest.read_text())
    assert gone == []
    assert added[:2] == ["  - name: Organization", "    table: Organization"]
    assert "    delta_column: updatedAt" in added
    assert "      email: personalEmail.address" in added
    ended = headway("run", manifest.name)
    assert (ended.code, ended.out.partition("   ")[0]) == (0, "5 sources: 5 done")
    assert platform.report()["created"]["flow"] == 5
    again = manifest.read_text()
    assert headway("explore", BASE, "sys_user", "--write", manifest.name).out.endswith(
        "0 sources added to sources.yaml\n"
    )
    assert manifest.read_text() == again


@pytest.mark.parametrize("name", ["new.yaml", "new.yml"])
def test_a_manifest_that_is_not_there_yet_is_written_and_works(headway: Headway, folder: Path, name: str) -> None:
    assert headway("explore", BASE, "customer_contact", "--write", name).code == 0
    assert headway("run", name).out.startswith("1 source: 1 done")
    assert (folder / name).stat().st_mode & 0o777 == 0o644


def test_all_tables_are_not_looked_at_at_once(headway: Headway, platform: Platform) -> None:
    platform.faults(
        concurrency=[["flowservice", 8]], latency=0.1
    )  # beyond that 500, as the platform may say "too many"
    ended = headway("explore", BASE, "--write", "sources.yaml")
    assert ended.code == 0
    assert "12 sources added to sources.yaml" in ended.out
    assert "concurrency" not in platform.report()["faults"]


def test_a_name_that_is_taken_is_not_given_twice(headway: Headway, folder: Path) -> None:
    assert headway("explore", BASE, "case", "--write", "s.yaml").code == 0
    text = (folder / "s.yaml").read_text()
    (folder / "s.yaml").write_text(text.replace("table: case", "table: problem"))
    assert headway("explore", BASE, "case", "--write", "s.yaml").out.startswith("case-2   ")


def test_a_rest_source_is_explored_and_added_as_it_is(headway: Headway, platform: Platform, folder: Path) -> None:
    (folder / "z.yaml").write_text("""\
version: 1
defaults: {chain: adhoc, connector: servicenow}
sources:
  - name: zen
    connector: zendesk
    chain: tabular
    base_connection: {auth: {subdomain: "https://acme.zendesk.com", accessToken: "${env:SERVICENOW_PASSWORD}"}}
    table: json
    columns: {result.id: integer, result.email: string}
    mappings: {result.email: personalEmail.address}
    schedule: {frequency: day, interval: 1}
    target:
      class: https://ns.adobe.com/xdm/context/profile
      field_groups: [https://ns.adobe.com/xdm/context/profile-personal-details]
""")
    assert headway("run", "z.yaml").code == 0
    assert headway("explore", "zendesk").out.startswith("Zendesk   base connection ")
    columns = {line["column"]: line for line in headway("explore", "zendesk", "json", "--json").lines}
    assert columns["result.email"]["mapping"] == "personalEmail.address"
    assert not any(line["delta_column"] for line in columns.values())
    assert headway("explore", "zendesk", "--write", "more.yaml").code == 0
    assert headway("run", "more.yaml").out.startswith("1 source: 1 done")
    assert platform.report()["mistakes"]["count"] == 0


def test_each_connector_can_be_named(headway: Headway) -> None:
    for key, source in discover().items():
        ended = headway("explore", key)
        assert source.title in ended.out + ended.err
