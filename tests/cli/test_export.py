"""`export`: what headway sends, in a form that others can send; secrets are variables."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import SECRET, Headway, Platform
from workflows.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SCOPES

CALL = re.compile(r"^# (\w+)", re.MULTILINE)


def token(platform: Platform) -> str:
    """An access token."""
    secrets = {"client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET, "scope": DEFAULT_SCOPES}
    answer = httpx.post(f"{platform.url}/ims/token/v3", data={"grant_type": "client_credentials", **secrets})
    return str(answer.json()["access_token"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_script_sends_what_headway_would_send(headway: Headway, platform: Platform, manifest: Path) -> None:
    """The platform makes a second object of each, but where it refuses a second title."""
    headway("run", manifest.name, "--only", "acme-accounts")
    assert headway("export", "acme-accounts", "-o", "run.sh").code == 0
    before, titles = platform.report()["created"], ("adhoc_class", "adhoc_schema", "target_schema")
    script = Path("run.sh").read_text()
    env = {"PATH": os.environ["PATH"], "ACCESS_TOKEN": token(platform), "API_KEY": DEFAULT_CLIENT_ID}
    ran = subprocess.run(["sh", "-eu", "run.sh"], check=True, env=env, capture_output=True, text=True)
    after = platform.report()
    steps = [name for name in CALL.findall(script.partition("\n\n")[2]) if name not in titles]
    assert len(steps) == 7
    for kind in ("source_connection", "dataset", "target_connection", "mapping_set", "flow"):
        assert after["created"][kind] == before[kind] + 1, kind
    assert ran.stdout.count("XDM-1521") >= len(titles)
    assert DEFAULT_ORG in script


def test_a_collection_has_one_item_per_step_and_hands_ids_on(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name, "--only", "acme-accounts")
    collection: Any = json.loads(headway("export", "acme-accounts", "--format", "postman").out)
    assert collection["info"]["schema"].endswith("/v2.1.0/collection.json")
    items = {item["name"]: item for item in collection["item"]}
    assert list(items)[:2] == ["adhoc_class", "adhoc_schema"]
    assert len(items) == 10
    set_by = {
        name: re.findall(r'set\("(\w+)", (.+)\);', line)[0]
        for name, item in items.items()
        for line in item["event"][0]["script"]["exec"]
        if "set(" in line
    }
    assert set_by["adhoc_class"] == ("adhoc_class", 'answer["$id"]')
    flow = json.loads(items["flow"]["request"]["body"]["raw"])
    assert flow["sourceConnectionIds"] == ["{{source_connection}}"]
    assert flow["flowSpec"]["id"] == "{{flow_spec}}"
    variables = {variable["key"]: variable for variable in collection["variable"]}
    used = set(re.findall(r"\{\{(\w+)\}\}", json.dumps(collection["item"])))
    assert used <= variables.keys()
    assert (variables["ACCESS_TOKEN"]["value"], variables["ACCESS_TOKEN"]["type"]) == ("", "secret")


def test_each_object_is_named_as_it_is_also_what_is_shared_or_was_made_anew(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    headway("run", manifest.name, "--only", "acme-contacts")
    fewer = re.sub(r"last_name: (string|person.name.lastName), ", "", manifest.read_text())
    manifest.write_text(fewer)
    assert headway("run", manifest.name, "--only", "acme-contacts", "--replace").code == 0
    collection: Any = json.loads(headway("export", "acme-contacts", "--format", "postman").out)
    bodies = [json.loads(item["request"].get("body", {}).get("raw", "{}")) for item in collection["item"]]
    [run] = headway("status", "acme-contacts", "--json").lines
    there = platform.objects()
    made = {there[step["id"]]["name"] for step in run["steps"] if step["id"] in there}
    assert {body.get("title") or body["name"] for body in bodies if body} == made


@pytest.mark.parametrize("form", ["curl", "postman"])
def test_secrets_are_variables(headway: Headway, own: Path, form: str) -> None:
    headway("run", own.name)
    ended = headway("export", "own-cases", "--format", form)
    assert ended.code == 0
    assert SECRET not in ended.out
    assert DEFAULT_CLIENT_SECRET not in ended.out
    assert "SERVICENOW_PASSWORD" in ended.out


def test_an_unfinished_run_can_be_exported_too(headway: Headway, platform: Platform, manifest: Path) -> None:
    platform.faults("kind=status,status=400,path=/dataSets")
    assert headway("run", manifest.name, "--only", "acme-accounts").code == 1
    ended = headway("export", "acme-accounts")
    assert ended.code == 0
    assert "\ndataset=''\n" in ended.out
    assert "# dataset\n" in ended.out
