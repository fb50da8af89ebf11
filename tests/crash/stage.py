"""A stage: an emulator, a folder with a manifest, a journal, and `headway` as real processes that things happen to."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.machine import Timing
from tests.cli.conftest import Platform
from tests.crash.child import Script, play
from tests.crash.stores import Store

PATIENCE = 90.0
"""Seconds after which a process that should have ended has failed."""
POLL = 0.01
FORKS = multiprocessing.get_context("forkserver")
KILLED = -signal.SIGKILL
SHARED = 4
"""What the manifest's sources share: the base connection, the dataset base connection, the flow spec and a schema."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What happened on a stage."""

    events: int = 0
    kills: int = 0
    continued: int = 0
    objects: int = 0
    duplicates: int = 0


@dataclass(slots=True, kw_only=True)
class Headway:
    """One process."""

    script: Script
    process: multiprocessing.process.BaseProcess

    @property
    def out(self) -> str:
        """What it said on stdout."""
        return self.script.out.read_text()

    @property
    def err(self) -> str:
        """What it said on stderr."""
        return self.script.err.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines on stdout; a killed process may have left half of the last one."""
        return [json.loads(line) for line in self.out.splitlines(keepends=True) if line.endswith("\n")]

    def ended(self, within: float) -> bool:
        """Whether it ends within so many seconds."""
        self.process.join(within)
        return self.process.exitcode is not None

    def code(self) -> int:
        """Its exit code, once it has ended; minus the signal's number for one that was killed."""
        assert self.ended(PATIENCE), f"{' '.join(self.script.arguments)} does not end; it said: {self.err}"
        code = self.process.exitcode
        assert code is not None
        return code

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self.process.exitcode is None and self.process.pid is not None:
            os.kill(self.process.pid, number)

    def stopped(self) -> bool:
        """Whether it is frozen."""
        try:
            state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        return state == "T"


