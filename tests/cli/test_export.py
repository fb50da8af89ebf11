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
from workflows.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_SCOPES

BASE = "60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"


def token(platform: Platform) -> str:
    """An access token."""
    secrets = {"client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET, "scope": DEFAULT_SCOPES}
    answer = httpx.post(f"{platform.url}/ims/token/v3", data={"grant_type": "client_credentials", **secrets})
    return str(answer.json()["access_token"])


needs_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")


def sent(platform: Platform, shell: str = "bash", **environ: str) -> subprocess.CompletedProcess[str]:
    """The exported script as somebody runs it."""
    env = {"PATH": os.environ["PATH"], "ACCESS_TOKEN": token(platform), "API_KEY": DEFAULT_CLIENT_ID, **environ}
    return subprocess.run([shell, "run.sh"], check=False, env=env, capture_output=True, text=True)


@needs_curl
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_script_makes_a_chain_of_its_own_in_another_sandbox(
    headway: Headway, platform: Platform, own: Path, shell: str
) -> None:
    """Nothing in it refers to what the run made, and a secret may contain what JSON escapes."""
    headway("run", own.name)
    headway("export", "own-cases", "-o", "run.sh")
    before = platform.report()["created"]
    ran = sent(platform, shell, SANDBOX_NAME="prod", SERVICENOW_PASSWORD='a"b\\c$d')
    assert (ran.returncode, ran.stderr) == (0, "")
    new = {kind: count - before[kind] for kind, count in platform.report()["created"].items() if count != before[kind]}
    assert sum(new.values()) == 10
    made = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    there = platform.objects()
    assert {there[id]["sandbox"] for step, id in made.items() if step != "flow_spec"} == {"prod"}
    with platform.hand() as hand:
        hand.headers["x-sandbox-name"] = "prod"
        [flow] = hand.get(f"/flowservice/flows/{made['flow']}").json()["items"]
    assert flow["sourceConnectionIds"] == [made["source_connection"]]
    assert flow["targetConnectionIds"] == [made["target_connection"]]
    assert flow["transformations"][1]["params"]["mappingId"] == made["mapping_set"]


@needs_curl
def test_the_script_takes_another_base_connection(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    """Another sandbox has another one: the manifest's would not be found there."""
    headway("run", manifest.name, "--only", "acme-accounts")
    headway("export", "acme-accounts", "-o", "run.sh")
    [there] = hand.get(f"/flowservice/connections/{BASE}").json()["items"]
    hand.headers["x-sandbox-name"] = "prod"
    auth = {"specName": "Basic Authentication", "params": {"endpoint": "https://a", "username": "u", "password": "p"}}
    other = {"name": "theirs", "auth": auth, "connectionSpec": there["connectionSpec"]}
    answer = hand.post("/flowservice/connections", json=other).raise_for_status()
    ran = sent(platform, SANDBOX_NAME="prod", base_connection=answer.json()["id"])
    assert (ran.returncode, ran.stderr) == (0, "")
    made = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    [source] = hand.get(f"/flowservice/sourceConnections/{made['source_connection']}").json()["items"]
    assert source["baseConnectionId"] == answer.json()["id"]


@needs_curl
def test_the_script_ends_at_the_first_refusal(headway: Headway, platform: Platform, manifest: Path) -> None:
    """Without credentials, and where the titles are taken."""
    headway("run", manifest.name, "--only", "acme-accounts")
    headway("export", "acme-accounts", "-o", "run.sh")
    before = platform.report()["created"], platform.posts()
    ran = sent(platform, ACCESS_TOKEN="bad")
    assert ran.returncode == 1
    assert "adhoc_class: " in ran.stderr
    assert "401" in ran.stderr
    ran = sent(platform)
    assert ran.returncode == 1
    assert "XDM-1521" in ran.stderr
    assert (platform.report()["created"], platform.posts()) == (before[0], before[1] + 2)
    ran = sent(platform, GATEWAY="http://127.0.0.1:9")
    assert ran.returncode == 1


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
    assert set_by["flow_spec"] == ("flow_spec", "(answer.items ? answer.items[0] : answer).id")
    flow = json.loads(items["flow"]["request"]["body"]["raw"].replace("{{START}}", "1"))
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
    raw = [item["request"].get("body", {}).get("raw", "{}") for item in collection["item"]]
    bodies = [json.loads(body.replace("{{START}}", "1")) for body in raw]
    [run] = headway("status", "acme-contacts", "--json").lines
    there = platform.objects()
    made = {there[step["id"]]["name"] for step in run["steps"] if step["id"] in there}
    assert {body.get("title") or body["name"] for body in bodies if body} == made


def test_the_schema_of_an_adopted_dataset_is_named_by_its_own_id(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name, "--only", "acme-accounts")
    [there] = headway("status", "acme-accounts", "--json").lines
    made = {step["name"]: step["id"] for step in there["steps"]}
    manifest.write_text(manifest.read_text().replace("{schema: acme-people}", f'{{dataset: "{made["dataset"]}"}}'))
    headway("run", manifest.name, "--only", "acme-contacts")
    assert f"\ntarget_schema=${{target_schema:-{made['target_schema']}}}\n" in headway("export", "acme-contacts").out


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
    assert "\n# dataset\n" in ended.out
