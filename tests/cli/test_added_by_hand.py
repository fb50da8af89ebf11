"""What somebody added by hand to what headway made: put back where the platform allows it, else said and left."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.cli.conftest import Headway, Platform
from tests.cli.test_refresh import patch, sound, steps

XDM = "https://ns.adobe.com/xdm/context"
RAW = {"Accept": "application/vnd.adobe.xed+json; version=1"}


class Registry:
    """Somebody at the Schema Registry."""

    def __init__(self, hand: httpx.Client, kind: str, id: str) -> None:
        self.hand, self.path = hand, f"/schemaregistry/tenant/{kind}/{quote(id, safe='')}"

    def content(self) -> Any:
        """The object as it is now."""
        return self.hand.get(self.path, headers=RAW).raise_for_status().json()

    def patch(self, *operations: Any) -> None:
        """Change it."""
        self.hand.patch(self.path, json=list(operations)).raise_for_status()

    def columns(self) -> tuple[str, Any]:
        """Where the columns of a class are, and what they are."""
        ((namespace, fields),) = self.content()["allOf"][1]["properties"].items()
        return f"/allOf/1/properties/{namespace}/properties", fields["properties"]

    def groups(self, *names: str) -> None:
        """Give a schema these field groups, and no others."""
        self.patch({"op": "replace", "path": "/allOf", "value": [{"$ref": name} for name in names]})


def test_a_column_that_was_added_to_a_source_connection_is_taken_out_again(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    manifest.write_text(manifest.read_text().replace("chain: adhoc ", "chain: tabular "))
    headway("run", manifest.name)
    before = steps(headway, "acme-incidents")
    column = {"name": "mine", "type": "string", "xdm": {"type": "string"}}
    patch(
        hand,
        "flowservice/sourceConnections",
        before["source_connection"],
        {"op": "add", "path": "/params/columns/-", "value": column},
        {"op": "replace", "path": "/params/tableName", "value": "another"},
    )
    plan = headway("plan", manifest.name, "--refresh").out
    assert "source connection: params.columns - " in plan
    assert "params.tableName another → incident (changed by hand) [in place]" in plan
    posts = platform.posts()
    assert headway("run", manifest.name, "--refresh").code == 0
    assert platform.posts() == posts
    after = steps(headway, "acme-incidents")
    assert {name: step["id"] for name, step in after.items()} == {name: step["id"] for name, step in before.items()}
    item = hand.get(f"/flowservice/sourceConnections/{before['source_connection']['id']}").json()["items"][0]
    assert (item["params"]["tableName"], item["etag"]) == ("incident", after["source_connection"]["etag"])
    assert "mine" not in [one["name"] for one in item["params"]["columns"]]
    sound(headway, platform, manifest)


def test_a_column_that_was_added_to_a_class_stays_and_one_that_was_removed_comes_back(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    headway("run", manifest.name)
    before = steps(headway, "acme-incidents")
    registry = Registry(hand, "classes", before["adhoc_class"]["id"])
    place, _ = registry.columns()
    registry.patch({"op": "add", "path": f"{place}/mine", "value": {"type": "string"}})
    told = headway("drift", manifest.name)
    assert told.code == 2
    assert 'adhoc class: columns.mine is {"type":"string"}, should not be there; what was added cannot' in told.out
    assert headway("plan", manifest.name, "--refresh", "--detailed-exitcode").code == 0

    registry.patch({"op": "remove", "path": f"{place}/sys_id"})
    plan = headway("plan", manifest.name, "--refresh").out
    assert 'adhoc class: columns.sys_id none → {"type":"string"} (changed by hand) [in place]' in plan
    posts = platform.posts()
    assert headway("run", manifest.name, "--refresh").code == 0
    assert platform.posts() == posts
    assert registry.columns()[1].keys() >= {"sys_id", "mine"}
    assert headway("plan", manifest.name, "--refresh", "--detailed-exitcode").code == 0
    assert platform.report()["mistakes"]["count"] == 0


def test_a_field_group_that_was_added_stays_while_others_come(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    own = {"type": "object", "properties": {}, "meta:intendedToExtend": [f"{XDM}/profile"], "allOf": []}
    body = {**own, "title": "mine", "description": "by hand"}
    mine = hand.post("/schemaregistry/tenant/fieldgroups", json=body).raise_for_status().json()["$id"]
    person, personal = f"{XDM}/profile-person-details", f"{XDM}/profile-personal-details"
    whole = manifest.read_text()
    manifest.write_text(
        whole.replace(f"      - {personal}\n", "").replace("      Phone: mobilePhone.number\n", "")
        .replace("      email: personalEmail.address\n", "").replace("      caller_email: personalEmail.address\n", "")
        .replace(", email: personalEmail.address", "")
    )  # fmt: skip
    headway("run", manifest.name)
    registry = Registry(hand, "schemas", steps(headway, "acme-accounts")["target_schema"]["id"])
    registry.groups(f"{XDM}/profile", mine)  # one more, and one fewer
    assert f"allOf + {person} (changed by hand) [in place]" in headway("plan", manifest.name, "--refresh").out
    assert headway("run", manifest.name, "--refresh").code == 0
    assert [part["$ref"] for part in registry.content()["allOf"]] == [f"{XDM}/profile", mine, person]
    assert headway("plan", manifest.name, "--refresh", "--detailed-exitcode").code == 0

    manifest.write_text(whole)  # what the manifest adds comes beside it
    assert headway("run", manifest.name).code == 0
    assert [part["$ref"] for part in registry.content()["allOf"]] == [f"{XDM}/profile", mine, person, personal]
    assert headway("plan", manifest.name, "--refresh", "--detailed-exitcode").code == 0
    assert platform.report()["mistakes"]["count"] == 0
