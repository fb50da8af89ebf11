"""Everything the engine raises or lets a resource raise, one class per *reaction*, not per cause.

    HeadwayError
    ├── Answer                    what a verb of a resource says when it does not return (rule 3)
    │   ├── NotApplied            refused before acting: wait, send again
    │   │   └── TooLate           never left, for want of time: the same, and no attempt is charged
    │   ├── InDoubt               sent, and the outcome is unknown: find before sending again
    │   ├── Rejected              permanent: this attempt had no effect and never will
    │   ├── Conflict              somebody has that title, etag or id already
    │   └── NotReady              a state that will pass: wait, send again
    ├── Halt                      a common cause: everything stops at once, resumable
    │   ├── NotAuthorised         credentials or permissions refused
    │   └── ScopeMissing          the sandbox is unknown or cannot be used
    ├── StorageError(Halt)        the journal cannot be read or written
    │   ├── JournalLocked         another process owns it
    │   ├── JournalUnreadable     not a journal, damaged, or its folder is missing
    │   │   └── JournalOlder      written by an older headway, and only to be read
    │   ├── JournalNewer          written by a newer headway
    │   └── Fenced                this process no longer owns what it wants to write
    │       └── TakenOver         another process does
    ├── ScopeMismatch             a journal of another gateway, or of a sandbox that was reset
    ├── WorkflowError             a workflow is declared wrongly (all mistakes at once)
    ├── WorkflowChanged           unfinished runs were begun with another definition
    └── UnknownRun                no such run in the journal

A verb returns for *created*; the five `Answer` classes are the other answers. Cancellation is never caught.
What never leaves the engine stands where it is used (`active.StepFailed`).
"""

from __future__ import annotations

from engine.model import Failure


class HeadwayError(Exception):
    """Base of every error that headway raises on purpose."""


class Answer(HeadwayError):
    """An answer of the other side that is not *created*; `failure` is what people are shown."""

    def __init__(self, failure: Failure | str) -> None:
        self.failure = failure if isinstance(failure, Failure) else Failure(kind=self.kind, message=failure)
        super().__init__(self.failure.message)

    kind = "answer"


class NotApplied(Answer):
    """The request was refused before it could act (connect failure, 429).

    `retry_after` is the least number of seconds to wait, when the other side said so.
    """

    kind = "not_applied"

    def __init__(self, failure: Failure | str, retry_after: float | None = None) -> None:
        super().__init__(failure)
        self.retry_after = retry_after


class TooLate(NotApplied):
    """The request could not leave within its send window, because of a pause or of others that were out: nothing
    failed."""


class InDoubt(Answer):
    """The request left, and nobody knows whether it acted (timeout, reset, 5xx, an unreadable answer)."""

    kind = "in_doubt"


class Rejected(Answer):
    """The other side refused the request for good; only a changed input can help."""

    kind = "rejected"


class Conflict(Answer):
    """Somebody has that title, etag or id; `existing` is the id that the other side named, if it did."""

    kind = "conflict"

    def __init__(self, failure: Failure | str, existing: str | None = None) -> None:
        super().__init__(failure)
        self.existing = existing


class NotReady(Answer):
    """The resource is in a state that will pass."""

    kind = "not_ready"


class Halt(HeadwayError):
    """A cause common to all runs; everything stops, resumable. `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class NotAuthorised(Halt):
    """The credentials or their permissions were refused."""


class ScopeMissing(Halt):
    """The sandbox does not exist, or cannot be used."""


class StorageError(Halt):
    """The journal cannot be read or written."""


class JournalLocked(StorageError):
    """Another process owns the journal."""


class JournalUnreadable(StorageError):
    """What is at the journal's place is not a journal, is damaged, or its folder is missing."""


class JournalOlder(JournalUnreadable):
    """The journal was written by an older version; only opening it to write brings it up to date."""


class JournalNewer(StorageError):
    """The journal was written by a newer version; it was not touched."""


class Fenced(StorageError):
    """This process no longer owns what it wants to write (rule 1)."""


class TakenOver(Fenced):
    """Another process has taken runs of this one over."""


class ScopeMismatch(HeadwayError):
    """The journal belongs to another gateway, or to a sandbox that was reset meanwhile (rule 8)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class WorkflowError(HeadwayError):
    """A workflow is declared wrongly; `mistakes` lists them all."""

    def __init__(self, workflow: str, mistakes: list[str]) -> None:
        super().__init__(f"workflow {workflow!r}:\n" + "\n".join(f"  - {mistake}" for mistake in mistakes))
        self.mistakes = mistakes


class WorkflowChanged(HeadwayError):
    """Unfinished runs were begun with a definition that this one does not merely extend."""


class UnknownRun(HeadwayError, LookupError):
    """The journal has no such run."""
