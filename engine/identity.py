"""Who a run is: derived, so that everybody derives the same. Pure."""

from __future__ import annotations

import base64
import hashlib

from engine.model import Scope


def run_id(workflow: str, scope: Scope, source: str, *, shared: bool = False) -> str:
    """The id of a run: 16 characters derived from (workflow, gateway, org, sandbox, source name or share key)."""
    parts = (workflow, scope.gateway, scope.org, scope.sandbox, "shared" if shared else "run", source)
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=10).digest()
    return base64.b32encode(digest).decode().lower()
