"""From what happened to a request to what the engine does about it: one table (contract 12.1, rule 3).

    NotSent, Refused             NotApplied     wait, send again
    WindowClosed                 TooLate        the same, and nothing failed
    Lost                         InDoubt        find before sending again
    TitleTaken, PreconditionFailed   Conflict   somebody has it
    NotReady                     NotReady       a state that will pass
    NotFound, BadRequest         Rejected       only another request can help
    Unauthorized, Forbidden      NotAuthorised  everything stops: it is the same for all runs
    SandboxMissing               ScopeMissing   everything stops

A 404 is translated only where it is about a reference; for the object itself, the verbs say "gone".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from engine import errors as engine
from engine.model import Failure
from workflows import aep

_NUMBER = re.compile(r"[A-Z]+-(\d+)-\d{3}")
_STARTS_LATE = "1360"
"""The start passed while the request was on its way: it is computed again at the next send (rule 9)."""

_ANSWERS: tuple[tuple[type[aep.AepError], type[engine.Answer]], ...] = (
    (aep.NotSent, engine.NotApplied),
    (aep.Refused, engine.NotApplied),
    (aep.Lost, engine.InDoubt),
    (aep.TitleTaken, engine.Conflict),
    (aep.PreconditionFailed, engine.Conflict),
    (aep.NotReady, engine.NotReady),
    (aep.NotFound, engine.Rejected),
    (aep.BadRequest, engine.Rejected),
)

HINTS: Mapping[str, str] = {
    "1100": "The vendor says that this account is not entitled: look at its licence there.",
    "1302": "This connector takes another kind of credentials: look at `auth` in the manifest.",
    "1307": "The target connection must have the data lake's connection spec: report this.",
    "1308": "The vendor refused the call: look at the address and the credentials under `auth`.",
    "1327": "This connector takes another data format: try the other chain.",
    "1330": "The table has no columns, or does not exist: `headway explore` lists tables.",
    "1367": "Name a delta_column, or set the schedule's frequency to once.",
    "1412": "The mapping set was changed by somebody: run again.",
    "1413": "This organisation does not know the connector's spec id: it may not be licensed.",
    "1415": "The connector changed its kind of credentials: report this.",
    "1418": "Flows still use the base connection: delete them first.",
    "1419": "The mapping set does not fit the target schema: look at the mappings.",
    "1425": "The dataset is on another schema than the mapping: look at `target`.",
    "1430": "The flow does not exist any more.",
    "1447": "Active flows use this object: delete them first.",
    "2105": "The sandbox header is missing: look at AEP_SANDBOX_NAME.",
}
"""By the number of a Flow Service or connector code (contract 3.5)."""

_LOOK_AT_CREDENTIALS = "Check the project in the Adobe Developer Console, then run `headway doctor`."
_ASK_FOR_PERMISSION = "Ask for the permission in the product profile; `headway doctor` says which one is missing."
_LOOK_AT_SANDBOX = "Look at AEP_SANDBOX_NAME; `headway doctor` lists the sandboxes."


@contextmanager
def answers(*, passing: tuple[type[aep.AepError], ...] = ()) -> Iterator[None]:
    """Raise the engine's words for the client's errors; those of `passing` are left to the caller."""
    try:
        yield
    except aep.AepError as error:
        if isinstance(error, passing):
            raise
        raise translated(error) from error


def translated(error: aep.AepError) -> engine.HeadwayError:
    """What the engine is told instead of this error."""
    problem = error.problem
    shown = f"{problem.code}: {problem.message}" if problem.code else problem.message
    if isinstance(error, aep.Unauthorized):
        return engine.NotAuthorised(f"Adobe refused the credentials ({shown})", _LOOK_AT_CREDENTIALS)
    if isinstance(error, aep.Forbidden):
        return engine.NotAuthorised(f"Adobe does not permit this ({shown})", _ASK_FOR_PERMISSION)
    if isinstance(error, aep.SandboxMissing):
        return engine.ScopeMissing(f"the sandbox is not there ({shown})", _LOOK_AT_SANDBOX)
    kind = engine.NotReady if code_number(problem.code) == _STARTS_LATE else _kind(error)
    failure = failure_of(error, kind.kind)
    if isinstance(error, aep.WindowClosed):
        return engine.TooLate(failure)
    if isinstance(error, aep.NotSent | aep.Refused):
        return engine.NotApplied(failure, retry_after=problem.retry_after)
    if isinstance(error, aep.TitleTaken):
        return engine.Conflict(failure, existing=error.existing_id)
    return kind(failure)


def failure_of(error: aep.AepError, kind: str) -> Failure:
    """The error as people are shown it."""
    problem = error.problem
    return Failure(
        kind=kind,
        message=problem.message,
        code=problem.code,
        status=problem.status,
        hint=HINTS.get(code_number(problem.code) or ""),
        request_id=problem.request_id,
    )


def nothing_there(kind: str, ref: str) -> engine.Rejected:
    """What a user named does not exist."""
    return engine.Rejected(
        Failure(
            kind="not_found",
            message=f"there is no {kind} {ref} in this sandbox",
            hint="Look at the id in the manifest, and at AEP_SANDBOX_NAME.",
        )
    )


def _kind(error: aep.AepError) -> type[engine.Answer]:
    return next(answer for cause, answer in _ANSWERS if isinstance(error, cause))


def code_number(code: str | None) -> str | None:
    """The number in a code such as `CONNECTOR-1308-400`."""
    found = _NUMBER.fullmatch(code or "")
    return found[1] if found else None
