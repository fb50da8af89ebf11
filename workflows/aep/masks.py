"""Secrets of this process, and hiding them in whatever others say: they may echo what they were sent, by us or, as a
vendor behind a base connection, by the platform."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from urllib.parse import quote, quote_plus

MASK = "***"
_SHORTEST = 4
_SHORTEST_ENCODED = 8
"""Characters: what is shorter would hide words that have nothing to do with the secret."""
_OCTET = re.compile("%[0-9A-F]{2}")


class Masks:
    """Everything that is to be hidden; it only grows, as an answer may be late."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._spellings: list[str] = []
        self.add(secrets)

    def __repr__(self) -> str:
        return f"Masks({len(self._secrets)})"

    def add(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, too; those of fewer than four characters cannot be."""
        new = {secret for secret in secrets if len(secret) >= _SHORTEST} - self._secrets
        if new:
            self._secrets |= new
            self._spellings = sorted({text for one in self._secrets for text in spellings(one)}, key=len, reverse=True)

    def also(self, secrets: Sequence[str]) -> Masks:
        """Masks that hide these secrets, too; this one stays as it is."""
        return Masks([*self._secrets, *secrets]) if secrets else self

    def hide(self, text: str) -> str:
        """`text` with every secret masked. The longest are masked first: where one is part of another, masking the
        shorter would leave the rest of the longer to be read."""
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        return text


def spellings(secret: str) -> Iterator[str]:
    """How a secret may be written: as it is, in JSON, HTML or a URL, and within a longer text in base64, such as the
    header of a Basic authentication."""
    yield secret
    for plain in (True, False):
        yield json.dumps(secret, ensure_ascii=plain)[1:-1]
        yield escape(secret, quote=plain)
    for safe in ("", "/"):
        for encode in (quote, quote_plus):
            encoded = encode(secret, safe=safe, errors="replace")
            yield encoded
            yield _OCTET.sub(lambda octet: octet.group().lower(), encoded)
    yield from _in_base64(secret.encode(errors="replace"))


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters that depend on the secret alone, wherever in a group of three bytes it begins."""
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        text = b64encode(bytes(before) + secret).decode()[first:last]
        if len(text) >= _SHORTEST_ENCODED:
            yield text
            yield text.replace("+", "-").replace("/", "_")
