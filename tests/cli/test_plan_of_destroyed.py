"""`plan` of a source that was destroyed says what `run` will make: not the data that was kept, nor what that needs."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Headway, Platform
from tests.cli.test_refresh import steps


def live(platform: Platform) -> int:
    """How many objects there are."""
    return sum(one["live"] for one in platform.objects().values())


def test_what_was_kept_is_not_to_be_created(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    before = steps(headway, "acme-accounts")
    headway("destroy", manifest.name, "--yes")
    planned = {line["source"]: line for line in headway("plan", manifest.name, "--json").lines[:-1]}
    assert {source: line["kept"] for source, line in planned.items()} == {
        "acme-accounts": ["target_schema", "dataset"],
        "acme-incidents": ["target_schema", "dataset"],
        "acme-contacts": ["target_schema", "dataset"],
    }
    told = headway("plan", manifest.name, "--only", "acme-accounts").out
    assert told.startswith(
        "+ acme-accounts      7 resources: adhoc class, adhoc schema, source connection, dataset base"
    )
    assert "flow every hour; there already: target schema, dataset\n" in told
    there = live(platform)
    assert headway("run", manifest.name).code == 0
    made = sum(len(line["what"]) for line in planned.values())
    shared_twice = 2  # the dataset base connection of all three is made once
    assert live(platform) - there == made - shared_twice
    after = steps(headway, "acme-accounts")
    assert [name for name in after if after[name]["id"] == before[name]["id"]] == [
        "target_schema",
        "dataset",
        "flow_spec",
    ]


def test_with_its_data_deleted_everything_is_to_be_created(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    headway("destroy", manifest.name, "--yes", "--delete-data")
    for line in headway("plan", manifest.name, "--json").lines[:-1]:
        assert (line["action"], len(line["what"]), "kept" in line) == ("create", 9, False)
