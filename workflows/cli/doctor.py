"""`doctor`: everything that a run needs, looked at without changing anything, each with what to do when it is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from typer import Option

from workflows.cli.calling import run_async
from workflows.cli.failures import Exit, explain, worst
from workflows.cli.options import Calling
from workflows.cli.words import amount, duration, size

if TYPE_CHECKING:
    from workflows.aep import AepClient, Credentials

MOST = 60.0
"""Seconds by which this machine's clock may differ. Flows start and waits end by the platform's (`PlatformTime`); by
this one certificates are checked, and events are dated."""


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
    credentials = None
    created: list[str] = []  # when the sandbox was, once that is known
    try:
        credentials = read_credentials(options.credentials)
    except ValueError as error:
        findings.append(_failed("credentials", error))
    else:
        async with AepClient(credentials, attempts=3) as client:
            findings += await _platform(client, credentials, created)
    findings.append(await _finding("journal", lambda: _journal(options.store, credentials, created)))
    return findings


async def _platform(client: AepClient, credentials: Credentials, created: list[str]) -> list[Finding]:
    """What the platform says; when it lets nobody in, or has no such sandbox, nothing more is asked."""
    from workflows.cli.preparing import find_sandbox

    async def sandbox() -> Finding:
        found = await find_sandbox(client, credentials)
        created.append(found.created)
        return Finding(name="sandbox", text=f"{found.name}, {found.type}, {found.state}")

    token = await _finding("credentials", lambda: _token(client, credentials))
    if token.code:
        return [token]
    found = await _finding("sandbox", sandbox)
    if found.code is Exit.AUTH:  # every user may list the sandboxes (contract 18): these credentials are nobody's
        return [replace(found, name="credentials")]
    return [token, found, *([] if found.code else await _services(client))]


async def _token(client: AepClient, credentials: Credentials) -> Finding:
    from workflows.aep import Unauthorized
    from workflows.cli.preparing import not_authorised

    try:
        await client.prepare()
    except Unauthorized as error:
        raise not_authorised(error, credentials) from error
    life = client.token_life
    token = "the token of AEP_ACCESS_TOKEN, not renewed" if life is None else f"token for {duration(life)}"
    return Finding(name="credentials", text=f"{token}, client id {credentials.masked_key}, org {credentials.ims_org}")


async def _services(client: AepClient) -> list[Finding]:
    """What may be read and created, and how far the platform's clock is from ours."""
    from workflows.cli.permissions import SERVICES, look_around

    look = await look_around(client)
    if look.denied:
        hint = "Call it again when the platform answers"
        if look.asked_for:
            names = _and([f'"{name}"' for name in look.asked_for])
            hint = f"Ask for {names} in the integration's product profile"
        permissions = Finding(name="permissions", text="; ".join(look.denied), code=worst(look.codes), hint=hint)
    else:
        text = f"{_and([service.reads for service in SERVICES])} can be read"
        text += f"; {_and(look.allowed)} can be created" if look.allowed else ""
        text += f"; of creating {_and(look.untold)} nothing is known: no usable answer" if look.untold else ""
        permissions = Finding(name="permissions", text=text)
    return [permissions, _clock(look.ahead)]


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _clock(ahead: float | None) -> Finding:
    """`ahead`: seconds by which this machine's clock is."""
    if ahead is None:
        return Finding(name="clock", text="the platform does not say what time it is")
    said = f"{duration(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} the platform"
    if abs(ahead) <= MOST:
        return Finding(name="clock", text=said)
    hint = "Set this machine's clock, e.g. by NTP: certificates are checked by it, and events are dated"
    return Finding(name="clock", text=said, code=Exit.FAILED, hint=hint)


async def _journal(store: str, credentials: Credentials | None, created: list[str]) -> Finding:
    from engine.api import masked
    from workflows.cli.compose import looking, scope_of

    async with looking(store) as engine:
        store = masked(store)
        health = await engine.examine()
        if health is None:
            return Finding(name="journal", text=f"{store}, not there yet: the first run makes it")
        if credentials is not None:
            await engine.check_scope(scope_of(credentials, created[0] if created else None))
        runs = sum((await engine.journal.counts()).values())
        text = f"{store}, version {int(health.version)}, {amount(runs, 'run')}, {size(health.size)}, intact"
        return Finding(name="journal", text=text)


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
