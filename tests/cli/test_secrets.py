"""A secret is read when a request is built, and stands nowhere else: no output, no file, no argument of a process."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.conftest import Headway, Platform
from workflows.cli import COMMANDS

CANARY, FILED = "canary-0451-in-a-variable", "canary-1984-in-a-file"
CALLS: dict[str, list[tuple[str, ...]]] = {
    "explore": [("servicenow",), ("salesforce-service-cloud", "incident", "--write", "more.yaml")],
    "plan": [("secrets.yaml",), ("secrets.yaml", "--json")],
    "run": [("secrets.yaml", "-v"), ("secrets.yaml", "--json"), ("wrong.yaml", "--debug")],
    "resume": [(), ("--failed", "-v")],
    "recover": [("secrets.yaml", "--store", "other.db")],
    "status": [(), ("--json",)],
    "why": [("table-1",), ("table-1", "base_connection", "--json")],
    "export": [("table-1",), ("table-1", "--format", "postman", "-o", "out.json")],
    "doctor": [()],
    "drift": [("secrets.yaml", "--json")],
    "pause": [("table-1",)],
    "unpause": [("table-1",)],
    "destroy": [("secrets.yaml", "--yes")],
}


def manifest(folder: Path) -> None:
    secret = folder / "secret"
    secret.write_text(FILED + "\n")
    auth = f'{{username: u, password: "${{env:SERVICENOW_PASSWORD}}", securityToken: "${{file:{secret}}}"}}'
    text = f"""\
version: 1
defaults:
  connector: salesforce-service-cloud
  base_connection: {{auth: {auth}}}
  table: incident
  columns: {{sys_id: string, caller_email: string, sys_updated_on: date-time}}
  delta_column: sys_updated_on
  mappings: {{sys_id: _id, caller_email: personalEmail.address}}
  schedule: {{frequency: hour, interval: 1}}
  target:
    class: https://ns.adobe.com/xdm/context/profile
    field_groups: [https://ns.adobe.com/xdm/context/profile-personal-details]
sources:
  - name: table-1
  - {{name: table-2, chain: tabular}}
"""
    (folder / "secrets.yaml").write_text(text)
    (folder / "wrong.yaml").write_text(text.replace("username: u", f"username: u, passwrod: {CANARY}"))


def test_no_secret_is_said_or_written_by_any_command(
    headway: Headway, platform: Platform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICENOW_PASSWORD", CANARY)
    manifest(folder)
    said = []
    platform.faults("kind=status,status=400,method=POST,service=flowservice,times=2")
    for name in COMMANDS.keys() & CALLS.keys():  # first while the platform refuses, then when it does not
        said += [headway(name, *arguments) for arguments in CALLS[name] if name in ("run", "explore", "plan")]
    platform.faults()
    for name in [*CALLS, *CALLS]:
        if name in COMMANDS:
            said += [headway(name, *arguments) for arguments in CALLS[name]]
    assert platform.report()["created"]["base_connection"] >= 1
    (folder / "secret").unlink()
    (folder / "wrong.yaml").unlink()
    text = json.dumps([(ended.out, ended.err) for ended in said])
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    for secret in (CANARY, FILED):
        assert secret not in text
        assert [name for name, content in files.items() if secret.encode() in content] == []


@pytest.mark.parametrize("asked", ["/test", "/explore"])
def test_a_vendor_that_echoes_the_password_is_not_repeated(
    headway: Headway, platform: Platform, own: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    secret = "pass/word & 0451~é"
    monkeypatch.setenv("SERVICENOW_PASSWORD", secret)
    lost = "kind=reset,after=true,method=POST,service=flowservice,path=/connections,times=1"
    platform.faults(f"kind=echo,status=400,method=GET,service=flowservice,path={asked}", lost)
    said = [
        headway("run", own.name, "-v"),
        headway("resume", "--failed", "-v"),
        headway("resume", "--failed", "--json"),
    ]
    assert [ended.code for ended in said] == [1, 1, 1]
    connection = next(id for id, entry in platform.objects().items() if entry["name"].startswith("ServiceNow"))
    said += [headway("explore", connection), headway("why", "own-cases"), headway("status", "--json")]
    text = json.dumps([(ended.out, ended.err) for ended in said], ensure_ascii=False)
    files = {path.name: path.read_bytes() for path in own.parent.iterdir()}
    assert "***" in text
    for written in (secret, quote(secret, safe=""), b64encode(f"integration:{secret}".encode()).decode()[18:-4]):
        assert written not in text
        assert [name for name, content in files.items() if written.encode() in content] == []
