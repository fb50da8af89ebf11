"""What must hold before anything is sent: the sandbox, a person's consent in production, rules and secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from engine.api import UNFINISHED
from engine.errors import Answer, NotAuthorised, UnknownRun
from engine.identity import run_id
from engine.model import Json, Known, Receipt, RunStatus, Scope
from workflows.aep import (
    AepClient,
    AepError,
    BadRequest,
    Credentials,
    Forbidden,
    Lost,
    NotFound,
    NotSent,
    Refused,
    Sandbox,
    SandboxMissing,
    Unauthorized,
)
from workflows.cli.calling import Interrupt
from workflows.cli.compose import App
from workflows.cli.failures import Exit, Refusal, mistakes
from workflows.cli.words import amount
from workflows.onboarding.chains import CHAINS, schedule_mistakes
from workflows.onboarding.inputs import Inputs
from workflows.onboarding.manifest import Spool
from workflows.sources import SecretError, is_reference, resolve_secret

PRODUCTION, DEVELOPMENT = "production", "development"
NAMED = 3
"""How many sources are named for one mistake."""


async def find_sandbox(client: AepClient, credentials: Credentials) -> Sandbox:
    """The sandbox of the credentials, which must exist and be active (contract 18). An answer that cannot be read
    counts as a production sandbox. Raises `Refusal`."""
    wanted = credentials.sandbox
    try:
        listed = await client.sandboxes()
    except (Unauthorized, Forbidden) as error:
        raise not_authorised(error, credentials) from error
    except (NotSent, Refused) as error:
        raise Refusal(
            f"the platform cannot be reached: {error.problem.message} ({error.method} {error.path})",
            "nothing was sent; look at the network, AEP_BASE_URL and AEP_IMS_URL, then run the command again",
            code=Exit.FAILED,
        ) from error
    except (Lost, BadRequest, NotFound):
        return Sandbox(name=wanted, type="unknown", state="active", created="")
    except SandboxMissing:
        listed = []
    found = next((sandbox for sandbox in listed if sandbox.name == wanted), None)
    if found is None:
        names = [sandbox.name for sandbox in listed]
        near = get_close_matches(wanted, names, n=1)
        question = f"; did you mean {near[0]!r}?" if near else ""
        known = f"it has {', '.join(names)}" if names else "it lists none to you"
        raise Refusal(
            f"organisation {credentials.ims_org} has no sandbox {wanted!r}: {known}{question}",
            "set AEP_SANDBOX_NAME to one of them; nothing was sent",
        )
    if found.state != "active":
        raise Refusal(
            f"sandbox {wanted!r} is {found.state}, only an active one can be used",
            "wait until it is active, or set AEP_SANDBOX_NAME to another; nothing was sent",
        )
    return found


def not_authorised(error: AepError | NotAuthorised, credentials: Credentials) -> Refusal:
    """The refusal of credentials, and where they came from."""
    text, after = str(error), "also after a fresh token"
    if isinstance(error, AepError):
        code = f"{error.problem.code}: " if error.problem.code else ""
        text = f"{error.says} ({code}{error.problem.message})"
        after = f"asked for a token at {credentials.ims_url}" if error.path.startswith("/ims") else after
    if credentials.access_token is not None:
        origin = "the token is that of AEP_ACCESS_TOKEN, which cannot be renewed: take a new one, or unset it"
    else:
        origin = f"{after}; secret from AEP_CLIENT_SECRET, scopes from AEP_SCOPES"
    who = f"  client id {credentials.masked_key} from AEP_API_KEY, organisation {credentials.ims_org}\n  {origin}"
    hint = "check the project in the Adobe Developer Console, then `headway doctor`"
    return Refusal(f"{text}\n{who}", hint, code=Exit.AUTH)


def kind_of(sandbox: Sandbox) -> str:
    """What kind of sandbox it is, in words; one of unknown type is treated like one for production (contract 18)."""
    return f"a {sandbox.type} sandbox" if sandbox.type in (PRODUCTION, DEVELOPMENT) else "a sandbox of unknown type"


def consent(sandbox: Sandbox, sources: int, interrupt: Interrupt, *, yes: bool) -> None:
    """Ask before anything is created in a sandbox that is not surely one for development. Raises `Refusal`, exit 3."""
    if not sources or sandbox.type == DEVELOPMENT:
        return
    kind = kind_of(sandbox)
    consent_to(f"{sandbox.name} is {kind}, {amount(sources, 'source')} to create: continue?", interrupt, yes=yes)


def consent_to(question: str, interrupt: Interrupt, *, yes: bool) -> None:
    """Ask before something that cannot be undone. Raises `Refusal`, exit 3."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refusal(question, "needs --yes when nobody can answer; nothing was sent", code=Exit.REFUSED)
    if interrupt.ask(f"{question} [y/N] ").lower() not in ("y", "yes"):
        raise Refusal("nothing was sent", code=Exit.REFUSED)


