"""What SQLite's errors mean to people, and what to do about them."""

from __future__ import annotations

from resource import RLIM_INFINITY, RLIMIT_FSIZE, getrlimit

from sqlalchemy.exc import DBAPIError

from engine.errors import JournalUnreadable, StorageError

LIMITED = (
    "a file may not grow any more: this process has a limit",
    "raise it (ulimit -f), then run the command again; what was acknowledged is kept",
)
"""To SQLite this is a disk that does not work."""
FAILURES = (
    ("SQLITE_FULL", "the disk is full", "free some space and run the command again; what was acknowledged is kept"),
    ("SQLITE_IOERR", "the disk does not work", "see to the disk, then run the command again"),
    ("SQLITE_BUSY", "another program has locked it", "close the program that has it open, then run the command again"),
)
"""By the beginning of the error's name: what happened, and the remedy."""


def explain(error: DBAPIError | OSError, shown: str) -> StorageError:
    """The error of the journal `shown`."""
    if isinstance(error, PermissionError):
        return forbidden(shown, str(error.strerror))
    if isinstance(error, OSError):
        return StorageError(f"{shown}: {error.strerror or error}", "see to the disk, then run the command again")
    name = getattr(error.orig, "sqlite_errorname", "")
    if name == "SQLITE_IOERR_WRITE" and getrlimit(RLIMIT_FSIZE)[0] != RLIM_INFINITY:
        return StorageError(f"{shown}: {LIMITED[0]} ({error.orig})", LIMITED[1])
    for start, what, remedy in FAILURES:
        if name.startswith(start):
            return StorageError(f"{shown}: {what} ({error.orig})", remedy)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return damaged(shown, str(error.orig))
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        return forbidden(shown, str(error.orig))
    return StorageError(f"{shown}: {error.orig}", "run the command again; headway doctor examines the file")


def forbidden(shown: str, what: str) -> JournalUnreadable:
    """The system does not let us."""
    remedy = "run headway as the user who owns the file and its folder"
    return JournalUnreadable(f"{shown} cannot be opened: {what}", remedy)


def damaged(shown: str, what: str) -> JournalUnreadable:
    """The file's contents contradict themselves."""
    return JournalUnreadable(
        f"{shown} is damaged: {what}", "restore it from a backup, or move it away and rebuild it with headway recover"
    )
