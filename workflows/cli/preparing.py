"""What must hold before anything is sent: the sandbox, and a person's consent in production."""

from __future__ import annotations

import sys
from difflib import get_close_matches

from engine.errors import NotAuthorised
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
from workflows.cli.failures import Exit, Refusal
from workflows.cli.words import amount

PRODUCTION, DEVELOPMENT = "production", "development"
SERVER_ERROR = 500
"""The first status that says nothing of the request."""


async def find_sandbox(client: AepClient, credentials: Credentials) -> Sandbox:
    """The sandbox of the credentials, which must exist and be active (contract 18). An answer that cannot be read
    counts as a production sandbox; none at all, or an error of the platform's own, as an outage. Raises `Refusal`."""
    wanted = credentials.sandbox
    try:
        listed = await client.sandboxes()
    except (Unauthorized, Forbidden) as error:
        raise not_authorised(error, credentials) from error
    except Refused as error:
        raise Refusal(
            f"the platform does not serve you now: {error}",
            "nothing was sent; wait as long as it says, or some minutes, then run the command again",
            code=Exit.FAILED,
        ) from error
    except NotSent as error:
        raise Refusal(
            f"the platform cannot be reached: {error.problem.message} ({error.method} {error.path})",
            "nothing was sent; look at the network, AEP_BASE_URL and AEP_IMS_URL, then run the command again",
            code=Exit.FAILED,
        ) from error
    except (Lost, BadRequest, NotFound) as error:
        status = error.problem.status
        if isinstance(error, Lost) and (status is None or status >= SERVER_ERROR):
            raise Refusal(
                f"the platform does not answer: {error.problem.message} ({error.method} {error.path})",
                "nothing was sent; run the command again when it is back",
                code=Exit.FAILED,
            ) from error
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
    consent_to(
        f"{sandbox.name} is {kind}, {amount(sources, 'source')} to create or change: continue?", interrupt, yes=yes
    )


def consent_to(question: str, interrupt: Interrupt, *, yes: bool) -> None:
    """Ask before something that cannot be undone. Raises `Refusal`, exit 3."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refusal(question, "needs --yes when nobody can answer; nothing was sent", code=Exit.REFUSED)
    if interrupt.ask(f"{question} [y/N] ").lower() not in ("y", "yes"):
        raise Refusal("nothing was sent", code=Exit.REFUSED)
