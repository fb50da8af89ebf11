"""A source whose target moves has another sentinel than before: it is signed when the one before still names us."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.cli.conftest import Headway, Platform, spawn
from tests.cli.test_refresh import steps

OURS = "https://ns.adobe.com/xdm/context/profile-personal-details"
SCHEMA = {
    "type": "object",
    "title": "theirs",
    "description": "made by hand",
    "allOf": [{"$ref": "https://ns.adobe.com/xdm/context/profile"}, {"$ref": OURS}],
}
SOURCE = """\
version: 1
sources:
  - name: cases
    connector: servicenow
    chain: {chain}
    base_connection: 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66
    table: incident
    columns: {{sys_id: string, caller_email: string, sys_updated_on: date-time}}
    delta_column: sys_updated_on
    mappings: {{sys_id: _id, caller_email: personalEmail.address}}
    schedule: {{frequency: hour, interval: 1}}
    target: {target}
"""
NEW = f"class: https://ns.adobe.com/xdm/context/profile, field_groups: [{OURS}]"


@pytest.fixture
def theirs(hand: httpx.Client) -> Any:
    """A schema that somebody else made."""
    made = hand.post("/schemaregistry/tenant/schemas", json=SCHEMA)
    return made.raise_for_status().json()


@pytest.fixture
def write(folder: Path, theirs: Any) -> Callable[[str, str], Path]:
    """Writes a manifest whose target is the source's own, shared by name, or adopted."""
    targets = {
        "own": f"{{{NEW}}}",
        "shared": f"{{{NEW}, schema: people, dataset: people-data}}",
        "adopted": f"{{schema: {theirs['$id']!r}}}",
    }

    def write(chain: str, target: str) -> Path:
        path = folder / "sources.yaml"
        path.write_text(SOURCE.format(chain=chain, target=targets[target]))
        return path

    return write


def schema(hand: httpx.Client, id: str) -> Any:
    """A schema as it is now."""
    headers = {"Accept": "application/vnd.adobe.xed+json; version=1"}
    path = f"/schemaregistry/tenant/schemas/{quote(id, safe='')}"
    return hand.get(path, headers=headers).raise_for_status().json()


def schemas(platform: Platform) -> int:
    """How many there are that headway made."""
    return sum(one["kind"] == "schema" and one["live"] for one in platform.objects().values())


@pytest.mark.parametrize("chain", ["adhoc", "tabular"])
@pytest.mark.parametrize(
    ("before", "after"),
    [("own", "shared"), ("own", "adopted"), ("adopted", "own"), ("shared", "own"), ("adopted", "shared")],
)
def test_a_target_moves_in_one_run(
    headway: Headway, hand: httpx.Client, theirs: Any, write: Any, *, chain: str, before: str, after: str
) -> None:
    assert headway("run", write(chain, before).name).code == 0
    manifest = write(chain, after).name
    ended = headway("run", manifest, "--replace")
    assert ended.code == 0, ended.err
    assert "another journal" not in ended.err
    assert headway("plan", manifest, "--detailed-exitcode").code == 0
    assert schema(hand, theirs["$id"]) == schema(hand, theirs["$id"]) | {
        "description": "made by hand",
        "version": theirs["version"],
    }
    manifest = write(chain, before).name
    assert headway("run", manifest, "--replace").code == 0
    assert headway("plan", manifest, "--refresh", "--detailed-exitcode").code == 0
    assert headway("drift", manifest).code == 0


def test_what_another_journal_holds_does_not_move(
    headway: Headway, platform: Platform, hand: httpx.Client, write: Any
) -> None:
    headway("run", write("adhoc", "own").name)
    made = steps(headway, "cases")
    before = schema(hand, made["target_schema"]["id"])
    headway("recover", write("adhoc", "own").name, "--store", "another.db")
    taken = headway("run", write("adhoc", "own").name, "--store", "another.db")
    assert "looking again after settle, 9 s from now at most (see --settle)" in taken.err
    assert schema(hand, made["target_schema"]["id"])["description"] != before["description"]
    posts, live = platform.posts(), platform.objects()
    ended = headway("run", write("adhoc", "shared").name, "--replace")
    assert ended.code == 1
    assert "has taken this run over" in ended.err + ended.out
    assert (platform.posts(), platform.objects()) == (posts, live)


