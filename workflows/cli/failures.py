"""What is said, and which exit code is left, when something goes wrong: the one table (docs/commands.md)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

REPORT = "This is a mistake in headway: run it again with --debug, and report what it shows."
AGAIN = "Nothing is lost: run the command again; `headway doctor` looks closer."
CONSOLE = "Check the project in the Adobe Developer Console, then `headway doctor`."
INSTALL = "Install it again, with everything that it needs."
USED = "`COMMAND --help` shows how it is used."


class Exit(IntEnum):
    """The exit codes; several at once: see `worst`."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    REFUSED = 3
    IN_DOUBT = 4
    LOCKED = 5
    USAGE = 64
    STORAGE = 74
    AUTH = 77
    INTERRUPTED = 130


PRECEDENCE = (Exit.AUTH, Exit.STORAGE, Exit.LOCKED, Exit.USAGE, Exit.IN_DOUBT, Exit.REFUSED, Exit.FAILED)


def worst(codes: list[Exit]) -> Exit:
    """The code for several problems at once: 77, 74, 5 before 4 before 1."""
    return next((code for code in PRECEDENCE if code in codes), Exit.DONE)


class Refusal(Exception):
    """A command does not go on. `message` says what and where, `hint` what to do."""

    def __init__(self, message: str, hint: str = "", *, code: Exit = Exit.USAGE) -> None:
        super().__init__(message)
        self.hint, self.code = hint, code


def tell(error: BaseException, *, command: str, debug: bool) -> int:
    """Say on stderr what happened, and return the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else Exit.FAILED
    if isinstance(error, BrokenPipeError):
        return _unheard()
    code, text = explain(error, command=command)
    if debug:
        import traceback

        traceback.print_exception(error)
    print(text, file=sys.stderr)
    return code


def explain(error: BaseException, *, command: str = "headway") -> tuple[Exit, str]:
    """The exit code of an error, and what people are told: what happened, where, what to do."""
    match error:  # what can be said without knowing what else there is to know
        case Refusal():
            return error.code, _said(error)
        case KeyboardInterrupt():
            return Exit.INTERRUPTED, "interrupted"
        case ImportError():
            return Exit.FAILED, f"headway is not installed as it should be: {error}\n{INSTALL}"
    for kinds, code, words in _table():
        if isinstance(error, kinds):
            return code, words(error).replace("COMMAND", command)
    return Exit.FAILED, f"unexpected {type(error).__name__}: {error}\n{REPORT}"


Row = tuple[type[BaseException] | tuple[type[BaseException], ...], Exit, Callable[[Any], str]]


def _table() -> Sequence[Row]:
    """The first row that fits counts."""
    import typer

    from engine import errors as engine
    from workflows.aep import AepError, CredentialsInvalid, CredentialsMissing, Forbidden, Unauthorized
    from workflows.onboarding.manifest import ManifestErrors

    usage = typer.BadParameter.__mro__[2]  # typer keeps the class of all mistakes of a command line to itself
    return (
        (ManifestErrors, Exit.USAGE, lambda e: f"{e}\n{mistakes(len(e.mistakes))}"),
        (CredentialsMissing, Exit.AUTH, _missing),
        (CredentialsInvalid, Exit.USAGE, lambda e: "\n".join(e.mistakes)),
        (engine.NotAuthorised, Exit.AUTH, _said),
        ((engine.JournalLocked, engine.TakenOver), Exit.LOCKED, _said),
        (engine.StorageError, Exit.STORAGE, _said),
        ((engine.Halt, engine.ScopeMismatch), Exit.USAGE, _said),
        ((engine.WorkflowChanged, engine.UnknownRun), Exit.USAGE, str),
        ((engine.NotApplied, engine.InDoubt, engine.NotReady), Exit.FAILED, lambda e: f"{e}\n{AGAIN}"),
        (engine.Answer, Exit.USAGE, lambda e: f"{e}\n{e.failure.hint}" if e.failure.hint else str(e)),
        ((Unauthorized, Forbidden), Exit.AUTH, lambda e: f"{e}\n{CONSOLE}"),
        (AepError, Exit.FAILED, lambda e: f"{e}\n{AGAIN}"),
        (usage, Exit.USAGE, _misused),
        (OSError, Exit.STORAGE, lambda e: f"{e.filename or 'output'}: {e.strerror or e}"),
    )


def mistakes(count: int) -> str:
    """The last line when a manifest cannot be used."""
    return f"{count:,} mistake{'s' if count > 1 else ''}, nothing was sent."


def _missing(error: Any) -> str:
    return f"credentials are {error}".replace(". Set", ".\nSet")


def _misused(error: Any) -> str:
    """Without the words of the library that reads the option."""
    return f"{error.format_message().replace('Value error, ', '')}\n{USED}"


def _said(error: Any) -> str:
    """What happened, and as a sentence of its own what to do."""
    hint: str = getattr(error, "hint", "")
    return f"{error}\n{hint[:1].upper()}{hint[1:]}" if hint else str(error)


def _unheard() -> int:
    """Nobody reads any more (`headway status --json | head`): leave quietly, and let nothing be flushed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return Exit.DONE
