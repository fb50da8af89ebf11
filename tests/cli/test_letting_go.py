"""What a source that is replaced does not share any more goes in the same run, unless somebody else uses it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.cli.conftest import Headway, Platform, spawn
from tests.cli.test_changes import change, steps
from tests.cli.test_takedown import clean, live

LAST = "  - name: own-cases\n"


def base(headway: Headway, source: str) -> str:
    id: str = steps(headway, source)["base_connection"]["id"]
    return id


def settled(headway: Headway, platform: Platform, manifest: Path) -> bool:
    """Whether there is nothing left to do, also for a replacing run, and nothing is there twice."""
    planned = headway("plan", manifest.name, "--replace", "--detailed-exitcode")
    return planned.code == 0 and "no source shares" not in planned.out and clean(platform)


def two(manifest: Path) -> None:
    """A second source over the same connection."""
    text = manifest.read_text()
    source = text[text.index(LAST) :]
    manifest.write_text(text + source.replace("own-cases", "own-tasks"))


def test_a_base_connection_that_was_renamed_goes_after_what_stood_on_it(
    headway: Headway, platform: Platform, own: Path
) -> None:
    headway("run", own.name)
    before = base(headway, "own-cases")
    change(own, ("name: ServiceNow\n", "name: ServiceNow anew\n"))
    planned = headway("plan", own.name, "--replace").out
    assert f"{before} is let go, and goes once no source shares it" in planned
    assert "- ServiceNow         base connection that no source shares any more: deleted" in planned
    ended = headway("run", own.name, "--replace")
    assert ended.code == 0, ended.err
    assert "ServiceNow: base connection that no source shares any more: deleted" in ended.err
    assert not platform.objects()[before]["live"]
    assert live(platform)["base_connection"] == 1
    assert settled(headway, platform, own)


def test_a_base_connection_stays_until_the_last_source_lets_go_of_it(
    headway: Headway, platform: Platform, own: Path
) -> None:
    two(own)
    headway("run", own.name)
    before = base(headway, "own-cases")
    change(own, ("name: ServiceNow\n", "name: ServiceNow anew\n"))
    only = ("--only", "own-cases")
    planned = headway("plan", own.name, "--replace", *only).out
    assert "no source shares any more" not in planned
    assert headway("run", own.name, "--replace", *only).code == 0
    assert platform.objects()[before]["live"]
    assert headway("run", own.name, "--replace").code == 0
    assert not platform.objects()[before]["live"]
    assert live(platform)["base_connection"] == 1
    assert settled(headway, platform, own)


def test_a_base_connection_that_is_named_by_its_id_from_now_on_stays(
    headway: Headway, platform: Platform, own: Path
) -> None:
    headway("run", own.name)
    before, text = base(headway, "own-cases"), own.read_text()
    described = text[text.index("    base_connection:") : text.index("    table:")]
    own.write_text(text.replace(described, f"    base_connection: {before}\n"))
    assert headway("run", own.name, "--replace").code == 0
    assert platform.objects()[before]["live"]
    assert live(platform)["flow"] == 1
    assert settled(headway, platform, own)
    assert headway("destroy", own.name, "--removed", "--yes").code == 0
    assert platform.objects()[before]["live"]


def test_a_base_connection_that_an_existing_one_takes_the_place_of_goes(
    headway: Headway, platform: Platform, own: Path, hand: httpx.Client
) -> None:
    headway("run", own.name)
    before, text = base(headway, "own-cases"), own.read_text()
    described = text[text.index("    base_connection:") : text.index("    table:")]
    theirs = "60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"
    own.write_text(text.replace(described, f"    base_connection: {theirs}\n"))
    planned = headway("plan", own.name, "--replace").out
    assert f"base connection (shared) {before} is let go, and goes once no source shares it" in planned
    assert headway("run", own.name, "--replace").code == 0
    assert not platform.objects()[before]["live"]
    assert hand.get(f"/flowservice/connections/{theirs}").status_code == 200
    assert settled(headway, platform, own)


def test_data_that_no_source_shares_any_more_stays_and_is_named(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    """What was shared holds data of others, too, so that no source's --delete-data means it; it was never named."""
    own = manifest.read_text()
    manifest.write_text(own.replace("{schema: acme-people}", "{schema: acme-people, dataset: acme-data}"))
    headway("run", manifest.name)
    made = {name: step["id"] for name, step in steps(headway, "acme-contacts").items() if step["shared"]}
    said = "that no source shares any more; stays, as it may hold data"
    named = [
        f"acme-data: dataset {said} ({made['dataset']})",
        f"acme-people: target schema {said} ({made['target_schema']})",
    ]
    manifest.write_text(own.replace("    target: {schema: acme-people}", "    #"))
    assert "acme-data" in headway("plan", manifest.name).out
    ended = headway("run", manifest.name, "--replace", "--delete-data")
    assert [name for name in named if name not in ended.err] == []
    planned = headway("plan", manifest.name, "--replace", "--detailed-exitcode")
    assert (planned.code, named[0].partition(": ")[2].replace(";", ":") in planned.out) == (0, True)
    assert headway("run", manifest.name, "--replace").err.count("shares") == 0, "nothing was done, so nothing is told"
    ended = headway("destroy", manifest.name, "--yes", "--delete-data")
    assert [name for name in named if name not in ended.err] == []
    assert all(platform.objects()[id]["live"] for name, id in made.items() if name in ("dataset", "target_schema"))


