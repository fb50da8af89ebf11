"""`destroy`: what was made goes, in safe order; what is adopted, shared or holds data stays, and is named."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Headway, Platform
from tests.cli.test_refresh import delete, schema, steps

BASE = "60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"


def live(platform: Platform) -> dict[str, int]:
    """How many objects of ours there are, by kind."""
    return {kind: count for kind, count in platform.report()["live"].items() if count}


def ids(headway: Headway, step: str) -> dict[str, str | None]:
    """The id that each source has for a step."""
    return {
        run["source"]: next(s["id"] for s in run["steps"] if s["name"] == step)
        for run in headway("status", "--json").lines
    }


def clean(platform: Platform) -> bool:
    """Whether nothing is there twice, and every request was right."""
    report = platform.report()
    return not (report["duplicates"]["count"] or report["mistakes"]["count"])


def test_nothing_is_deleted_without_a_yes(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    before = live(platform)
    ended = headway("destroy", manifest.name)
    assert ended.code == 3
    assert "destroy 3 sources, in dev (a development sandbox): continue?" in ended.err
    assert live(platform) == before


def test_data_stays_and_is_taken_up_again(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    datasets = ids(headway, "dataset")
    ended = headway("destroy", manifest.name, "--yes")
    assert ended.code == 0
    assert ended.out.startswith("3 sources: 3 destroyed")
    assert "Left behind: 3 mapping sets (the platform cannot delete them)" in ended.out
    assert "3 datasets" in ended.out
    assert live(platform) == {"dataset": 3, "mapping_set": 3, "schema": 3}
    assert {run["state"] for run in headway("status", "--json").lines} == {"destroyed"}
    assert headway("run", manifest.name).code == 0
    assert ids(headway, "dataset") == datasets
    assert live(platform)["flow"] == 3
    assert live(platform)["dataset"] == 3
    assert clean(platform)


def test_data_goes_when_asked_for_also_later(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    headway("destroy", manifest.name, "--yes")
    assert headway("destroy", manifest.name, "--yes", "--delete-data").code == 0
    assert live(platform) == {"mapping_set": 3}
    assert headway("run", manifest.name).code == 0
    assert headway("destroy", manifest.name, "--yes", "--delete-data", "--quiet").code == 0
    assert live(platform) == {"mapping_set": 6}
    assert clean(platform)


def test_what_cannot_be_deleted_is_named_also_when_the_data_goes_later(
    headway: Headway, platform: Platform, own: Path
) -> None:
    headway("run", own.name)
    headway("destroy", own.name, "--yes")
    for _ in range(2):
        ended = headway("destroy", own.name, "--delete-data", "--yes")
        assert ended.out.count("Left behind: 1 mapping set (the platform cannot delete them)") == 1
        assert "they hold data" not in ended.out
        assert live(platform) == {"mapping_set": 1}


def test_what_others_share_stays_until_the_last_of_them_goes(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    headway("run", manifest.name)
    headway("destroy", manifest.name, "--yes", "--delete-data", "--only", "acme-accounts")
    assert live(platform) == {
        "class": 2, "schema": 4, "dataset": 2, "dataset_base_connection": 1,
        "source_connection": 2, "target_connection": 2, "flow": 2, "mapping_set": 3,
    }  # fmt: skip
    headway("destroy", manifest.name, "--yes", "--delete-data")
    assert live(platform) == {"mapping_set": 3}


def test_what_was_adopted_is_not_touched(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name, "--only", "acme-accounts")
    schema, dataset = ids(headway, "target_schema")["acme-accounts"], ids(headway, "dataset")["acme-accounts"]
    text = manifest.read_text().replace("{schema: acme-people}", f'{{schema: "{schema}", dataset: "{dataset}"}}')
    Path("mine.yaml").write_text(text)
    headway("run", "mine.yaml", "--only", "acme-contacts", "--store", "mine.db")
    only = ("--only", "acme-contacts", "--store", "mine.db", "--max-attempts", "3")
    ended = headway("destroy", "mine.yaml", *only, "--yes", "--delete-data")
    assert ended.code == 0
    assert "Left behind: dataset base connection data-lake: " in ended.out
    objects = platform.objects()
    assert objects[schema]["live"]
    assert objects[dataset]["live"]
    assert objects[BASE]["live"]
    assert live(platform)["flow"] == 1


def test_a_shared_connection_that_others_use_is_named_once_and_while_it_is_tried(
    headway: Headway, manifest: Path
) -> None:
    """It holds no data, and `--replace` has just been tried."""
    headway("run", manifest.name, "--only", "acme-accounts")
    mine = ("--only", "acme-contacts", "--store", "mine.db")
    headway("run", manifest.name, *mine)
    manifest.write_text(manifest.read_text().replace("chain: adhoc", "chain: tabular"))
    ended = headway("run", manifest.name, *mine, "--replace", "--max-attempts", "2")
    assert ended.code == 0
    assert ended.out.count("Left behind: ") == 1
    assert "Left behind: dataset base connection data-lake: " in ended.out
    assert "waiting  dataset base connection data-lake: " in ended.err
    assert "left alone" not in ended.err


def test_data_of_a_schema_that_was_adopted_is_taken_up_again(
    headway: Headway, platform: Platform, hand: httpx.Client, manifest: Path
) -> None:
    manifest.write_text(manifest.read_text().replace("{schema: acme-people}", f'{{schema: "{schema(hand)}"}}'))
    only = ("--only", "acme-contacts")
    headway("run", manifest.name, *only)
    headway("destroy", manifest.name, "--yes", *only)
    planned = headway("plan", manifest.name, *only)
    assert planned.out.endswith("1 to create.   Nothing has been sent.\n"), planned.out
    assert headway("run", manifest.name, *only).code == 0
    assert headway("plan", manifest.name, "--detailed-exitcode", *only).code == 0
    assert live(platform)["dataset"] == 1
    assert clean(platform)


def test_what_was_removed_from_the_manifest_is_taken_down(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    text = manifest.read_text()
    manifest.write_text(text[: text.index("  - name: acme-contacts")])
    ended = headway("destroy", manifest.name, "--removed", "--yes", "--delete-data")
    assert (ended.code, ended.out.splitlines()[0][:23]) == (0, "1 source: 1 destroyed  ")
    assert live(platform)["flow"] == 2
    again = headway("destroy", manifest.name, "--removed", "--yes")
    assert (again.code, again.out[:37]) == (0, "0 sources: 0 destroyed, nothing to do")


def test_a_delete_that_is_answered_not_found_is_believed_only_if_it_is_so(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    headway("run", manifest.name, "--only", "acme-accounts")
    platform.faults("kind=status,status=404,method=DELETE,path=/flows/,times=2")
    assert headway("destroy", manifest.name, "--only", "acme-accounts", "--yes").code == 0
    assert "flow" not in live(platform)
    assert clean(platform)


def test_what_is_gone_is_found_to_be_with_the_only_permit_that_there_is(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    delete(hand, "flowservice/flows", steps(headway, "acme-accounts")["flow"]["id"])
    assert headway("destroy", manifest.name, "--yes", "--concurrency", "1").code == 0
    assert clean(platform)


def test_an_empty_journal_knows_nothing_to_destroy(headway: Headway, platform: Platform, manifest: Path) -> None:
    ended = headway("destroy", manifest.name, "--yes")
    assert ended.code == 64
    assert "headway recover sources.yaml" in ended.err
    assert platform.posts() == 0
    removed = headway("destroy", manifest.name, "--removed", "--yes")
    assert (removed.code, "a manifest that still names what was removed" in removed.err) == (64, True)


@pytest.mark.parametrize("data", [["--delete-data"], []])
def test_what_a_lost_journal_left_behind_is_no_riddle(
    headway: Headway, platform: Platform, manifest: Path, data: list[str]
) -> None:
    only = ["--only", "acme-contacts"]  # its schema is shared, so nothing with a title stays with its data
    assert headway("run", manifest.name, *only).code == 0
    assert headway("destroy", manifest.name, *only, *data, "--yes").code == 0
    Path("headway.db").unlink()
    assert headway("run", manifest.name, *only).code == 0
    made = {step["name"]: step["id"] for step in headway("status", "--json").lines[0]["steps"]}
    Path("headway.db").unlink()
    assert headway("run", manifest.name, *only).code == 0
    assert {step["name"]: step["id"] for step in headway("status", "--json").lines[0]["steps"]} == made
    kinds = Counter(one["kind"] for one in platform.objects().values() if one["live"])
    assert (kinds["dataset"], kinds["flow"], kinds["source_connection"]) == (1, 1, 1), kinds


def test_what_no_source_shares_any_more_is_named_and_goes(
    headway: Headway, platform: Platform, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICENOW_PASSWORD", "hunter2")
    headway("run", own.name)
    own.write_text(own.read_text().replace("name: ServiceNow\n", "name: ServiceNow anew\n"))
    [before] = [
        step["id"] for step in headway("status", "--json").lines[0]["steps"] if step["name"] == "base_connection"
    ]
    planned = headway("plan", own.name).out
    let_go = "is let go, and goes once no source shares it"
    assert f"base connection (shared) is created, {before} {let_go}" in planned
    assert f"source connection: baseConnectionId {before} → (new) [replaced]" in planned
    platform.faults("kind=status,status=500,method=DELETE,path=^/connections")
    assert headway("run", own.name, "--replace", "--max-attempts", "1").code == 1
    platform.faults()
    assert live(platform)["base_connection"] == 2
    planned = headway("plan", own.name, "--detailed-exitcode")
    alone = f"base connection that no source shares any more: left alone (`headway run {own.name} --replace` takes"
    assert alone in planned.out
    assert planned.code == 0, "it is nothing that `run` would do"
    [*_, gone, _summary] = headway("plan", own.name, "--json").lines
    assert (gone["action"], gone["shared"].rpartition(":")[2]) == ("gone", gone["source"])
    assert headway("plan", own.name, "--replace", "--detailed-exitcode").code == 2

    asked = headway("destroy", own.name, "--removed")
    assert asked.code == 3
    assert "1 object that no source shares any more" in asked.err
    assert headway("destroy", own.name, "--removed", "--yes").code == 0
    assert live(platform)["base_connection"] == 1
    assert live(platform)["flow"] == 1
    assert "no source shares" not in headway("plan", own.name).out
    assert clean(platform)


def test_shared_data_that_stays_is_named_too(headway: Headway, platform: Platform, manifest: Path) -> None:
    shared = manifest.read_text().replace("{schema: acme-people}", "{schema: acme-people, dataset: acme-data}")
    manifest.write_text(shared)
    headway("run", manifest.name)
    ended = headway("destroy", manifest.name, "--yes")
    assert "3 datasets" in ended.out
    assert "3 target schemas" in ended.out
    assert live(platform) == {"dataset": 3, "mapping_set": 3, "schema": 3}
    assert headway("destroy", manifest.name, "--yes", "--delete-data").code == 0
    assert live(platform) == {"mapping_set": 3}


def test_what_sources_shared_and_cannot_be_deleted_is_told_and_is_a_failure(
    headway: Headway, platform: Platform, own: Path
) -> None:
    headway("run", own.name)
    platform.faults("kind=status,status=500,method=DELETE,service=flowservice,path=^/connections")
    ended = headway("destroy", own.name, "--yes", "--max-attempts", "1")
    assert ended.code == 1
    for what in ("ServiceNow", "data-lake"):
        assert re.search(f"shared by them: {what}: .*An internal error has occurred", ended.out)
    platform.faults()
    assert headway("destroy", own.name, "--yes").code == 0
    assert "base_connection" not in live(platform)
    assert clean(platform)