@dataclass(slots=True)
class Preflight:
    """Checks of sources that are about to be sent, each asked of the platform once per connector."""

    app: App
    scope: Scope
    manifest: str
    spool: Spool
    _rules: dict[str, Mapping[str, Json] | None] = field(default_factory=dict)
    _found: dict[str, list[str]] = field(default_factory=dict)
    _connections: set[str] = field(default_factory=set)

    async def check(self, inputs: Inputs, known: Known | None) -> None:
        """Note what is wrong with a source."""
        key = CHAINS[inputs.chain].plan(inputs).shared["flow_spec"]
        if key not in self._rules:
            self._rules[key] = await self._rules_of(inputs, key)
        rules = self._rules[key]
        for mistake in schedule_mistakes(inputs, rules) if rules is not None else ():
            self._found.setdefault(mistake, []).append(inputs.source)
        self._chain(inputs, known)
        await self._secrets(inputs, known)

    def _chain(self, inputs: Inputs, known: Known | None) -> None:
        """Whether a run would have to go on by other steps than those that it was begun with."""
        if known is not None and known.begun and known.variant != inputs.chain and known.status in UNFINISHED:
            mistake = (
                f"chain {known.variant} → {inputs.chain}: the run is unfinished; "
                f"finish it with chain: {known.variant}, or destroy it first"
            )
            self._found.setdefault(mistake, []).append(inputs.source)

    async def _rules_of(self, inputs: Inputs, key: str) -> Mapping[str, Json] | None:
        """The rules of the connector's flows, from the journal where an earlier run has read them; None when they
        cannot be had now, so that the steps will check them."""
        workflow = CHAINS[inputs.chain]
        made = await self._made(run_id(workflow.name, self.scope, key, shared=True), "flow_spec")
        if made is not None:
            return made.data
        resource: Any = self.app.engine.resources[workflow.steps["flow_spec"].resource]
        try:
            receipt: Receipt = await resource.fetch(workflow.spec(workflow.steps["flow_spec"], inputs, {}))
        except Answer:
            return None
        return receipt.data

    async def _secrets(self, inputs: Inputs, known: Known | None) -> None:
        """Whether every secret can be read that a base connection, which is not there yet, will need."""
        workflow = CHAINS[inputs.chain]
        plan = workflow.plan(inputs)
        if "base_connection" not in plan.steps:
            return
        key = plan.shared.get("base_connection")
        id = run_id(workflow.name, self.scope, key or inputs.source, shared=key is not None)
        if id in self._connections or (key is None and known is not None):
            return
        self._connections.add(id)
        if key is not None and await self._made(id, "base_connection"):
            return
        for value in inputs.base_connection.auth.values():
            try:
                if is_reference(value):
                    resolve_secret(value, os.environ)
            except SecretError as error:
                self._found.setdefault(f"base_connection: {error}", []).append(inputs.source)

    async def _made(self, shared_id: str, step: str) -> Receipt | None:
        """The receipt of a shared step that is done."""
        try:
            run = await self.app.engine.journal.load(shared_id)
        except UnknownRun:
            return None
        return run.steps[step].receipt if run.status is RunStatus.DONE else None

    def close(self) -> None:
        """Refuse, if anything was wrong, with everything that was. Raises `Refusal`."""
        if not self._found:
            return
        lines = [f"{self._places(sources)}  {mistake}" for mistake, sources in self._found.items()]
        raise Refusal("\n".join([*lines, mistakes(len(lines))]))

    def _places(self, sources: list[str]) -> str:
        lines = [f"{self.manifest}:{self.spool.line_of(source) or 1}" for source in sources[:NAMED]]
        more = f" and {len(sources) - NAMED:,} more" if len(sources) > NAMED else ""
        return ", ".join(lines) + more
