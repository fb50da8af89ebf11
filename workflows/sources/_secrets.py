"""References to secrets: the manifest, the journal and the logs hold these, never the secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_REFERENCE = re.compile(r"\$\{(?:env:([A-Za-z_][A-Za-z0-9_]*)|file:([^{}\x00-\x1f]+))\}")


class SecretError(LookupError):
    """A reference leads nowhere. The text names the reference, never a value."""


def is_reference(text: str) -> bool:
    """Whether the whole text is `${env:NAME}` or `${file:PATH}`."""
    return _REFERENCE.fullmatch(text) is not None


def resolve_secret(ref: str, environ: Mapping[str, str]) -> str:
    """The value behind `${env:NAME}` or `${file:PATH}` (its last line break left out).

    Raises SecretError when `ref` is no reference, its variable is unset or empty, or its file
    cannot be read, is not UTF-8 or is empty.
    """
    match = _REFERENCE.fullmatch(ref)
    if match is None:
        raise SecretError("a secret must be given as ${env:NAME} or ${file:PATH}")
    variable, path = match.groups()
    value = environ.get(variable, "") if variable else _read(ref, path)
    if not value:
        raise SecretError(f"{ref}: the {'variable is not set' if variable else 'file is empty'}")
    return value


def _read(ref: str, name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise SecretError(f"{ref}: the file cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SecretError(f"{ref}: the file is not UTF-8 text") from None
