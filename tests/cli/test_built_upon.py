"""What somebody else built upon what is to be taken down keeps it there, and is named."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Headway, Platform
from tests.cli.test_takedown import clean, live


@pytest.mark.parametrize("command", [("destroy", "--yes"), ("run", "--replace")])
def test_a_flow_of_somebody_else_over_our_connection_is_named_at_once(
    headway: Headway, platform: Platform, own: Path, hand: httpx.Client, command: tuple[str, ...]
) -> None:
    headway("run", own.name)
    flow = next(step["id"] for step in headway("status", "--json").lines[0]["steps"] if step["name"] == "flow")
    ours = hand.get(f"/flowservice/flows/{flow}").json()["items"][0]
    copied = ("flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations", "scheduleParams")
    made = hand.post("/flowservice/flows", json={"name": "by hand", **{key: ours[key] for key in copied}})
    theirs = made.json()["id"]
    own.write_text(own.read_text().replace("table: case", "table: problem"))
    ended = headway(command[0], own.name, *command[1:])
    assert ended.code == 1
    assert f'the flow "by hand" ({theirs}), which headway did not make, uses the' in ended.out
    assert platform.objects()[theirs]["live"]
    assert hand.delete(f"/flowservice/flows/{theirs}").status_code == 204
    assert headway(command[0], own.name, *command[1:]).code == 0
    assert clean(platform)


def test_a_base_connection_over_which_somebody_built_stays_and_is_named(
    headway: Headway, platform: Platform, own: Path, hand: httpx.Client
) -> None:
    headway("run", own.name)
    ours = {step["name"]: step["id"] for step in headway("status", "--json").lines[0]["steps"]}

    def copy(kind: str, id: str, **more: object) -> str:
        item = hand.get(f"/flowservice/{kind}/{id}").json()["items"][0]
        kept = ("flowSpec", "connectionSpec", "data", "params", "baseConnectionId", "transformations", "scheduleParams")
        body = {key: item[key] for key in kept if key in item} | {"name": "by hand"} | more
        made: str = hand.post(f"/flowservice/{kind}", json=body).json()["id"]
        return made

    ends = {
        "sourceConnectionIds": [copy("sourceConnections", ours["source_connection"])],
        "targetConnectionIds": [copy("targetConnections", ours["target_connection"])],
    }
    theirs = copy("flows", ours["flow"], **ends)
    ended = headway("destroy", own.name, "--yes")
    assert ended.code == 0
    assert f'base connection ServiceNow: the flow "by hand" ({theirs}), which headway did not make, uses' in ended.out
    assert live(platform)["base_connection"] == 1
    assert platform.objects()[theirs]["live"]
