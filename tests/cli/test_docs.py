"""Every command explains itself, quickly, and is named where people read about it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Headway
from workflows import __version__
from workflows.cli import COMMANDS

ROOT = Path(__file__).parents[2]
LIGHT = {"rich", "sqlalchemy", "httpx", "aiohttp", "pydantic", "typer", "anyio", "engine"}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example_that_begins_with_it(offline: Headway, command: str) -> None:
    ended = offline(command, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: headway {command} ")
    example = ended.out.partition("Example:\n")[2].strip().splitlines()
    assert example
    assert all(line.strip().startswith(f"headway {command}") for line in example)
    assert offline("help", command).out == ended.out


def test_help_lists_every_command(offline: Headway) -> None:
    ended = offline("--help")
    assert ended.code == 0
    assert offline().out == ended.out
    for name, command in COMMANDS.items():
        assert f"  {name:<{max(map(len, COMMANDS))}}  {command.does}" in ended.out.splitlines()


def test_docs_describe_every_command() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    assert [name for name in COMMANDS if f"## {name}\n" not in text] == []


def test_help_imports_nothing_heavy_and_is_quick() -> None:
    program = "import sys; from workflows.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    took = time.monotonic() - began
    assert not LIGHT & set(ended.stderr.split())
    assert took < 2  # 0.1 s by itself; the tests share the machine


def test_version_is_that_of_the_distribution(offline: Headway) -> None:
    assert offline("--version").out == f"headway {__version__}\n"
