"""Connectors are found by themselves, and secrets are only ever references."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workflows.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SCOPES
from workflows.sources import Param, Secret, SecretError, discover, is_reference, resolve_secret

ROOT = Path(__file__).parents[2]


def test_every_connector_is_found_with_the_data_of_the_contract() -> None:
    """Contract 4.1."""
    assert {key: source.connection_spec_id for key, source in discover().items()} == {
        "oracle-service-cloud": "ba5126ec-c9ac-11eb-b8bc-0242ac130003",
        "salesforce-service-cloud": "cb66ab34-8619-49cb-96d1-39b37ede86ea",
        "servicenow": "eb13cb25-47ab-407f-ba89-c0125281c563",
        "zendesk": "0a27232b-2c6e-4396-b8c6-c9fc24e37ba4",
    }
    assert discover() is discover()


@pytest.mark.parametrize("key", sorted(discover()))
def test_a_connector_is_complete(key: str) -> None:
    source = discover()[key]
    assert source.key == key
    assert source.title
    assert source.auth_spec
    assert any(isinstance(param, Secret) for param in source.auth_params)
    assert (source.flow_spec is None) != (source.flow_spec_id is None)


def test_a_parameter_is_found_by_name() -> None:
    servicenow = discover()["servicenow"]
    assert servicenow.param("endpoint") == Param("endpoint")
    assert servicenow.param("password") == Secret("password")
    assert servicenow.param("server") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${env:SERVICENOW_PASSWORD}", True),
        ("${file:/run/secrets/my password}", True),
        ("${env:}", False),
        ("${env:A B}", False),
        ("x${env:A}", False),
        ("${env:A}${env:B}", False),
        ("${secret:A}", False),
        ("hunter2", False),
    ],
)
def test_a_reference_is_a_whole_text(text: str, expected: bool) -> None:
    assert is_reference(text) is expected


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret \r\n")
    assert resolve_secret("${env:PASSWORD}", {"PASSWORD": "s3cret"}) == "s3cret"
    assert resolve_secret(f"${{file:{tmp_path}/password}}", {}) == "s3cret "


def test_an_error_names_the_reference_and_never_a_value(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"s3cret\xff")
    expected = {
        "${env:MISSING}": "${env:MISSING}: the variable is not set",
        "${env:EMPTY}": "${env:EMPTY}: the variable is not set",
        f"${{file:{tmp_path}/no}}": f"${{file:{tmp_path}/no}}: the file cannot be read (No such file or directory)",
        f"${{file:{tmp_path}/empty}}": f"${{file:{tmp_path}/empty}}: the file is empty",
        f"${{file:{tmp_path}/binary}}": f"${{file:{tmp_path}/binary}}: the file is not UTF-8 text",
        "s3cret": "a secret must be given as ${env:NAME} or ${file:PATH}",
    }
    for reference, message in expected.items():
        with pytest.raises(SecretError) as caught:
            resolve_secret(reference, {"EMPTY": "", "OTHER": "s3cret"})
        assert str(caught.value) == message


def test_a_connector_is_added_by_dropping_one_file(tmp_path: Path) -> None:
    """The one that docs/connectors.md shows, in a copy of the packages: known to manifest, plan, emulator and run."""
    example = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "connectors.md").read_text(), re.DOTALL)
    assert example is not None
    for package in ("engine", "workflows", "migrations"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "workflows" / "sources" / "freshdesk.py").write_text(example[1])
    (tmp_path / "sources.yaml").write_text(MANIFEST)
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    python = [sys.executable, "-P", "-m"]

    def headway(*arguments: str) -> str:
        ended = subprocess.run(
            [*python, "workflows.cli", *arguments],
            check=False,
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    assert "freshdesk" in headway("init", "--schema")
    assert 'base connection "Freshdesk" (shared)' in headway("plan", "sources.yaml")
    command = [*python, "workflows.emulator", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            assert emulator.stdout is not None
            variables = json.loads(emulator.stdout.readline())
            environ |= {"FRESHDESK_PASSWORD": "s3cret", **settings(variables["url"])}
            assert headway("run", "sources.yaml").startswith("1 source: 1 done")
            assert headway("explore", "freshdesk").startswith("Freshdesk   base connection ")
        finally:
            emulator.terminate()


MANIFEST = """\
version: 1
sources:
  - name: acme-tickets
    connector: freshdesk
    base_connection: {auth: {host: acme.freshdesk.com, username: u, password: "${env:FRESHDESK_PASSWORD}"}}
    table: case
    columns: {sys_id: string, email: string, sys_updated_on: date-time}
    delta_column: sys_updated_on
    mappings: {sys_id: _id, email: personalEmail.address}
    schedule: {frequency: hour, interval: 1}
    target:
      class: https://ns.adobe.com/xdm/context/profile
      field_groups: [https://ns.adobe.com/xdm/context/profile-personal-details]
"""


def settings(url: str) -> dict[str, str]:
    return {
        "AEP_BASE_URL": url,
        "AEP_IMS_URL": url,
        "AEP_API_KEY": DEFAULT_CLIENT_ID,
        "AEP_CLIENT_SECRET": DEFAULT_CLIENT_SECRET,
        "AEP_SCOPES": DEFAULT_SCOPES,
        "AEP_IMS_ORG": DEFAULT_ORG,
        "AEP_SANDBOX_NAME": "dev",
    }


def test_the_docs_have_every_connector() -> None:
    text = (ROOT / "docs" / "connectors.md").read_text()
    for key, source in discover().items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{key}`")]
        assert source.title in row
        assert all(f"`{param.name}`" in row for param in source.auth_params)
        assert all(f"`{chain}`" in row for chain in source.chains)