def test_data_that_somebody_deleted_by_hand_is_not_named_any_more(
    headway: Headway, manifest: Path, hand: httpx.Client
) -> None:
    """As it was told to be deleted; the journal alone does not know."""
    headway("run", manifest.name)
    schema = steps(headway, "acme-contacts")["target_schema"]["id"]
    change(manifest, ("    target: {schema: acme-people}", "    #"))
    headway("run", manifest.name, "--replace", "--delete-data")
    assert schema in headway("plan", manifest.name, "--refresh").out
    hand.delete(f"/schemaregistry/tenant/schemas/{quote(schema, safe='')}").raise_for_status()
    assert "no source shares" not in headway("plan", manifest.name, "--refresh").out
    change(manifest, ("interval: 30", "interval: 45"))
    assert "no source shares" not in headway("run", manifest.name).err
    assert "no source shares" not in headway("destroy", manifest.name, "--yes").err


def test_what_a_new_source_will_share_is_not_told_to_be_shared_by_none(headway: Headway, manifest: Path) -> None:
    """One plan said to create it and to delete it by hand."""
    text = manifest.read_text()
    again = text[text.index("  - name: acme-contacts") :].replace("acme-contacts", "acme-contacts-anew")
    headway("run", manifest.name)
    alone = text.replace("    target: {schema: acme-people}", "    #")
    manifest.write_text(alone)
    headway("run", manifest.name, "--replace", "--delete-data")
    manifest.write_text(alone + again)
    planned = headway("plan", manifest.name).out
    assert 'target schema "acme-people" (shared)' in planned
    assert "no source shares any more" not in planned


@pytest.mark.parametrize("answered", [True, False])
def test_a_replacing_run_that_is_killed_while_it_takes_the_old_connection_down_is_continued(
    headway: Headway, platform: Platform, own: Path, folder: Path, *, answered: bool
) -> None:
    headway("run", own.name)
    before = base(headway, "own-cases")
    change(own, ("name: ServiceNow\n", "name: ServiceNow anew\n"))
    platform.faults(f"kind=hang,after={str(answered).lower()},method=DELETE,path=^/connections,times=1")
    with spawn(["run", own.name, "--replace"], folder, platform.environ) as process:
        while not platform.report()["faults"].get("hang"):
            assert process.poll() is None
        process.kill()
    platform.faults()
    after = steps(headway, "own-cases")
    assert headway("run", own.name, "--replace").code == 0
    assert steps(headway, "own-cases") == after
    assert not platform.objects()[before]["live"]
    assert settled(headway, platform, own)
