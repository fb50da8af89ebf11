"""`doctor`: everything that a run needs, looked at without changing anything, each with what to do when it is wrong."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from workflows.cli.calling import run_async
from workflows.cli.failures import Exit, explain, worst
from workflows.cli.options import Calling
from workflows.cli.words import duration, number, size

if TYPE_CHECKING:
    from workflows.aep import AepClient, Credentials

MOST = 60.0
"""Seconds by which this machine's clock may differ: a flow's start is computed by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `hint` says how to mend it."""

    name: str
    text: str
    code: Exit = Exit.DONE
    hint: str = ""


def doctor(options: Calling, json: Annotated[bool, Option("--json", help="One JSON line per check.")] = False) -> int:
    """Check credentials, sandbox, permissions, clock and journal; say how to mend what is wrong. Changes nothing.

    Example:
      headway doctor
      headway doctor --credentials project.json
    """
    findings = run_async(_examine, options)
    for finding in findings:
        if json:
            from workflows.cli.events import print_json

            hint = {"hint": finding.hint} if finding.hint else {}
            print_json({"check": finding.name, "ok": not finding.code, "text": finding.text, **hint})
        else:
            _say(finding)
    problems = [finding.code for finding in findings if finding.code]
    if not json:
        print(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}.")
    return worst(problems)


def _say(finding: Finding) -> None:
    print(f"{'FAIL' if finding.code else 'ok':<4}  {finding.name:<14}  {finding.text}")
    if finding.hint:
        print(f"      {'':<14}  {finding.hint}")


async def _examine(options: Calling) -> list[Finding]:
    from workflows.aep import AepClient
    from workflows.cli.compose import read_credentials

    findings: list[Finding] = []
    created: list[str] = []  # when the sandbox was, once that is known
    try:
        credentials = read_credentials(options.credentials)
    except ValueError as error:
        findings.append(_failed("credentials", error))
    else:
        async with AepClient(credentials, attempts=3) as client:
            findings += await _platform(client, credentials, created)
    findings.append(await _finding("journal", lambda: _journal(options, created)))
    return findings


async def _platform(client: AepClient, credentials: Credentials, created: list[str]) -> list[Finding]:
    """What the platform says; when it lets nobody in, nothing more is asked."""
    from workflows.cli.preparing import find_sandbox

    findings = [await _finding("credentials", lambda: _token(client, credentials))]
    if findings[0].code:
        return findings

    async def sandbox() -> Finding:
        found = await find_sandbox(client, credentials)
        created.append(found.created)
        return Finding(name="sandbox", text=f"{found.name}, {found.type}, {found.state}")

    findings.append(await _finding("sandbox", sandbox))
    if not findings[-1].code:
        findings += await _services(client)
    return findings


async def _token(client: AepClient, credentials: Credentials) -> Finding:
    from workflows.aep import Unauthorized
    from workflows.cli.preparing import not_authorised

    try:
        await client.prepare()
    except Unauthorized as error:
        raise not_authorised(error, credentials) from error
    origin = "a token from AEP_ACCESS_TOKEN" if credentials.access_token else "a token from IMS"
    return Finding(name="credentials", text=f"{origin}, client id {credentials.masked_key}, org {credentials.ims_org}")


SERVICES = {
    "Flow Service": ("flowservice", "/flows", {"limit": "1"}),
    "Schema Registry": ("schemaregistry", "/tenant/schemas", {"limit": "1", "orderby": "title"}),
    "Catalog": ("catalog", "/dataSets", {"limit": "1"}),
    "Data Prep": ("conversion", "/mappingSets", {"limit": "1", "start": "0"}),
}
"""A small read of each service, by its name for people."""


async def _services(client: AepClient) -> list[Finding]:
    """Whether each service may be read, and how far its clock is from ours."""
    from workflows.aep import AepError

    refused: list[str] = []
    codes: list[Exit] = []
    clocks: list[float] = []
    for name, (family, path, params) in SERVICES.items():
        headers = {"accept": "application/vnd.adobe.xed-id+json"} if family == "schemaregistry" else None
        try:
            sent = time.time()
            answer = await client.read("GET", family, path, params=params, headers=headers)
            if date := answer.headers.get("date"):
                clocks.append((sent + time.time()) / 2 - parsedate_to_datetime(date).timestamp() - 0.5)
        except AepError as error:
            refused.append(f"{name}: {error.problem.message} ({error.problem.code or 'no answer'})")
            codes.append(explain(error)[0])
    if refused:
        hint = "ask for the permission in the product profile of the integration"
        permissions = Finding(name="permissions", text="; ".join(refused), code=worst(codes), hint=hint)
    else:
        permissions = Finding(name="permissions", text=f"{', '.join(SERVICES)} can be read")
    return [permissions, _clock(clocks)]


def _clock(differences: list[float]) -> Finding:
    """`differences`: seconds by which this machine is ahead; an answer's date has whole seconds."""
    if not differences:
        return Finding(name="clock", text="the platform does not say what time it is")
    ahead = min(differences, key=abs)
    said = "as the platform's" if abs(ahead) < 1 else f"{duration(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}"
    if abs(ahead) <= MOST:
        return Finding(name="clock", text=said)
    return Finding(name="clock", text=said, code=Exit.FAILED, hint="set this machine's clock, e.g. by NTP")


async def _journal(options: Calling, created: list[str]) -> Finding:
    from engine.api import masked
    from workflows.cli.compose import looking, read_scope

    store = masked(options.store)
    async with looking(options.store) as engine:
        if not engine.journal.name:
            return Finding(name="journal", text=f"{store}, not there yet: the first run makes it")
        scope = read_scope(options.credentials, created[0] if created else None)
        if scope is not None:
            await engine.check_scope(scope)
        runs = sum((await engine.journal.counts()).values())
        return Finding(name="journal", text=f"{store}, {number(runs)} runs{_bytes(options.store)}")


def _bytes(store: str) -> str:
    file = Path(store)
    return f", {size(file.stat().st_size)}" if file.is_file() else ""


async def _finding(name: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    """What a look finds; an error is a finding, too."""
    from engine.errors import HeadwayError
    from workflows.aep import AepError
    from workflows.cli.failures import Refusal

    try:
        return await look()
    except (HeadwayError, AepError, Refusal, ValueError) as error:
        return _failed(name, error)


def _failed(name: str, error: Exception) -> Finding:
    code, text = explain(error, command="headway doctor")
    what, _, hint = text.partition("\n")
    return Finding(name=name, text=what, code=code, hint=hint.replace("\n", "\n" + " " * 22))
