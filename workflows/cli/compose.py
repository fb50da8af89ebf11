"""THE composition root: credentials, the gate, the client, the resources, the engine. Nothing else wires anything."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from engine.api import Engine, masked
from engine.clock import SystemClock
from engine.identity import run_id
from engine.model import RunState, RunStatus, Scope
from engine.pacing import Pacing
from engine.session import Notice
from workflows.aep import AepClient, Credentials, CredentialsMissing, PlatformTime, load_credentials
from workflows.cli.calling import called_briefly
from workflows.cli.failures import Refusal
from workflows.cli.options import Changing, Driving
from workflows.onboarding.access import secrets_of
from workflows.onboarding.chains import onboarding
from workflows.onboarding.inputs import decode
from workflows.resources import all_resources

WORKFLOW = onboarding.name
"""The name that all chains share, so that a source has one run whatever its chain."""

NEEDED = {"AEP_API_KEY": "-", "AEP_ACCESS_TOKEN": "-"}
"""What a command that sends nothing does not need, given so that only the rest is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Everything that a command at work has in its hands."""

    engine: Engine
    client: AepClient
    gate: Pacing
    credentials: Credentials

    def scope(self, created: str | None = None) -> Scope:
        """The world that the credentials lead to; `created` is the sandbox's creation date."""
        return scope_of(self.credentials, created)


def scope_of(credentials: Credentials, created: str | None = None) -> Scope:
    """The gateway, organisation and sandbox of these credentials."""
    return Scope(
        gateway=credentials.base_url, org=credentials.ims_org, sandbox=credentials.sandbox, created=created or None
    )


def read_credentials(file: Path | None) -> Credentials:
    """From the variables and the file. Raises `CredentialsMissing` or `CredentialsInvalid`."""
    return load_credentials(os.environ, file, {})


def read_scope(file: Path | None, created: str | None = None) -> Scope | None:
    """The world that the variables name, for commands that send nothing; None when they do not say."""
    try:
        return scope_of(load_credentials(os.environ, file, NEEDED), created)
    except CredentialsMissing:
        return None


@asynccontextmanager
async def working(
    options: Driving,
    credentials: Credentials,
    *,
    observer: Callable[[Notice], None],
    stop_at: Callable[[int], bool] = lambda _failed: False,
    read_only: bool = False,
) -> AsyncIterator[App]:
    """The engine over an open, locked journal, and the client that it works with. Sends nothing by itself.

    `read_only`: the journal is only read, also while another process works on it."""
    clock, rng = PlatformTime(SystemClock()), SystemRandom()
    gate = Pacing(
        boot=clock.boot,
        rng=rng,
        concurrency=options.concurrency,
        rate=options.rate,
        on_pause=lambda family, seconds: engine.pause(family, seconds),  # noqa: PLW0108 - the engine comes later
    )
    async with (
        AepClient(credentials, gate=gate, clock=clock, on_date=clock.hear, rng=rng) as client,
        Engine(
            options.store,
            workflows=[onboarding],
            resources=all_resources(client),
            settle=options.settle,
            concurrency=options.concurrency,
            max_attempts=options.max_attempts,
            max_failures=stop_at,
            observer=observer,
            gate=gate,
            clock=clock,
            rng=rng,
            command=called_briefly(),
            read_only=read_only,
            replace=isinstance(options, Changing) and options.replace,
            refresh=isinstance(options, Changing) and options.refresh,
            delete_data=isinstance(options, Changing) and options.delete_data,
        ) as engine,
    ):
        yield App(engine=engine, client=client, gate=gate, credentials=credentials)


def conceal(client: AepClient, run: RunState) -> None:
    """Mask the secrets of a run's base connection, which the process that made it knew, wherever its vendor echoes
    them."""
    client.conceal(secrets_of(decode(run.inputs), os.environ))


@asynccontextmanager
async def looking(store: str, *, replace: bool = False, delete_data: bool = False) -> AsyncIterator[Engine]:
    """The engine over a journal that is only read, also while another process works on it; its resources compare, and
    cannot send."""
    async with Engine(
        store,
        workflows=[onboarding],
        resources=all_resources(None),
        read_only=True,
        replace=replace,
        delete_data=delete_data,
        command=called_briefly(),
    ) as engine:
        yield engine


async def require(engine: Engine) -> None:
    """Refuse to look at a journal that is not there: probably this is another folder. Raises `Refusal`."""
    if not engine.journal.name:
        raise Refusal(
            f"there is no journal at {masked(engine.store)}",
            "name it with --store; `headway recover FILE` rebuilds a lost one",
        )


async def find_runs(engine: Engine, wanted: Iterable[str]) -> list[RunState]:
    """The runs of these source names or run ids, in every sandbox that the journal knows. Raises `Refusal` for names
    that it does not know, all at once."""
    await require(engine)
    scopes = await engine.journal.scopes()
    found: list[RunState] = []
    missing: list[str] = []
    for name in wanted:
        ids = {name, *(run_id(WORKFLOW, scope, name) for scope in scopes)}
        runs = [run async for run in engine.journal.stream(run_ids=ids)]
        found += runs
        if not runs:
            missing.append(name)
    if missing:
        raise Refusal("\n".join([await _unknown(engine, name) for name in missing]), "`headway status` lists the runs")
    return found


async def find_run(engine: Engine, name: str) -> RunState:
    """The one run of this source name or run id. Raises `Refusal`."""
    runs = await find_runs(engine, [name])
    if len(runs) > 1:
        ids = ", ".join(f"{run.run_id} (sandbox {run.scope.sandbox})" for run in runs)
        raise Refusal(f"{name!r} is in several sandboxes: {ids}", "give the id instead of the name")
    return runs[0]


async def _unknown(engine: Engine, name: str) -> str:
    """That the journal has no such run; and which one was probably meant, if it is not too large to look."""
    from difflib import get_close_matches

    text = f"the journal {masked(engine.store)} has no run {name!r}"
    if sum((await engine.journal.counts()).values()) <= 10_000:
        names = [run.source async for run in engine.journal.stream(statuses=tuple(RunStatus))]
        if near := get_close_matches(name, names, n=1):
            return f"{text}; did you mean {near[0]!r}?"
    return text
