"""What every benchmark needs: child processes with their own account of time and memory, servers, and the results."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

import orjson

from workflows.emulator import config as emulator
from workflows.emulator.config import EmulatorConfig

ROOT = Path(__file__).parent
RESULTS = ROOT / "results"
HEADWAY = (sys.executable, "-m", "workflows.cli")
LIBRARIES = ("httptools", "httpx", "orjson", "sqlalchemy", "uvloop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one child process took: seconds of wall time, seconds of processor, most memory in MB, and what it said."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    said: str


def timed(command: Sequence[str], *, folder: Path, variables: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end. The account is the kernel's, of this child alone. Raises `CalledProcessError`."""
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env={**os.environ, **(variables or {})}, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
    said = (folder / "stdout").read_text()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, said, (folder / "stderr").read_text()[-2000:])
    return Usage(wall_s=wall, cpu_s=usage.ru_utime + usage.ru_stime, rss_mb=usage.ru_maxrss / 1024, said=said)


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a process of its own."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def cpu_s(self) -> float:
        """Seconds of processor so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def variables(self) -> dict[str, str]:
        """What a client's environment must say."""
        return {
            "AEP_BASE_URL": self.url,
            "AEP_IMS_URL": self.url,
            "AEP_IMS_ORG": emulator.DEFAULT_ORG,
            "AEP_API_KEY": emulator.DEFAULT_CLIENT_ID,
            "AEP_CLIENT_SECRET": emulator.DEFAULT_CLIENT_SECRET,
            "AEP_SCOPES": emulator.DEFAULT_SCOPES,
            "AEP_SANDBOX_NAME": emulator.DEFAULT_SANDBOX,
        }

    def ask(self, path: str, method: str = "GET") -> Any:
        """An answer of the server's own accounts."""
        with urlopen(Request(self.url + path, method=method)) as answer:  # noqa: S310 - our own server
            return orjson.loads(answer.read())


@contextmanager
def double(**options: float) -> Iterator[Server]:
    """The platform double (`double.py`)."""
    given = [f"--{name}={value}" for name, value in options.items()]
    with _serving([sys.executable, "-m", "benchmarks.double", *given], b"") as server:
        yield server


@contextmanager
def emulating(config: EmulatorConfig) -> Iterator[Server]:
    """The emulator, strict, in a process of its own."""
    with _serving(
        [sys.executable, "-m", "workflows.emulator", "--config", "-"], orjson.dumps(asdict(config))
    ) as server:
        yield server


@contextmanager
def _serving(command: Sequence[str], first: bytes) -> Iterator[Server]:
    process = subprocess.Popen(command, cwd=ROOT.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None  # noqa: S101 - both were asked for
    assert process.stdout is not None  # noqa: S101
    try:
        if first:
            process.stdin.write(first + b"\n")
            process.stdin.flush()
        yield Server(orjson.loads(process.stdout.readline())["url"], process)
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
        process.stdout.close()


class Results:
    """The file of one benchmark's measurements: one JSON object per line, written as each is made."""

    def __init__(self, name: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.path = name, folder / f"{name}.jsonl"
        self.path.write_bytes(b"")

    def add(self, what: str, **figures: Any) -> None:
        """Write one measurement, and say it."""
        rounded = {name: _rounded(value) for name, value in figures.items()}
        line = orjson.dumps({"benchmark": self.name, "what": what, **rounded, **_machine()})
        with self.path.open("ab") as file:
            file.write(line + b"\n")
        print(self.name, what, *(f"{name}={value}" for name, value in rounded.items()), flush=True)


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _machine() -> dict[str, Any]:
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": f"{os.cpu_count()} × {_processor()}, {_memory()} GB, {platform.system()}",
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
        "commit": _commit(),
    }


def _commit() -> str:
    """What is measured: the commit, and whether anything but the results themselves was changed since."""
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", f":!{RESULTS.relative_to(ROOT)}")
    return f"{commit}-dirty" if changed else commit


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments],  # noqa: S607
        cwd=ROOT, check=False, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)


def middle(values: Sequence[float]) -> float:
    """The median."""
    return median(values)


def journal_bytes(path: Path) -> int:
    """Bytes of a journal on SQLite, and of what SQLite keeps beside it."""
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """A folder that is empty at the beginning, and gone at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own_cpu() -> float:
    """Seconds of processor of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
