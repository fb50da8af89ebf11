"""`demo`: a batch onboarded on a bad day, killed twice, continued, and compared with the platform's own books."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import get_terminal_size
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, Any

import anyio
from typer import Option

from workflows.cli.calling import program, run_async
from workflows.cli.demo_day import OBJECTS, PASSWORD, SANDBOX, bad_day, manifest_of
from workflows.cli.failures import Exit, Refusal
from workflows.cli.render import bar, say
from workflows.cli.words import amount, duration

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from workflows.cli.audit import Account

SETTLE = 2.0
"""Seconds: the emulator's late effects and lagging lists are well below half of it."""
KILLED_AT = (0.25, 0.6)
"""At which shares of the steps the process is killed."""


def demo(
    folder: Annotated[
        Path | None,
        Option("--folder", metavar="DIR", help="Where manifest and journal go; by default a temporary one."),
    ] = None,
    sources: Annotated[int, Option("--sources", min=1, max=500, help="How many.")] = 24,
    seed: Annotated[int, Option("--seed", min=0, help="Of the bad day.")] = 2020,
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> int:
    """Onboard a batch against a local platform with a bad day, get killed twice on the way, and check every object.

    Needs no account and no network. Ends with 0 only if every source has its flow, nothing exists twice, nothing is
    left over, and every id and etag in the journal is the platform's.

    Example:
      headway demo
      headway demo --sources 100 --folder demo
    """
    where = folder or Path(mkdtemp(prefix="headway-demo-"))
    where.mkdir(parents=True, exist_ok=True)
    if (where / "headway.db").exists():
        raise Refusal(f"{where} has a journal already", "name another folder, or delete that one")
    return run_async(_demo, Stage(folder=where, sources=sources, seed=seed))


@dataclass(slots=True, kw_only=True)
class Stage:
    """One demonstration."""

    folder: Path
    sources: int
    seed: int
    url: str = ""
    began: float = field(default_factory=time.monotonic)
    steps: set[tuple[str, str]] = field(default_factory=set)
    """Steps that are done, as the events of all processes said."""
    finished: set[str] = field(default_factory=set)
    kills: list[float] = field(default_factory=list)
    pace: str = ""
    """How fast the platform is asked, and what holds that up."""

    @property
    def store(self) -> Path:
        """The journal."""
        return self.folder / "headway.db"

    def passed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began


async def _demo(stage: Stage) -> int:
    from workflows.cli.audit import audit

    print(
        "headway demo: a local platform with a bad day (8 % lost replies, 5 % 5xx, throttling, late effects,\n"
        f"lagging lists), {amount(stage.sources, 'source')}, killed twice on the way\n"
    )
    async with _platform(stage) as environ:
        print(f'  platform   emulator on {stage.url.removeprefix("http://")}, sandbox "{SANDBOX}" (development)')
        sys.stdout.flush()
        stage.began = time.monotonic()
        code = 0
        async with anyio.create_task_group() as group:
            if sys.stdout.isatty():
                group.start_soon(_watch, stage)
            while (ended := await _run(stage, environ)) is None:
                pass
            code = ended
            group.cancel_scope.cancel()
        seconds = stage.passed()
        account = await audit(str(stage.store), stage.url)
    return _conclude(stage, account, seconds, code)


@asynccontextmanager
async def _platform(stage: Stage) -> AsyncIterator[Mapping[str, str]]:
    """An emulator in a process of its own; gives the variables that lead to it."""
    from workflows.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SCOPES, spawn_emulator

    stage.url, emulator = await spawn_emulator(bad_day(stage.seed))
    ours = {
        "AEP_BASE_URL": stage.url,
        "AEP_IMS_URL": stage.url,
        "AEP_API_KEY": DEFAULT_CLIENT_ID,
        "AEP_CLIENT_SECRET": DEFAULT_CLIENT_SECRET,
        "AEP_SCOPES": DEFAULT_SCOPES,
        "AEP_IMS_ORG": DEFAULT_ORG,
        "AEP_SANDBOX_NAME": SANDBOX,
        "HEADWAY_STORE": str(stage.store),
        "HEADWAY_SETTLE": str(SETTLE),
        PASSWORD: "not-a-secret",
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith(("AEP_", "HEADWAY_"))}
    try:
        yield {**others, **ours}
    finally:
        emulator.terminate()
        await emulator.wait()


async def _run(stage: Stage, environ: Mapping[str, str]) -> int | None:
    """`headway run` in a process of its own, until it ends (its exit code) or is killed (None)."""
    import asyncio

    import orjson

    manifest = stage.folder / "sources.yaml"
    if not manifest.exists():
        manifest.write_text(manifest_of(stage.sources))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workflows.cli", "run", str(manifest), "--json", "--quiet",
        env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        async for line in process.stdout:
            _hear(stage, orjson.loads(line))
            if _doomed(stage):
                await _kill(stage, process)
                return None
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _hear(stage: Stage, event: dict[str, Any]) -> None:
    if event["event"] == "step_done":
        stage.steps.add((event["source"], event["step"]))
    elif event["event"] == "run_done":
        stage.finished.add(event["source"])
    if sys.stdout.isatty():
        _draw(stage)


def _draw(stage: Stage) -> None:
    done, share = len(stage.finished), 1.0
    if done < stage.sources:  # some steps were done without a word: whoever was to say so was killed
        share = min(len(stage.steps) / (stage.sources * OBJECTS), 0.99)
    line = f"  sources    {done} of {stage.sources} {bar(share, 24)} {share:4.0%}   {stage.pace}"
    print(f"\r\x1b[K{line[: get_terminal_size().columns - 1]}", end="", flush=True)


async def _watch(stage: Stage) -> None:
    """Learn from the platform's books how fast it is asked."""
    from workflows.cli.audit import look_into

    asked = refused = 0
    while True:
        await anyio.sleep(1)
        books = await look_into(stage.url)
        before, asked = asked, sum(count for methods in books["requests"].values() for count in methods.values())
        held, refused = refused, books["faults"].get("rate", 0)
        stage.pace = f"{asked - before} requests/s" + ("   limit: 429 from Flow Service" if refused > held else "")
        _draw(stage)


def _doomed(stage: Stage) -> bool:
    kills = len(stage.kills)
    return kills < len(KILLED_AT) and len(stage.steps) >= KILLED_AT[kills] * stage.sources * OBJECTS


async def _kill(stage: Stage, process: Process) -> None:
    process.kill()
    await process.wait()
    stage.kills.append(stage.passed())
    clear = "\r\x1b[K" if sys.stdout.isatty() else ""
    print(
        f"{clear}  killed     after {duration(stage.passed())} (SIGKILL), {amount(len(stage.steps), 'step')} done; "
        "the same command continues",
        flush=True,
    )


FAULTS = {"reset": "replies lost", "status": "answers 5xx", "rate": "answers 429", "late": "late effects"}
"""The emulator's kinds of faults in the words of the first line."""


def _conclude(stage: Stage, account: Account, seconds: float, code: int) -> int:
    """Say what was made, and whether all is well."""
    doubts = account.recovered + account.resent
    print("\n" if sys.stdout.isatty() else "")
    print(
        f"{amount(stage.sources, 'source')} onboarded in {duration(seconds)}: {amount(account.flows, 'flow')}, "
        f"{amount(account.live, 'resource')}, {account.twice} twice, {account.left_over} left over"
    )
    print(
        f"  {amount(doubts, 'request')} of which nobody knew whether they had taken effect: "
        f"{account.recovered} had, and were found again; {account.resent} had not, and were sent again"
    )
    faults = [f"{count} {FAULTS.get(kind, kind)}" for kind, count in account.faults.items()]
    print(f"  faults     {', '.join(faults) or 'none'}")
    print(
        f"  journal    {stage.store}   ids and etags agree with the platform: {account.agreeing} of {account.recorded}"
    )
    wrong = account.wrong(stage.sources)
    if code != Exit.DONE:
        wrong.insert(0, f"the last `headway run` ended with exit code {code}")
    if wrong:
        say("\nThis is not what was promised:\n" + "\n".join(f"  {line}" for line in wrong))
        return Exit.FAILED
    first = min(stage.finished, default="RUN")
    _propose({
        f"{program()} status --store {stage.store}": "what was made",
        f"{program()} why {first} flow --store {stage.store}": "the story of one step",
        f"{program()} init": "your own sources",
    })  # fmt: skip
    return Exit.DONE


def _propose(commands: Mapping[str, str]) -> None:
    width = max(map(len, commands))
    lines = [f"{command:<{width}}   {does}" for command, does in commands.items()]
    print("\nNext   " + "\n       ".join(lines))
