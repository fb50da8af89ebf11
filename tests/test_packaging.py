"""The wheel: complete, and alive in an empty folder far from the checkout."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import workflows

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
PACKAGES = ("engine", "workflows", "migrations")


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ".")
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel and our dependencies, but not the checkout."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    (installed,) = folder.glob("lib/python*/site-packages")
    # A path named here is searched, but .pth files in it are not read: our editable install stays outside.
    (installed / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def answer(*command: str | Path, cwd: Path) -> str:
    """What a command prints; no variable of the caller's leads its Python back to the checkout."""
    finished = subprocess.run(
        command,
        check=False,
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PACKAGES],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    expected = {name for name in tracked.stdout.split("\0") if name and (ROOT / name).exists()}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == expected
    assert {"engine/py.typed", "migrations/env.py", "workflows/__init__.py"} <= packed


def test_wheel_says_who_it_is(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    archive = zipfile.ZipFile(wheel)
    (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    assert info == f"headway-{workflows.__version__}.dist-info"
    entry_points = archive.read(f"{info}/entry_points.txt").decode()
    assert f"headway = {project['scripts']['headway']}" in entry_points
    assert f"{info}/licenses/LICENSE" in archive.namelist()


@pytest.mark.parametrize("package", PACKAGES)
def test_installed_package_is_the_wheel_not_the_checkout(python: Path, package: str, tmp_path: Path) -> None:
    where = answer(python, "-c", f"import {package}; print({package}.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(python.parents[1])


def test_installed_command_works_in_an_empty_folder(python: Path, tmp_path: Path) -> None:
    assert "onboard" in answer(python.parent / "headway", "--help", cwd=tmp_path).lower()
    assert list(tmp_path.iterdir()) == []


def test_installed_engine_makes_its_journal_from_the_migrations_of_the_wheel(python: Path, tmp_path: Path) -> None:
    program = """
import anyio
from engine.clock import SystemClock
from engine.journal import open_journal

async def make() -> None:
    async with open_journal("headway.db", command="test", clock=SystemClock()):
        pass

anyio.run(make)
"""
    answer(python, "-c", program, cwd=tmp_path)
    assert (tmp_path / "headway.db").stat().st_size > 0


def test_lock_names_no_index_and_has_a_hash_for_every_release() -> None:
    lines = LOCK.read_text().splitlines()
    assert not [line for line in lines if "://" in line or line.startswith("-")]
    releases = [number for number, line in enumerate(lines) if "==" in line]
    assert [lines[number] for number in releases if "--hash=sha256:" not in lines[number + 1]] == []


def test_lock_serves_what_pyproject_asks_for() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    asked = [*project["dependencies"], *settings["build-system"]["requires"], *settings["dependency-groups"]["dev"]]
    asked += [line for extra in project["optional-dependencies"].values() for line in extra]
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK.read_text(), re.MULTILINE))
    for requirement in map(Requirement, asked):
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier, "pyproject.toml changed: make lock"
