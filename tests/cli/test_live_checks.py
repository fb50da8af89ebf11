"""What a manifest says is held against live tables and real fields, before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Headway, Platform

BASE = "60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"
SCHEMA = "https://ns.adobe.com/headway/schemas/0a0a"

MISTAKES = {
    "a column that the table has not": (
        [("      caller_name: string", "      caler_name: string"), ("caller_name: person", "caler_name: person")],
        'sources.yaml:34:7  column "caler_name" is not in the table incident; did you mean "caller_name"?',
    ),
    "a column like no other": (
        [("priority: integer", "urgent: integer")],
        'sources.yaml:36:7  column "urgent" is not in the table incident, which has sys_id, caller_name, caller_email',
    ),
    "a column of another type": (
        [("priority: integer", "priority: boolean")],
        'sources.yaml:36:7  column "priority" is boolean here, but integer in the table incident',
    ),
    "a table that there is not": (
        [("table: customer_contact", "table: customer_contacts")],
        'sources.yaml:46:5  there is no table "customer_contacts"; did you mean "customer_contact"?',
    ),
    "a field that the target has not": (
        [("caller_email: personalEmail.address", "caller_email: personalEmail.adress")],
        'no field "personalEmail.adress" in the target schema; did you mean "personalEmail.address"?',
    ),
    "a field that is an object": (
        [("caller_name: person.name.fullName", "caller_name: person.name")],
        'sources.yaml:41:7  "person.name" is an object, and takes no column; it has person.name.firstName, ',
    ),
    "a field of another type": (
        [("sys_id: _id\n      caller_name", "sys_id: person.birthYear\n      caller_name")],
        'sources.yaml:40:7  column "sys_id" is string, but "person.birthYear" takes integer',
    ),
    "a field of a schema that is there": (
        [("schema: acme-people", f"schema: {SCHEMA}")],
        f"sources.yaml:49:14  there is no schema {SCHEMA} in this sandbox; look at the id in the manifest",
    ),
    "no such base connection": (
        [(BASE, BASE.replace("66", "77"))],
        f"sources.yaml:8:3  there is no base connection {BASE.replace('66', '77')} in this sandbox",
    ),
    "a base connection of another connector": (
        [("connector: servicenow", "connector: oracle-service-cloud")],
        f"sources.yaml:8:3  base connection {BASE} is one of ServiceNow, not of Oracle Service Cloud",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_does_not_fit_is_told_with_its_place_before_anything_is_sent(
    headway: Headway, platform: Platform, manifest: Path, mistake: str
) -> None:
    changes, says = MISTAKES[mistake]
    text = manifest.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    manifest.write_text(text)
    ended = headway("run", manifest.name)
    assert says in ended.err
    assert "1 mistake, nothing was sent." in ended.err
    assert (ended.code, ended.out, platform.report()["created"]) == (64, "", {})


def test_all_mistakes_are_told_at_once_and_one_of_the_defaults_once(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    text = manifest.read_text().replace("caller_name: person.name.fullName", "caller_name: person")
    manifest.write_text(text.replace(BASE, BASE.replace("66", "77")).replace("interval: 30", "interval: 10080000"))
    ended = headway("run", manifest.name)
    assert ended.err.splitlines()[-1] == "2 mistakes, nothing was sent."
    assert ended.err.count("sources.yaml:8:3") == 1
    assert (ended.code, platform.report()["created"]) == (64, {})


def test_each_table_and_each_target_is_looked_at_once(headway: Headway, platform: Platform, manifest: Path) -> None:
    assert headway("run", manifest.name, "--quiet").code == 0
    few = platform.report()["requests"]
    platform.ask("reset", {})
    head, _, tail = manifest.read_text().partition("  - name: acme-contacts")
    source = head.partition("sources:\n")[2].partition("\n\n")[2]
    more = "".join(source.replace("acme-incidents", f"more-{number}") for number in range(8))
    manifest.write_text(head + more + "  - name: acme-contacts" + tail)
    assert headway("run", manifest.name, "--quiet", "--store", "more.db").code == 0
    many = platform.report()["requests"]
    assert (many["flowservice"]["GET"], many["schemaregistry"]["GET"]) == (
        few["flowservice"]["GET"], few["schemaregistry"]["GET"],
    )  # fmt: skip


def test_where_the_platform_does_not_show_tables_the_run_goes_on(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    platform.faults("kind=status,status=404,method=GET,service=flowservice,path=/explore")
    ended = headway("run", manifest.name)
    assert (ended.code, platform.report()["created"]["flow"]) == (0, 3)
    assert "3 tables could not be looked at beforehand; the steps will tell" in ended.err


# --- base connections that are made -----------------------------------------------------------------------------------


def test_a_base_connection_that_does_not_work_stops_its_sources_and_says_why(
    headway: Headway, platform: Platform, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICENOW_PASSWORD", "wrong")
    ended = headway("run", own.name)
    assert ended.code == 1
    assert "refuses it, or cannot be reached" in ended.out
    assert "Look at the credentials and the address" in headway("why", "own-cases").out
    created = platform.report()["created"]
    assert created["base_connection"] == 1
    assert "source_connection" not in created
    assert "flow" not in created
    monkeypatch.setenv("SERVICENOW_PASSWORD", "right")
    assert headway("run", own.name).code == 0  # they are sent before the connection is tested again
    assert platform.report()["live"]["base_connection"] == 1


def test_sources_that_describe_one_base_connection_share_it(headway: Headway, platform: Platform, own: Path) -> None:
    text = own.read_text().replace("      name: ServiceNow\n", "")
    own.write_text(text + text.partition("sources:\n")[2].replace("own-cases", "more-cases"))
    assert headway("run", own.name).code == 0
    assert platform.report()["created"]["base_connection"] == 1
    ids = {step["id"] for run in headway("status", "--json").lines for step in run["steps"] if step["shared"]}
    assert len([1 for entry in platform.objects().values() if entry["id"] in ids]) >= 1


def test_what_is_adopted_is_neither_changed_nor_needed_again(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    assert headway("run", manifest.name, "--only", "acme-accounts").code == 0
    made = {entry["kind"]: id for id, entry in platform.objects().items() if "accounts" in entry["name"]}
    schema = next(
        id
        for id, entry in platform.objects().items()
        if "target schema" in entry["name"] and "accounts" in entry["name"]
    )
    before = {id: platform.objects()[id]["etag"] for id in (schema, made["dataset"])}
    text = manifest.read_text().replace("target: {schema: acme-people}", f"target: {{dataset: {made['dataset']}}}")
    manifest.write_text(text)
    assert headway("run", manifest.name, "--only", "acme-contacts").code == 0
    (run,) = [run for run in headway("status", "--json").lines if run["source"] == "acme-contacts"]
    adopted = {step["name"]: step["id"] for step in run["steps"] if step["origin"] == "adopted"}
    assert adopted == {"target_schema": schema, "dataset": made["dataset"]}
    assert {id: platform.objects()[id]["etag"] for id in before} == before
    other = next(id for id in platform.objects() if "/schemas/" in id and id != schema)
    text = text.replace("acme-contacts", "more-contacts").replace("{dataset:", f"{{schema: {other}, dataset:")
    manifest.write_text(text)
    ended = headway("run", manifest.name, "--only", "more-contacts")
    assert f"dataset {made['dataset']} is on the schema {schema}; leave schema out, or name that one" in ended.err
    assert ended.code == 64


def test_what_changed_of_a_finished_source_is_checked_before_anything_is_taken_down(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    headway("run", manifest.name)
    before = {id for id, entry in platform.objects().items() if entry["live"]}
    manifest.write_text(manifest.read_text().replace("table: Account", "table: problem"))
    ended = headway("run", manifest.name, "--replace")
    assert (ended.code, 'column "Phone" is not in the table problem' in ended.err) == (64, True)
    assert {id for id, entry in platform.objects().items() if entry["live"]} == before
