"""Options that commands share, as frozen dataclasses: a command with a parameter of such a class gets all of them."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

from typer import BadParameter, Option

T = TypeVar("T")

STORE = "HEADWAY_STORE"


def _finite(number: float | None) -> float | None:
    """Infinity, and what is no number, are within no bounds. Raises `BadParameter`."""
    if number is not None and not math.isfinite(number):
        raise BadParameter(f"{number} is no bound: name a finite number")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What every command that reads the journal takes."""

    store: Annotated[
        str, Option("--store", metavar="PATH|URL", envvar=STORE, help="The journal: a file, or a postgresql+… URL.")
    ] = "headway.db"
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False

    def look(self, *words: str) -> str:
        """Another command that reads the journal, to be proposed: with what it needs to meet the same one."""
        from engine.api import masked

        elsewhere = self.store != (os.environ.get(STORE) or "headway.db")
        return masked(shlex.join(["headway", *words, *(["--store", self.store] if elsewhere else [])]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling(Looking):
    """What every command that calls the platform, or must know which one, takes."""

    credentials: Annotated[
        Path | None,
        Option(
            "--credentials",
            metavar="FILE",
            help="NAME=value lines; or the JSON of a Console project, a Postman environment, or aepp.",
        ),
    ] = None

    def headway(self, *words: str, defaults: Path | None = None) -> str:
        """Another command, to be proposed: with what it needs to meet the same journal, platform and manifest."""
        said = {"--defaults": defaults, "--credentials": self.credentials}
        return self.look(*words, *(word for name, value in said.items() if value for word in (name, str(value))))


Concurrency = Annotated[int, Option("--concurrency", min=1, help="Requests at once, over all services.")]
Rate = Annotated[
    float | None, Option("--rate", min=0.01, callback=_finite, help="Requests per second at most, over all services.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Driving(Calling):
    """What the commands that drive runs take."""

    concurrency: Concurrency = 64
    rate: Rate = None
    only: Annotated[
        list[str],
        Option(
            "--only", metavar="PATTERN", help="Names, globs, state:failed (or another), error:CODE; may be repeated."
        ),
    ] = dataclasses.field(default_factory=list)
    exclude: Annotated[
        list[str], Option("--exclude", metavar="PATTERN", help="Leave these out, said as for --only; goes before it.")
    ] = dataclasses.field(default_factory=list)
    max_attempts: Annotated[
        int | None, Option("--max-attempts", min=1, help="Requests that a step may spend on failures of its own.")
    ] = None
    fail_fast: Annotated[bool, Option("--fail-fast", help="Stop at the first source that fails.")] = False
    max_failures: Annotated[
        str | None, Option("--max-failures", metavar="N|N%", help="Stop when more sources than this have failed.")
    ] = None
    settle: Annotated[
        float,
        Option(
            "--settle",
            min=0.1,
            callback=_finite,
            envvar="HEADWAY_SETTLE",
            help="Seconds for which a lost request may still have an effect.",
        ),
    ] = 120.0
    yes: Annotated[bool, Option("--yes", help="Do not ask first: in a production sandbox, or before destroying.")] = (
        False
    )
    json: Annotated[bool, Option("--json", help="Events as JSON lines on stdout, the last one a summary.")] = False
    verbose: Annotated[bool, Option("-v", "--verbose", help="Log every event on stderr.")] = False
    quiet: Annotated[bool, Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing(Driving):
    """What a command takes that may put back, or take down, what runs made."""

    refresh: Annotated[
        bool,
        Option("--refresh", help="Look at what finished sources have; what others changed or deleted is put back."),
    ] = False
    replace: Annotated[bool, Option("--replace", help="Take down and make anew what cannot be changed in place.")] = (
        False
    )
    delete_data: Annotated[bool, Option("--delete-data", help="With --replace: delete also what holds data.")] = False


def check_deletes(*, replace: bool, delete_data: bool) -> None:
    """Raise `BadParameter` where what holds data may be deleted, but nothing may be replaced: it would be kept."""
    if delete_data and not replace:
        raise BadParameter("--delete-data goes with --replace: without it nothing is taken down, and all data is kept")


def flattened(function: Callable[..., T]) -> Callable[..., T]:
    """The function with the fields of its option classes as parameters of its own, which is what typer reads."""
    hints = get_type_hints(function, include_extras=True)
    kinds: dict[str, Any] = {name: kind for name, kind in hints.items() if dataclasses.is_dataclass(kind)}
    parameters = [
        parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in kinds
    ]
    for kind in kinds.values():
        parameters += _parameters(kind)

    @functools.wraps(function)
    def call(**values: Any) -> T:
        built = {
            name: kind(**{field.name: values.pop(field.name) for field in dataclasses.fields(kind)})
            for name, kind in kinds.items()
        }
        return function(**values, **built)

    setattr(call, "__signature__", inspect.Signature(parameters))  # noqa: B010 - mypy knows no such attribute
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def _parameters(kind: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default if field.default is not dataclasses.MISSING else [],
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(kind)
    ]
