"""Seals: salted hashes that tell whether secrets are still those that were sent, and nothing else (decision 5)."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import partial
from hashlib import scrypt

import anyio
import orjson
from anyio.to_thread import run_sync

SALT = 16
"""Random bytes in each seal: equal secrets have different seals, and no table of hashes helps."""
COST = 2**14
"""Of scrypt: 16 MB and some 50 ms for each guess of somebody who has the journal."""
AT_ONCE = 2
"""So many hashes are computed at once: each takes its 16 MB, and a batch may have many base connections."""


class Seals:
    """Makes seals, and compares secrets with seals; each hash is computed once in a process."""

    def __init__(self) -> None:
        self._made: dict[bytes, str] = {}
        self._held: dict[tuple[str, bytes], bool] = {}
        self._places = anyio.CapacityLimiter(AT_ONCE)

    async def seal(self, values: Mapping[str, str]) -> str:
        """The seal of these secrets."""
        text = _text(values)
        if text not in self._made:
            salt = secrets.token_bytes(SALT)
            self._made[text] = f"{_encoded(salt)}.{_encoded(await self._hashed(text, salt))}"
        return self._made[text]

    async def fits(self, seal: str, values: Mapping[str, str]) -> bool:
        """Whether these are the secrets that were sealed."""
        text = _text(values)
        key = seal, text
        if key not in self._held:
            salt, _, kept = seal.partition(".")
            self._held[key] = hmac.compare_digest(_encoded(await self._hashed(text, b64decode(salt))), kept)
        return self._held[key]

    async def _hashed(self, text: bytes, salt: bytes) -> bytes:
        """In a thread, as nothing else could go on meanwhile."""
        hashing = partial(scrypt, text, salt=salt, n=COST, r=8, p=1, dklen=32)
        return await run_sync(hashing, limiter=self._places)


def _text(values: Mapping[str, str]) -> bytes:
    return orjson.dumps(dict(values), option=orjson.OPT_SORT_KEYS)


def _encoded(data: bytes) -> str:
    return b64encode(data).decode()
