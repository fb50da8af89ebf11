"""Reads a manifest that a test wrote as text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workflows.onboarding.inputs import Inputs
from workflows.onboarding.manifest import ManifestErrors, check_and_spool

Read = Callable[..., list[Inputs]]
Mistakes = Callable[..., list[str]]

GOOD = """\
version: 1
defaults:
  connector: servicenow
  chain: adhoc
  base_connection: 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66
  schedule: {frequency: hour, interval: 1}
  target: {class: https://ns.adobe.com/c}
sources:
  - name: incidents
    table: incident
    columns: {sys_id: string, caller_name: string, changed: date-time}
    delta_column: changed
    mappings: {sys_id: _id, caller_name: person.name.fullName}
"""
AUTH = "base_connection: {name: now, auth: {endpoint: 'https://a', username: u, password: '${env:P}'}}"
BASE = "base_connection: 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Writes a manifest (and a file of defaults) into an empty folder, and returns its sources."""
    monkeypatch.chdir(tmp_path)

    def reads(text: str | bytes, name: str = "sources.yaml", defaults: str | None = None) -> list[Inputs]:
        Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
        if defaults is not None:
            Path("defaults.yaml").write_text(defaults)
        with check_and_spool(name, None if defaults is None else Path("defaults.yaml")) as spool:
            return [said.inputs for batch in spool.batches(2) for said in batch]

    return reads


@pytest.fixture
def mistakes(read: Read) -> Mistakes:
    """The mistakes of a manifest, as they are shown."""

    def finds(text: str | bytes, name: str = "sources.yaml", defaults: str | None = None) -> list[str]:
        try:
            read(text, name, defaults)
        except ManifestErrors as errors:
            return str(errors).splitlines()
        return []

    return finds