def test_plan_says_of_an_own_target_that_gives_way_to_a_shared_one_that_it_stays(
    headway: Headway, platform: Platform, write: Any
) -> None:
    headway("run", write("tabular", "own").name)
    manifest = write("tabular", "shared").name
    planned = headway("plan", manifest, "--replace")
    assert "dataset is left behind, with its data; target schema is left behind" in planned.out
    said = {change["step"]: change for change in headway("plan", manifest, "--json").lines[0]["steps"]}
    assert (said["dataset"]["action"], said["dataset"]["old_one_stays"]) == ("leave", True)
    made = steps(headway, "cases")
    headway("run", manifest, "--replace")
    assert all(platform.objects()[made[name]["id"]]["live"] for name in ("dataset", "target_schema"))


def test_a_moved_target_whose_deletion_is_not_known_to_have_succeeded_is_deleted(
    headway: Headway, platform: Platform, write: Any
) -> None:
    headway("run", write("tabular", "own").name)
    manifest = write("tabular", "shared").name
    platform.faults("kind=status,status=400,method=DELETE,path=/schemas,after=true,times=1")
    command = ("run", manifest, "--replace", "--delete-data")
    assert headway(*command).code == 1
    ended = headway(*command)
    assert ended.code == 0, ended.err
    assert headway("plan", manifest, "--detailed-exitcode").code == 0


def test_a_copy_that_moves_the_target_takes_the_run_over(
    headway: Headway, platform: Platform, folder: Path, write: Any
) -> None:
    headway("run", write("adhoc", "own").name)
    for path in folder.glob("headway.db*"):
        shutil.copy(path, folder / path.name.replace("headway", "copy"))
    ended = headway("run", write("adhoc", "shared").name, "--replace", "--store", "copy.db")
    assert ended.code == 0, ended.err
    live = platform.objects()
    manifest = write("adhoc", "own")
    manifest.write_text(manifest.read_text().replace("interval: 1", "interval: 2"))
    ended = headway("run", manifest.name)
    assert ended.code == 1, ended.err
    assert "has taken this run over" in ended.err + ended.out
    assert platform.objects() == live


def test_a_second_journal_with_another_target_makes_nothing_twice(
    headway: Headway, platform: Platform, write: Any
) -> None:
    headway("run", write("adhoc", "adopted").name)
    made = platform.report()["live"]
    ended = headway("run", write("adhoc", "own").name, "--store", "another.db")
    assert (ended.code, "bears our marker, but differs" in ended.err + ended.out) == (4, True)
    live = platform.report()["live"]
    assert [live[kind] for kind in ("target_connection", "flow")] == [
        made[kind] for kind in ("target_connection", "flow")
    ]
    manifest = write("adhoc", "adopted")
    manifest.write_text(manifest.read_text().replace("interval: 1", "interval: 2"))
    ended = headway("run", manifest.name)
    assert "has taken this run over" in ended.err + ended.out
    assert platform.report()["live"] == live


def test_a_target_that_moved_twice_can_move_again_when_its_journal_was_lost(headway: Headway, write: Any) -> None:
    headway("run", write("adhoc", "shared").name)
    headway("run", write("adhoc", "own").name, "--replace")
    headway("recover", write("adhoc", "own").name, "--store", "another.db")
    assert headway("run", write("adhoc", "own").name, "--store", "another.db").code == 0
    ended = headway("run", write("adhoc", "shared").name, "--replace", "--store", "another.db")
    assert ended.code == 0, ended.err


def test_what_is_in_doubt_and_is_to_be_the_sentinel_is_signed(
    headway: Headway, platform: Platform, folder: Path, write: Any
) -> None:
    platform.faults("kind=hang,after=true,method=POST,path=/schemas,times=1,skip=1")
    with spawn(["run", write("adhoc", "own").name], folder, platform.environ) as process:
        while schemas(platform) < 2:
            assert process.poll() is None
        process.kill()
    platform.faults()
    manifest = write("adhoc", "shared").name
    ended = headway("run", manifest, "--replace")
    assert ended.code == 0, ended.err
    assert "other hands" not in headway("why", "cases").out
    assert headway("plan", manifest, "--refresh", "--detailed-exitcode").code == 0


def test_an_answer_that_is_lost_when_the_lease_has_run_out_leaves_no_stale_etag(
    headway: Headway, platform: Platform, write: Callable[[str, str], Path]
) -> None:
    assert headway("run", write("adhoc", "shared").name).code == 0
    lost = "kind=reset,after=true,method=PATCH|PUT,path=/tenant/schemas,times=1"
    platform.faults(lost, "kind=delay,method=DELETE,path=/flows,delay=6")
    assert headway("run", write("adhoc", "own").name, "--replace").code == 0
    platform.faults()
    objects = platform.objects()
    for name, step in steps(headway, "cases").items():
        assert step["etag"] is None or step["etag"] == objects[step["id"]]["etag"], name
