"""The README followed literally, in an empty folder: every command of every block, in its order."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import SECRET, Headway, spawn

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    ROOT.glob("docs/**/*.md")
)


def commands(document: Path) -> list[list[str]]:
    """The words of each command of the document's console blocks."""
    blocks = re.findall(r"^```console\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]


def test_every_command_of_the_readme_does_what_it_says(
    offline: Headway, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, done = None, []
    try:
        for program, *arguments in commands(ROOT / "README.md"):
            if program == "make":
                assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
                continue
            assert program == "headway"
            done.append(arguments[0])
            if arguments == ["emulator"]:
                served = spawn(["emulator", "--port", "0"], folder, {})
                assert served.stdout is not None
                for line in iter(served.stdout.readline, ""):
                    if line.startswith("export "):
                        monkeypatch.setenv(*line.removeprefix("export ").strip().split("=", 1))
                    if line.startswith("# account"):
                        break
                monkeypatch.setenv("SERVICENOW_PASSWORD", SECRET)
                continue
            ended = offline(*arguments)
            assert ended.code == 0, f"{shlex.join(arguments)}:\n{ended.out}{ended.err}"
            if arguments[0] == "run":
                assert "1 done" in ended.out
    finally:
        if served is not None:
            served.send_signal(signal.SIGTERM)
            served.communicate(timeout=20)
    assert done == ["init", "plan", "emulator", "doctor", "run", "status", "why", "simulate", "bench"]
    assert {path.name for path in folder.iterdir()} == {"sources.yaml", "headway.db", "headway.db.lock"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
