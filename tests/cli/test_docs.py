"""Every command explains itself, quickly, and is named where people read about it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.model import RunStatus
from tests.cli.conftest import Headway
from workflows import __version__
from workflows.cli import COMMANDS
from workflows.cli.failures import Exit

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example_that_begins_with_it(offline: Headway, command: str) -> None:
    ended = offline(command, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: headway {command} ")
    example = ended.out.partition("Example:\n")[2].strip().splitlines()
    assert example
    assert all(line.strip().startswith(f"headway {command}") for line in example)
    assert offline("help", command).out == ended.out == offline(command, "-h").out


def test_help_lists_every_command(offline: Headway) -> None:
    ended = offline("--help")
    assert ended.code == 0
    assert offline().out == ended.out
    for name, command in COMMANDS.items():
        assert f"  {name:<{max(map(len, COMMANDS))}}  {command.does}" in ended.out.splitlines()


def test_help_names_every_exit_code(offline: Headway) -> None:
    """It is all that somebody has who installed it from an index."""
    shown = re.findall(r"(?:  |codes )(\d+) [a-z1]", offline("--help").out.partition("Exit codes")[2])
    assert [int(code) for code in shown] == [code.value for code in Exit]


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_nobody_who_reads_on_is_no_mistake(option: str) -> None:
    unread, out = os.pipe()
    os.close(unread)
    command = [sys.executable, "-m", "workflows.cli", option]
    ended = subprocess.run(command, check=False, stdout=out, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    os.close(out)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_docs_describe_every_command() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    assert [name for name in COMMANDS if f"## {name}\n" not in text] == []


def test_docs_describe_every_event() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    source = "".join(path.read_text() for path in (ROOT / "engine").glob("*.py"))
    told = {name for name in re.findall(r'\btell\(\s*"(\w+)"', source) if not name.endswith("_")}
    ended = {f"run_{status.value}" for status in RunStatus if status is not RunStatus.RUNNING}
    assert "step_done" in told
    assert [name for name in sorted(told | ended) if f"`{name}`" not in text] == []


def test_help_loads_next_to_nothing() -> None:
    def loaded(program: str) -> set[str]:
        command = [sys.executable, "-c", f"import sys; {program}; print(*sys.modules, file=sys.stderr)"]
        ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        return set(ended.stderr.split())

    more = loaded("from workflows.cli import main; main(['--help'])") - loaded("pass")
    assert {name for name in more if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "workflows",
        "workflows.cli",
    }
    assert len(more) < 40  # what a bare interpreter loads in a few milliseconds


def test_version_is_that_of_the_distribution(offline: Headway) -> None:
    assert offline("--version").out == f"headway {__version__}\n"
