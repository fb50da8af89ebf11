"""`--only` and `--exclude`: which sources a command is about. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from engine.model import RunState
from workflows.cli.failures import Refusal

STATES = ("pending", "running", "waiting", "done", "failed", "in_doubt", "destroyed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a pattern can be about: a source, the state of its run, the codes of what went wrong in it."""

    source: str
    state: str = "pending"
    codes: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Patterns: a name, a glob, `state:STATE` or `error:CODE`. Excluding goes before including."""

    only: Sequence[str] = field(default_factory=tuple)
    exclude: Sequence[str] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        for pattern in (*self.only, *self.exclude):
            kind, colon, value = pattern.partition(":")
            if colon and kind == "state" and value not in STATES:
                raise Refusal(f"{pattern!r}: there is no such state", f"the states are {', '.join(STATES)}")

    @property
    def by_error(self) -> bool:
        """Whether it must be known what went wrong in a run."""
        return any(pattern.startswith("error:") for pattern in (*self.only, *self.exclude))

    def missed(self, sources: Collection[str]) -> set[str]:
        """The patterns of `only` that are about names, and that none of these sources has."""
        names = {pattern for pattern in self.only if pattern.partition(":")[0] not in ("state", "error")}
        return {name for name in names if not any(fnmatchcase(source, name) for source in sources)}

    def takes(self, subject: Subject) -> bool:
        """Whether the command is about this source."""
        if any(_matches(pattern, subject) for pattern in self.exclude):
            return False
        return not self.only or any(_matches(pattern, subject) for pattern in self.only)


def _matches(pattern: str, subject: Subject) -> bool:
    kind, colon, value = pattern.partition(":")
    if colon and kind == "state":
        return subject.state == value
    if colon and kind == "error":
        return any(fnmatchcase(code, value) for code in subject.codes)
    return fnmatchcase(subject.source, pattern)


def codes_of(run: RunState) -> set[str]:
    """The codes and kinds of what went wrong in a run."""
    failures = [run.failure, *(step.failure for step in run.steps.values())]
    return {code for failure in failures if failure for code in (failure.code, failure.kind) if code}
