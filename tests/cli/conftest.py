"""An emulator in a process of its own for each module, and `headway` as a person calls it in an empty folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from workflows.cli import main
from workflows.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SCOPES

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRET = "swordfish-4711"


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A running emulator."""

    url: str

    @property
    def environ(self) -> dict[str, str]:
        """What leads to it."""
        return {
            "AEP_BASE_URL": self.url,
            "AEP_IMS_URL": self.url,
            "AEP_API_KEY": DEFAULT_CLIENT_ID,
            "AEP_CLIENT_SECRET": DEFAULT_CLIENT_SECRET,
            "AEP_SCOPES": DEFAULT_SCOPES,
            "AEP_IMS_ORG": DEFAULT_ORG,
            "AEP_SANDBOX_NAME": "dev",
            "HEADWAY_SETTLE": "2",
            "SERVICENOW_PASSWORD": SECRET,
        }

    def ask(self, path: str, content: object = None) -> Any:
        """A control request; with content a POST."""
        body = None if content is None else json.dumps(content).encode()
        with urllib.request.urlopen(f"{self.url}/__emulator/{path}", body, timeout=10) as answer:
            return json.load(answer)

    def faults(self, *rules: str, **others: Any) -> None:
        """What goes wrong from now on."""
        self.ask("faults", {"rules": list(rules), **others})

    def hand(self) -> httpx.Client:
        """Somebody else with credentials."""
        secrets = {"client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET, "scope": DEFAULT_SCOPES}
        answer = httpx.post(f"{self.url}/ims/token/v3", data={"grant_type": "client_credentials", **secrets})
        headers = {
            "Authorization": f"Bearer {answer.json()['access_token']}",
            "x-api-key": DEFAULT_CLIENT_ID,
            "x-gw-ims-org-id": DEFAULT_ORG,
            "x-sandbox-name": "dev",
        }
        return httpx.Client(base_url=f"{self.url}/data/foundation", headers=headers)

    def report(self) -> Any:
        """The account."""
        return self.ask("report")

    def posts(self) -> int:
        """How many requests that create were made, apart from those for tokens."""
        return sum(methods.get("POST", 0) for family, methods in self.report()["requests"].items() if family != "ims")

    def objects(self) -> dict[str, dict[str, Any]]:
        """Everything that is there, by id."""
        with urllib.request.urlopen(f"{self.url}/__emulator/objects", timeout=10) as answer:
            return {entry["id"]: entry for entry in map(json.loads, answer)}


@contextmanager
def emulating(*options: str) -> Iterator[Platform]:
    """An emulator in a process of its own."""
    command = [sys.executable, "-m", "workflows.emulator", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield Platform(url=json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Platform]:
    with emulating("--port", "0") as platform:
        yield platform


@pytest.fixture
def platform(emulator: Platform) -> Platform:
    """The emulator, empty and well."""
    emulator.faults()
    emulator.ask("reset", {})
    return emulator


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


Headway = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and we are in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def offline(folder: Path, capfd: pytest.CaptureFixture[str]) -> Headway:  # noqa: ARG001
    """`headway` without any setting."""

    def call(*arguments: str) -> Ended:
        capfd.readouterr()
        code = main(arguments)
        out, err = capfd.readouterr()
        return Ended(code=code, out=out, err=err)

    return call


@pytest.fixture
def headway(platform: Platform, offline: Headway, monkeypatch: pytest.MonkeyPatch) -> Headway:
    """`headway` with the variables that lead to the emulator."""
    for name, value in platform.environ.items():
        monkeypatch.setenv(name, value)
    return offline


def spawn(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """`headway` in a process of its own."""
    command = [sys.executable, "-m", "workflows.cli", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(EXAMPLES.parent), **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def manifest(folder: Path) -> Path:
    """The reference example: three sources, of which one names a shared schema."""
    return Path(shutil.copy(EXAMPLES / "sources.yaml", folder))


@pytest.fixture
def own(folder: Path) -> Path:
    """One source with a base connection of its own, and thus a secret."""
    path = folder / "own.yaml"
    path.write_text("""\
version: 1
sources:
  - name: own-cases
    connector: servicenow
    base_connection:
      name: ServiceNow
      auth: {endpoint: https://acme.service-now.com, username: integration, password: "${env:SERVICENOW_PASSWORD}"}
    table: case
    columns: {sys_id: string, email: string, sys_updated_on: date-time}
    delta_column: sys_updated_on
    mappings: {sys_id: _id, email: personalEmail.address}
    schedule: {frequency: hour, interval: 1}
    target:
      class: https://ns.adobe.com/xdm/context/profile
      field_groups: [https://ns.adobe.com/xdm/context/profile-personal-details]
""")
    return path


@pytest.fixture
def hand(platform: Platform) -> Iterator[httpx.Client]:
    """Somebody else with credentials."""
    with platform.hand() as client:
        yield client
