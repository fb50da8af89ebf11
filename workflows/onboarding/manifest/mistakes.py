"""Mistakes of a manifest: what is wrong, where, and what was probably meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Keys and list positions that lead from a source to one of its values."""

SHOWN = 60
_UNSAFE = {"Cc", "Cs", "Zl", "Zp"}
_DIRECTIONS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Flaw(NamedTuple):
    """A mistake that does not know its place yet: `path` leads from the source to it."""

    path: Path
    message: str
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake. `line` and `column` count from 1; both are 0 when it concerns the file as such."""

    file: str
    line: int
    column: int
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}  {self.message}" + (f"; {self.suggestion}" if self.suggestion else "")


class ManifestErrors(ValueError):
    """All mistakes of a manifest, in the order of the file; nothing was sent."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda found: (found.file, found.line, found.column, found.message))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that is nearest to `word`, as a question, or None when none is near."""
    near = nearest(word, known)
    return None if near is None else f"did you mean {quoted(near)}?"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is nearest to `word`, upper or lower case alike, or begins as it does; or None."""
    meant = word[:SHOWN].casefold()
    folded = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(meant, folded, n=1, cutoff=0.6)
    if not found and len(meant) > 2:
        found = [candidate for candidate in folded if candidate.startswith(meant) or meant.startswith(candidate)]
    return folded[found[0]] if found else None


def quoted(text: str) -> str:
    """The text in quotes, as `shown`."""
    return f'"{shown(text)}"'


def shown(text: str) -> str:
    """The text fit for a terminal: shortened, and without characters that could command it."""
    short = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    if is_safe(short):
        return short
    return "".join(char if is_safe(char) else f"\\u{ord(char):04x}" for char in short)


def listed(words: Sequence[str], most: int = 6) -> str:
    """The first words, separated by commas."""
    return ", ".join(map(shown, words[:most])) + (", …" if len(words) > most else "")


def is_safe(text: str) -> bool:
    """Whether the text has none of the characters that break lines, command terminals or turn text around."""
    return text.isprintable() or not any(unicodedata.category(char) in _UNSAFE or char in _DIRECTIONS for char in text)


class Notes:
    """Collects the mistakes of one file; the same one twice is one."""

    def __init__(self, file: str, mistakes: set[Mistake]) -> None:
        self.file = file
        self.mistakes = mistakes

    def add(self, place: tuple[int, int], message: str, suggestion: str | None = None) -> None:
        """Note a mistake at (line, column), both from 1; (0, 0) is the file as such."""
        self.mistakes.add(Mistake(self.file, *place, message, suggestion))


def unknown_word(path: Path, what: str, word: str, known: Collection[str]) -> Flaw:
    """A word that is none of those that there are."""
    near = did_you_mean(word, known)
    message = f"unknown {what} {quoted(word)}"
    return Flaw(path, message, near) if near else Flaw(path, f"{message}; there are {', '.join(known)}")
