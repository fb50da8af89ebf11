"""The connectors, one file each; a new one needs no other edit.

A file `x.py` here defines `SOURCE = SourceType(...)`. The manifest, the command line, the
emulator's catalogue and the docs all read `discover()`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from workflows.sources._secrets import SecretError, is_reference, resolve_secret
from workflows.sources._types import ADHOC, CHAINS, TABULAR, Param, Secret, SourceType

__all__ = [
    "ADHOC",
    "CHAINS",
    "TABULAR",
    "Param",
    "Secret",
    "SecretError",
    "SourceType",
    "discover",
    "is_reference",
    "resolve_secret",
]


@cache
def discover() -> Mapping[str, SourceType]:
    """Every connector by its key, in alphabetical order."""
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    found: list[SourceType] = [import_module(f"{__name__}.{name}").SOURCE for name in names]
    return MappingProxyType({source.key: source for source in sorted(found, key=lambda source: source.key)})