@dataclass(slots=True, kw_only=True)
class Stage:
    """One scenario's world. `sources` are onboarded; `settle` in seconds, the platform is at most half of it late.
    `gateway`: the URL by which processes reach the platform, if it is not the platform's own."""

    folder: Path
    platform: Platform
    store: Store
    gateway: str | None = None
    sources: int = 4
    settle: float = 2.0
    tally: Tally = field(default_factory=Tally)
    processes: list[Headway] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def environ(self) -> dict[str, str]:
        """The variables of every process."""
        url = self.gateway or self.platform.url
        ours = {"HEADWAY_STORE": self.store.url, "HEADWAY_SETTLE": str(self.settle)}
        theirs = self.platform.environ | {"AEP_BASE_URL": url, "AEP_IMS_URL": url}
        return {"PATH": os.environ["PATH"], **theirs, **ours}

    # --- processes ----------------------------------------------------------------------------------------------------

    def start(self, *arguments: str, store: str | None = None, **how: Any) -> Headway:
        """Start a command; by default `headway run`. `how`: more fields of its `Script`."""
        manifest = self.folder / "sources.yaml"
        if not manifest.exists():
            manifest.write_text(manifest_of(self.sources))
        number = next(self._numbers)
        script = Script(
            arguments=arguments or ("run", manifest.name, "--json"),
            folder=self.folder,
            environ=self.environ | ({} if store is None else {"HEADWAY_STORE": store}),
            out=self.folder / f"{number:02}.out",
            err=self.folder / f"{number:02}.err",
            **how,
        )
        process = FORKS.Process(target=play, args=(script,))
        process.start()
        headway = Headway(script=script, process=process)
        self.processes.append(headway)
        return headway

    def run(self, **how: Any) -> int:
        """`headway run` to its end; its exit code. One that falls into its trap is an event."""
        headway = self.start(**how)
        code = headway.code()
        if code == KILLED:
            self.happened(kill=True)
        return code

    def kill(self, headway: Headway) -> None:
        """Kill it, unless it is done already."""
        headway.send(signal.SIGKILL)
        if headway.code() == KILLED:
            self.happened(kill=True)

    def frozen(self, **how: Any) -> Headway:
        """A process that stopped itself in its trap (SIGSTOP), and whom the send window has passed by since."""
        headway = self.start(**how)
        self.until(headway.stopped, headway)
        self.outlast(headway)
        return headway

    def freeze(self, headway: Headway) -> None:
        """Stop it wherever it is; nothing happens when it has ended already."""
        headway.send(signal.SIGSTOP)
        self.until(headway.stopped, headway)
        self.outlast(headway)

    def outlast(self, headway: Headway) -> None:
        """Let the send window pass by a process that is frozen."""
        if not headway.ended(Timing(settle=self.settle).send_window * 1.5):
            self.happened()

    def thaw(self, headway: Headway) -> int:
        """Wake it; its exit code."""
        headway.send(signal.SIGCONT)
        return headway.code()

    def happened(self, *, kill: bool = False) -> None:
        """Count an event."""
        self.tally.events += 1
        self.tally.kills += kill

    def finish(self, code: int = 0, *, tries: int = 1) -> Headway:
        """`headway run` until it ends with `code`, at most so many times; anything else fails the test."""
        headway = None
        for _ in range(tries):
            headway = self.start()
            self.tally.continued += 1
            if headway.code() == code:
                return headway
        assert headway is not None
        raise AssertionError(f"exit code {headway.code()}, not {code}: {headway.err}{headway.out[-2000:]}")

    def forget(self) -> None:
        """What was announced so far is about to be deleted."""
        self.clear()
        self.processes.clear()

    def clear(self) -> None:
        """Whatever still runs is killed."""
        for headway in self.processes:
            headway.send(signal.SIGKILL)
            headway.process.join()

    # --- the platform -------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], object], headway: Headway) -> None:
        """Wait for something that a process is about to bring about; or for its end."""
        deadline = time.monotonic() + PATIENCE
        while not headway.ended(POLL) and not condition():
            assert time.monotonic() < deadline, f"nothing happens; it said: {headway.err}"

    def until_posts(self, count: int, headway: Headway) -> None:
        """Wait until so many more requests that create have reached the platform."""
        before = self.platform.posts()
        self.until(lambda: self.platform.posts() >= before + count, headway)

    def posts(self) -> Counter[str]:
        """Requests that change something, per service and method, apart from those for tokens."""
        requests = self.platform.report()["requests"]
        return Counter(
            {
                f"{method} {family}": count
                for family, methods in requests.items()
                for method, count in methods.items()
                if family != "ims" and method != "GET"
            }
        )

    # --- what became of it --------------------------------------------------------------------------------------------

    def status(self) -> list[dict[str, Any]]:
        """The runs as `headway status --json` shows them."""
        headway = self.start("status", "--json")
        assert headway.code() == 0, headway.err
        return headway.lines

    def announced(self) -> Iterator[tuple[str, str, str]]:
        """Every (source, step, id) that any process called done."""
        for headway in self.processes:
            for line in headway.lines:
                if line.get("event") == "step_done":
                    yield line["source"], line["step"], line["id"]


@contextmanager
def set_up(folder: Path, platform: Platform, store: Store, **how: Any) -> Iterator[Stage]:
    """A stage whose processes are gone at the end."""
    stage = Stage(folder=folder, platform=platform, store=store, **how)
    try:
        yield stage
    finally:
        stage.clear()


def manifest_of(sources: int) -> str:
    """Sources of both chains over one base connection, which is created, too; every third shares its target schema."""
    head = """\
version: 1
defaults:
  connector: servicenow
  base_connection:
    name: ServiceNow
    auth: {endpoint: "https://acme.service-now.com", username: integration, password: "${env:SERVICENOW_PASSWORD}"}
  columns: {sys_id: string, caller_name: string, caller_email: string, sys_updated_on: date-time}
  delta_column: sys_updated_on
  mappings: {sys_id: _id, caller_name: person.name.fullName, caller_email: personalEmail.address}
  schedule: {frequency: hour, interval: 1}
  target:
    class: https://ns.adobe.com/xdm/context/profile
    field_groups:
      - https://ns.adobe.com/xdm/context/profile-person-details
      - https://ns.adobe.com/xdm/context/profile-personal-details
sources:
"""
    return head + "".join(map(_source, range(sources)))


def _source(number: int) -> str:
    source = f"  - name: team-{number}\n    table: incident\n"
    if number % 3 == 2:
        source += "    target: {schema: people}\n"
    if number % 4 == 3:
        source += "    chain: tabular\n"
    return source
