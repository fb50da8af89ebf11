"""One emulator for each test process, a stage for each scenario over each store, and at the end one line of sums."""

from __future__ import annotations

import json
import multiprocessing.forkserver
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.cli.conftest import Platform
from tests.crash.stage import FORKS, PATIENCE, Stage, set_up
from tests.crash.stores import PostgresStore, SqliteStore, Store

ROOT = Path(__file__).parents[2]
EMULATOR = {"port": 0, "premature_grace": 1.0, "run_delay": 86_400.0}
"""A busy machine may take a second to read a Retry-After; runs of flows are other tests' business."""
TALLY = "tally"


@pytest.fixture(scope="session")
def _forks() -> None:
    """The process from which all others are forked; older Pythons let it find us by PYTHONPATH only."""
    FORKS.set_forkserver_preload(["tests.crash.child"])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(ROOT))
        multiprocessing.forkserver.ensure_running()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, subprocess.Popen[str]]]:
    """An emulator and its process."""
    config = tmp_path_factory.mktemp("emulator") / "config.json"
    config.write_text(json.dumps(EMULATOR))
    command = [sys.executable, "-m", "workflows.emulator", "--config", str(config), "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield Platform(url=json.loads(process.stdout.readline())["url"]), process
        finally:
            process.terminate()


@pytest.fixture
def platform(emulator: tuple[Platform, object]) -> Platform:
    """The emulator, empty and well, a tenth of a second away."""
    platform, _ = emulator
    platform.faults(latency=0.1)
    platform.ask("reset", {})
    return platform


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteStore:
    """A journal in a file."""
    return SqliteStore(tmp_path / "headway.db")


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> Iterator[PostgresStore]:
    """A journal in a database."""
    server = request.getfixturevalue("postgres_server")
    store = PostgresStore(server, f"crash_{uuid.uuid4().hex}")
    store.make()
    yield store
    store.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of journal."""
    store: Store = request.getfixturevalue(request.param)
    return store


@pytest.fixture
def stage(
    _forks: None, store: Store, platform: Platform, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Iterator[Stage]:
    """A stage; what happened on it is counted, whatever the verdict."""
    with set_up(tmp_path, platform, store) as stage:
        yield stage
    record_property(TALLY, asdict(stage.tally))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A scenario has as much time as its processes have patience."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(5 * PATIENCE))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line: how much happened, and what came of it."""
    sums: Counter[str] = Counter()
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if getattr(report, "when", None) == "teardown":
            for name, tally in report.user_properties:
                sums.update(tally if name == TALLY else {})
    if sums:
        terminalreporter.write_line(
            f"reality: {sums['events']} events, {sums['kills']} of them kills; {sums['continued']} runs continued; "
            f"{sums['objects']} objects, {sums['duplicates']} duplicates"
        )
