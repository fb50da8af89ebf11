"""`import`: chains that were built by hand become sources, all that they stand on adopted, nothing of it changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.builder import HOUR, Builder
from tests.cli.conftest import Headway, Platform

CASES = {"sys_id": "string", "email": "string", "sys_updated_on": "date-time"}


@pytest.fixture
def builder(platform: Platform) -> Iterator[Builder]:
    built = Builder(platform)
    yield built
    built.http.close()


def sources(path: Path) -> dict[str, Any]:
    return {source["name"]: source for source in yaml.safe_load(path.read_text())["sources"]}


def state(platform: Platform) -> Any:
    """All that is there, as it is, and what was ever asked for that changes something."""
    changing = {method: sum(all_.get(method, 0) for family, all_ in platform.report()["requests"].items()
                            if family != "ims") for method in ("POST", "PUT", "PATCH", "DELETE")}  # fmt: skip
    return platform.objects(), changing


def test_a_plan_of_what_is_all_there_says_that_it_is_adopted(
    headway: Headway, builder: Builder, manifest: Path
) -> None:
    """Nothing would be created; and a dataset brings its schema, in the words of people."""
    made = builder.adhoc("old")
    manifest.with_name("built.yaml").write_text(headway("import", made["flow"]).out)
    plan = headway("plan", "built.yaml", "--detailed-exitcode", "-o", "built.plan")
    assert (plan.code, plan.out.splitlines()[-2]) == (2, "1 to adopt.   Nothing has been sent.")
    assert plan.out.startswith("= old ")
    assert f"target schema of dataset {made['dataset']} (adopted), dataset {made['dataset']} (adopted)" in plan.out
    [line, summary] = headway("plan", "built.yaml", "--json").lines
    assert (line["action"], summary["adopt"], summary["create"]) == ("adopt", 1, 0)
    assert headway("run", "built.plan").code == 0
    headway("run", manifest.name, "--only", "acme-contacts")
    moved = manifest.read_text().replace("{schema: acme-people}", f'{{dataset: "{made["dataset"]}"}}')
    manifest.write_text(moved)
    assert headway("run", manifest.name, "--only", "acme-contacts", "--replace").code == 0
    manifest.write_text(moved.replace(made["dataset"], builder.ends("other")["dataset"]))
    assert f"target schema: of dataset {made['dataset']} → of dataset " in headway("plan", manifest.name).out


def test_chains_of_both_kinds_are_adopted_and_there_is_nothing_left_to_do(
    headway: Headway, platform: Platform, builder: Builder, folder: Path
) -> None:
    old, new = builder.adhoc("Old accounts!"), builder.tabular("cases", schedule={"frequency": "once"})
    before = state(platform)
    ended = headway("import", old["flow"], new["flow"], "--write", "s.yaml")
    assert (ended.code, ended.err.count("\n")) == (0, 1), ended
    assert "2 sources added to s.yaml" in ended.out
    said = sources(folder / "s.yaml")
    assert said["Old-accounts"] == {
        "name": "Old-accounts", "connector": "servicenow", "chain": "adhoc", "base_connection": old["base"],
        "table": "Account", "delta_column": "updatedAt", "mappings": {"Id": "person.name.fullName"},
        "columns": {
            "Id": "string",
            "updatedAt": {"type": "date-time", "format": "yyyy-MM-dd'T'HH:mm:ss", "timezone": "CET"},
        },
        "schedule": {**HOUR, "start": said["Old-accounts"]["schedule"]["start"]},
        "target": {"dataset": old["dataset"]},
        "existing": {
            "adhoc_class": old["class"], "adhoc_schema": old["ad_hoc"], "source_connection": old["source"],
            "dataset_base_connection": old["lake"], "target_connection": old["target"],
            "mapping_set": old["mapping"], "flow": old["flow"],
        },
    }  # fmt: skip
    assert said["cases"]["columns"] == CASES
    assert (said["cases"]["chain"], said["cases"]["schedule"]["frequency"]) == ("tabular", "once")
    assert said["cases"]["mappings"] == {"sys_id": "_id"}
    assert "   # 1 of 2 rows cannot be said here" in (folder / "s.yaml").read_text()
    plan = headway("plan", "s.yaml", "--detailed-exitcode")
    assert (plan.code, plan.out.splitlines()[-1]) == (0, "2 unchanged.   Nothing has been sent.")
    assert headway("run", "s.yaml").out.startswith("2 sources: 2 done")
    assert headway("drift", "s.yaml").out.startswith("2 sources compared, no drift.")
    steps = {step["name"]: step for line in headway("status", "--json").lines for step in line["steps"]}
    assert {step["origin"] for step in steps.values()} == {"adopted", None}
    assert [name for name, step in steps.items() if step["shared"]] == ["flow_spec"]
    assert "the flow was adopted" in headway("pause", "cases").err
    assert "cases" in headway("export", "cases").out
    ended = headway("destroy", "s.yaml", "--yes", "--delete-data")
    assert ended.code == 0
    assert "Let go, not deleted, as it was adopted: " in ended.out
    assert "2 flows" in ended.out
    assert state(platform) == before


MIXED = """\
version: 1
# ours
defaults:
  connector: servicenow
  chain: adhoc
  base_connection: 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66
  schedule: {frequency: hour, interval: 1, spread: 1h}
  delta_column: sys_updated_on
  target:
    class: https://ns.adobe.com/xdm/context/profile
    field_groups: [https://ns.adobe.com/xdm/context/profile-personal-details]
    schema: people
sources:
  - name: cases
    table: case
    columns: {sys_id: string, email: string, sys_updated_on: date-time}
    mappings: {sys_id: _id, email: personalEmail.address}

# the end
"""


def test_beside_sources_of_our_own_each_keeps_to_itself(
    headway: Headway, platform: Platform, builder: Builder, folder: Path
) -> None:
    theirs = builder.adhoc("cases", schedule={"frequency": "day", "interval": 1})
    once = builder.tabular("once", schedule={"frequency": "once"})
    untouched = {id: platform.objects()[id] for made in (theirs, once) for id in made.values()}
    (folder / "s.yaml").write_text(MIXED)
    assert headway("run", "s.yaml").code == 0
    made = platform.report()["created"]
    imported = headway("import", theirs["flow"], once["flow"], "--write", "s.yaml")
    assert imported.out.splitlines()[-1].startswith("2 sources: 2 done")
    assert platform.report()["created"] == made
    text = (folder / "s.yaml").read_text()
    assert text.startswith(MIXED.removesuffix("\n# the end\n"))
    assert text.endswith("\n# the end\n")
    assert list(sources(folder / "s.yaml")) == ["cases", "cases-2", "once"]
    assert headway("plan", "s.yaml", "--detailed-exitcode").code == 0
    (folder / "s.yaml").write_text(text.replace("frequency: day", "frequency: week"))
    assert headway("plan", "s.yaml", "--detailed-exitcode").out.splitlines()[-1].startswith("3 unchanged")
    assert headway("destroy", "s.yaml", "--yes", "--delete-data").code == 0
    assert untouched.items() <= platform.objects().items()
    assert platform.report()["live"]["flow"] == 2


def test_what_cannot_be_taken_is_told_at_once_and_nothing_is_written(
    headway: Headway, builder: Builder, folder: Path
) -> None:
    here = builder.tabular("here")
    assert headway("import", here["flow"], "--write", "s.yaml").code == 0
    before = (folder / "s.yaml").read_text()
    (folder / "own.yaml").write_text(MIXED)
    assert headway("run", "own.yaml").code == 0
    runs = {
        line["source"]: {step["name"]: step["id"] for step in line["steps"]}
        for line in headway("status", "--json").lines
    }
    draft = builder.tabular("draft", query="?mode=draft")
    fine = builder.tabular("fine")
    nobody = here["flow"][:-4] + "0000"
    ended = headway(
        "import", here["flow"], runs["cases"]["flow"], draft["flow"], fine["flow"], nobody, "--write", "s.yaml"
    )
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.splitlines() == [
        f"flow {here['flow']}: is the flow of here in the journal headway.db already",
        f"flow {runs['cases']['flow']}: is the flow of cases in the journal headway.db already",
        f"flow {draft['flow']}: it is a draft. Publish it first.",
        f"flow {nobody}: there is no flow {nobody} in this sandbox. Look at the id, and at AEP_SANDBOX_NAME.",
        "Nothing was written, nothing was adopted",
    ]
    assert (folder / "s.yaml").read_text() == before
    other = headway("import", here["flow"], "--write", "s.yaml", "--store", "other.db")
    again = "in s.yaml already: `headway run s.yaml --store other.db` adopts it"
    assert f"flow {here['flow']}: is the flow of here {again}" in other.err
    ours = headway("import", runs["cases"]["flow"], fine["flow"], "--store", "other.db")
    assert (ours.code, ours.err.count("was made by headway")) == (0, 1)
    assert (
        f"flow {runs['cases']['flow']} was made by headway: with the manifest that made it, `headway recover`"
        in ours.err
    )


def test_without_a_file_a_manifest_is_printed_that_can_be_run(
    headway: Headway, platform: Platform, builder: Builder, folder: Path
) -> None:
    made = builder.adhoc("accounts")
    (folder / "s.yaml").write_text(headway("import", made["flow"]).out)
    (folder / "s.jsonl").write_text(headway("import", made["flow"], "--json").out)
    assert headway("status", "--json").lines == []
    plan = headway("plan", "s.yaml", "--detailed-exitcode")
    assert plan.code == 2
    assert f"flow {made['flow']} (adopted)" in plan.out
    before = state(platform)
    assert headway("run", "s.yaml").code == 0
    assert headway("plan", "s.jsonl", "--detailed-exitcode").code == 0
    assert state(platform) == before
    Path("headway.db").unlink()
    assert headway("recover", "s.yaml").out.startswith("1 source: 1 found whole")
    assert state(platform) == before


def test_an_adopted_source_can_be_renamed_though_no_object_bears_its_name(
    headway: Headway, platform: Platform, builder: Builder, folder: Path
) -> None:
    headway("import", builder.tabular("cases")["flow"], "--write", "s.yaml")
    before = state(platform)
    text = (folder / "s.yaml").read_text().replace("- name: cases\n", "- name: emea\n    previously: cases\n")
    (folder / "s.yaml").write_text(text)
    assert "cases is called emea from now on" in headway("run", "s.yaml").err
    assert [line["source"] for line in headway("status", "--json").lines] == ["emea"]
    assert "from now on" not in headway("run", "s.yaml").err
    (folder / "s.yaml").write_text(text.replace("    previously: cases\n", ""))
    assert headway("plan", "s.yaml", "--detailed-exitcode").code == 0
    assert state(platform) == before


def test_an_object_that_is_gone_is_told_before_anything_is_adopted(
    headway: Headway, builder: Builder, folder: Path
) -> None:
    made = builder.tabular("cases")
    (folder / "s.yaml").write_text(headway("import", made["flow"]).out.replace(made["mapping"], "0" * 32))
    ended = headway("run", "s.yaml")
    assert ended.code == 1
    assert f"mapping_set: there is no mapping set {'0' * 32} in this sandbox" in ended.out


def test_a_manifest_with_mistakes_gets_no_sources(headway: Headway, builder: Builder, folder: Path) -> None:
    made = builder.tabular("cases")
    (folder / "s.yaml").write_text(MIXED.replace("table:", "tabel:"))
    ended = headway("import", made["flow"], "--write", "s.yaml")
    assert ended.code == 64
    assert 'unknown key "tabel"' in ended.err
    assert "existing" not in (folder / "s.yaml").read_text()


def test_events_of_adopting_are_json_lines(headway: Headway, builder: Builder) -> None:
    lines = headway("import", builder.tabular("cases")["flow"], "--write", "s.json", "--json").lines
    steps = {line["step"]: line["origin"] for line in lines if line["event"] == "step_done"}
    del steps["flow_spec"]  # which only reads
    assert set(steps.values()) == {"adopted"}
    assert (lines[-1]["event"], lines[-1]["done"]) == ("summary", 1)
    assert headway("plan", "s.json", "--detailed-exitcode").code == 0


def test_what_the_manifest_says_otherwise_of_what_was_adopted_is_told(
    headway: Headway, platform: Platform, builder: Builder, folder: Path
) -> None:
    """It stays somebody else's; nobody shall think that it was changed."""
    headway("import", builder.adhoc("Accounts")["flow"], "--write", "s.yaml")
    written = (folder / "s.yaml").read_text()
    before = state(platform)
    for old, new, said in (
        ("interval: 1", "interval: 2", "flow interval 1 → 2;"),
        ("frequency: hour", "frequency: day", "flow frequency hour → day;"),
        ("table: Account", "table: AccountChangeEvent", "source connection params.path Account → AccountChangeEvent;"),
        ("delta_column: updatedAt", "delta_column: Id", "flow Copy.deltaColumn.dateFormat "),
        ("Id: person.name.fullName", "Id: personID", "mapping set mappings.person.name.fullName Id → none"),
    ):
        assert old in written
        (folder / "s.yaml").write_text(written.replace(old, new))
        plan = headway("plan", "s.yaml", "--detailed-exitcode")
        assert plan.code == 0
        assert f"unchanged; adopted, not changed from here: {said}" in plan.out
        assert "change it where it was made" in plan.out
        ended = headway("run", "s.yaml")
        assert (ended.code, "adopted, not changed from here: " in ended.err) == (0, True)
        assert "adopted, not changed from here: " in headway("plan", "s.yaml").out
    assert state(platform) == before
    [line, _] = headway("plan", "s.yaml", "--json").lines
    assert [(one["step"], [field["path"] for field in one["fields"]]) for one in line["spared"]] == [
        ("mapping_set", ["mappings.person.name.fullName", "mappings.personID"])
    ]
    (folder / "s.yaml").write_text(written)
    assert "adopted" not in headway("plan", "s.yaml").out
