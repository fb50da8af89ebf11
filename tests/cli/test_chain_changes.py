"""A source whose chain changes is replaced like any other: what the chains have in common stays, what only the old one
had goes in the same run, and there are never two flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Headway, Platform, spawn
from tests.cli.test_changes import change, steps
from tests.cli.test_letting_go import settled
from tests.cli.test_takedown import live

ADHOC, TABULAR = "chain: adhoc", "chain: tabular"
COMMON = {"base_connection", "target_schema", "dataset", "mapping_set"}
"""What stays whatever the chain."""
KINDS = ("base_connection", "schema", "source_connection", "dataset", "target_connection", "mapping_set", "flow")
OF = {
    ADHOC: dict.fromkeys(KINDS, 1) | {"class": 1, "schema": 2, "dataset_base_connection": 1},
    TABULAR: dict.fromkeys(KINDS, 1),
}
"""All that there is of one source, by kind."""
BOTH = pytest.mark.parametrize(("before", "after"), [(ADHOC, TABULAR), (TABULAR, ADHOC)])


def in_chain(manifest: Path, chain: str) -> None:
    manifest.write_text(manifest.read_text().replace("    table: case", f"    {chain}\n    table: case"))


@BOTH
def test_another_chain_replaces_what_cannot_stay(
    headway: Headway, platform: Platform, own: Path, *, before: str, after: str
) -> None:
    in_chain(own, before)
    begun = headway("run", own.name)
    assert begun.code == 0, begun
    made = steps(headway, "own-cases")
    assert live(platform) == OF[before]
    change(own, (before, after))
    planned = headway("plan", own.name)
    assert "needs --replace" in planned.out
    (line, *_) = headway("plan", own.name, "--json").lines
    said = {one["step"]: one["action"] for one in line["steps"]}
    replaced = {"source_connection": "replace", "target_connection": "replace", "flow": "replace"}
    only = {"adhoc_class", "adhoc_schema"}
    if before == ADHOC:
        assert said == replaced | dict.fromkeys(only, "delete") | {"dataset_base_connection": "leave"}
        assert "data-lake" in headway("plan", own.name, "--replace").out
    else:
        assert said == replaced | dict.fromkeys([*only, "dataset_base_connection"], "create")

    refused = headway("run", own.name)
    assert "cannot be changed in place: needs --replace" in refused.out
    assert steps(headway, "own-cases") == made
    assert live(platform) == OF[before]

    ended = headway("run", own.name, "--replace")
    assert ended.code == 0, ended.err
    assert live(platform) == OF[after]
    now = steps(headway, "own-cases")
    assert {name: now[name]["id"] for name in COMMON} == {name: made[name]["id"] for name in COMMON}
    assert headway("status", "own-cases", "--json").lines[0]["chain"] == after.removeprefix("chain: ")
    assert settled(headway, platform, own)
    assert headway("drift", own.name).code == 0
    assert headway("plan", own.name, "--refresh", "--replace", "--detailed-exitcode").code == 0


def test_what_other_sources_need_of_the_old_chain_stays(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    lake = steps(headway, "acme-accounts")["dataset_base_connection"]["id"]
    change(manifest, ("    table: incident\n", "    chain: tabular\n    table: incident\n"))
    planned = headway("plan", manifest.name, "--replace").out
    assert "dataset base connection (shared) " in planned
    assert "no source shares any more" not in planned
    assert headway("run", manifest.name, "--replace").code == 0
    assert steps(headway, "acme-accounts")["dataset_base_connection"]["id"] == lake
    assert live(platform)["flow"] == 3
    assert settled(headway, platform, manifest)
    change(manifest, ("chain: adhoc ", "chain: tabular "))
    assert headway("run", manifest.name, "--replace").code == 0
    assert not {"dataset_base_connection", "class"} & live(platform).keys()
    assert live(platform)["flow"] == 3
    assert settled(headway, platform, manifest)


def test_a_source_goes_through_the_other_chain_and_back(headway: Headway, platform: Platform, own: Path) -> None:
    in_chain(own, ADHOC)
    headway("run", own.name)
    change(own, (ADHOC, TABULAR))
    assert headway("run", own.name, "--replace").code == 0
    change(own, (TABULAR, ADHOC))
    assert headway("run", own.name, "--replace").code == 0
    assert live(platform) == OF[ADHOC]
    assert settled(headway, platform, own)
    assert headway("destroy", own.name, "--yes", "--delete-data").code == 0
    assert live(platform) == {"mapping_set": 1}


@pytest.mark.parametrize(
    ("before", "after", "stuck"),
    [
        *[(ADHOC, TABULAR, f"DELETE,path=/{kind},after=true") for kind in ("flows", "classes", "targetC")],
        *[(ADHOC, TABULAR, f"DELETE,path={path},after=false") for path in ("/flows", "^/connections")],
        (ADHOC, TABULAR, "POST,path=/flows,after=true"),
        (TABULAR, ADHOC, "DELETE,path=/targetC,after=false"),
        *[(TABULAR, ADHOC, f"POST,path=/{kind},after=true") for kind in ("classes", "flows")],
    ],
)
def test_killed_anywhere_it_is_continued_and_nothing_is_twice_or_left(
    headway: Headway, platform: Platform, own: Path, folder: Path, *, before: str, after: str, stuck: str
) -> None:
    in_chain(own, before)
    begun = headway("run", own.name)
    assert begun.code == 0, begun
    made = steps(headway, "own-cases")
    change(own, (before, after))
    platform.faults(f"kind=hang,method={stuck},times=1")
    with spawn(["run", own.name, "--replace"], folder, platform.environ) as process:
        while not platform.report()["faults"].get("hang"):
            assert process.poll() is None
        assert live(platform).get("flow", 0) <= 1
        process.kill()
    platform.faults()
    ended = headway("run", own.name, "--replace")
    assert ended.code == 0, ended.err
    assert live(platform) == OF[after]
    now = steps(headway, "own-cases")
    assert {name: now[name]["id"] for name in COMMON} == {name: made[name]["id"] for name in COMMON}
    assert settled(headway, platform, own)


@pytest.mark.parametrize("stuck", ["schemas,skip=1", "flows"])
def test_a_source_that_was_not_finished_goes_through_the_other_chain(
    headway: Headway, platform: Platform, own: Path, folder: Path, stuck: str
) -> None:
    in_chain(own, ADHOC)
    platform.faults(f"kind=hang,after=true,method=POST,path=/{stuck},times=1")
    with spawn(["run", own.name], folder, platform.environ) as process:
        while not platform.report()["faults"].get("hang"):
            assert process.poll() is None
        process.kill()
    platform.faults()
    change(own, (ADHOC, TABULAR))
    refused = headway("run", own.name)
    assert refused.code == 1
    assert "allow it with headway run --replace" in refused.out
    ended = headway("run", own.name, "--replace")
    assert ended.code == 0, ended.err
    assert live(platform) == OF[TABULAR]
    assert settled(headway, platform, own)


@pytest.mark.parametrize("stuck", ["schemas", "targetC"])
def test_a_journal_that_is_lost_on_the_way_is_told_of_and_the_chain_before_finds_all(
    headway: Headway, platform: Platform, own: Path, folder: Path, stuck: str
) -> None:
    in_chain(own, ADHOC)
    headway("run", own.name)
    change(own, (ADHOC, TABULAR))
    platform.faults(f"kind=hang,after=false,method=DELETE,path=/{stuck},times=1")
    with spawn(["run", own.name, "--replace"], folder, platform.environ) as process:
        while not platform.report()["faults"].get("hang"):
            assert process.poll() is None
        process.kill()
    platform.faults()
    for path in folder.glob("headway.db*"):
        path.unlink()
    ended = headway("run", own.name)
    assert ended.code == 4, ended
    assert "bears our marker, but differs" in ended.out
    change(own, (TABULAR, ADHOC))
    assert headway("run", own.name, "--replace").code == 0
    assert live(platform) == OF[ADHOC]
    change(own, (ADHOC, TABULAR))
    assert headway("run", own.name, "--replace").code == 0
    assert live(platform) == OF[TABULAR]
    assert settled(headway, platform, own)
