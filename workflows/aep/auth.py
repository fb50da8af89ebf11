"""The access token: given, or fetched from IMS by OAuth server-to-server and renewed before it ends (contract 2).

Asking IMS is idempotent, so failures are retried. One task asks for all that wait; if it is cancelled, the next one
asks. Tokens appear in no log, error or repr.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import urlencode

import anyio
import httpx
import orjson

from workflows.aep.credentials import Credentials
from workflows.aep.errors import AepError, Lost, NotSent, Problem, Refused, Unauthorized, error_for, parse_problem
from workflows.aep.exchange import exchange
from workflows.aep.masks import Masks
from workflows.aep.retry import PATIENCE, pause
from workflows.aep.seams import Clock
from workflows.aep.transport import TIMEOUTS

PATH = "/ims/token/v3"
_WHERE = ("POST", PATH)
EARLY = 500.0
"""Seconds before its end at which a token is renewed; a tenth of its life if that is less."""

ATTEMPTS = 4
_RESPITE = 30.0  # seconds for which a token that still works is used after it could not be renewed
_UNSTATED_LIFE = 3_600.0
_MILLISECONDS_ABOVE = 1e7

Sleep = Callable[[float], Awaitable[object]]


class TokenSource:
    """Tokens for one set of credentials; share it between all callers."""

    def __init__(
        self, credentials: Credentials, transport: httpx.AsyncBaseTransport, clock: Clock, rng: Random, sleep: Sleep
    ) -> None:
        self._credentials = credentials
        self._transport = transport
        self._clock = clock
        self._rng = rng
        self._sleep = sleep
        self.masks = Masks(credentials.secrets)
        """Secrets that an answer may echo: those of the caller, and every token."""
        self._token = credentials.access_token
        self._renew_at = self._ends_at = float("inf")
        self._asking = anyio.Lock()
        self._rounds = 0
        self._failure: AepError | None = None

    def __repr__(self) -> str:
        return f"TokenSource({'given' if self.given else self._credentials.ims_url})"

    @property
    def given(self) -> bool:
        """Whether the token was given, so that it cannot be renewed."""
        return self._credentials.access_token is not None

    @property
    def fresh(self) -> bool:
        """Whether there is a token that need not be renewed yet."""
        return self._token is not None and self._clock.boot() < self._renew_at

    @property
    def life(self) -> float | None:
        """Seconds for which the token still works; None when it was given, so that nobody said, or there is none."""
        return None if self.given or self._token is None else self._ends_at - self._clock.boot()

    def now(self) -> str | None:
        """The token, if there is one that still works; never waits."""
        return self._token if self._clock.boot() < self._ends_at else None

    async def get(self) -> str:
        """A token that lasts for a while. Raises `NotSent` if IMS cannot be asked, `Unauthorized` if it refuses."""
        if self._token is not None and self._clock.boot() < self._renew_at:
            return self._token
        try:
            return await self._ask(lambda: not self.fresh)
        except NotSent:
            token = self.now()
            if token is None:
                raise
            self._renew_at = min(self._clock.boot() + _RESPITE, self._ends_at)
            return token

    async def replace(self, failed: str) -> str:
        """A token other than `failed`, which the platform refused; asks only if nobody has since. Raises as `get`."""
        return await self._ask(lambda: self._token == failed)

    async def _ask(self, needed: Callable[[], bool]) -> str:
        seen = self._rounds
        async with self._asking:
            if self._token is not None and not needed():
                return self._token
            if self._failure is not None and self._rounds != seen:  # whoever asked while we waited asked for us, too
                raise type(self._failure)(self._failure.problem, self._failure.method, self._failure.path)
            self._failure = None  # a cancelled round has none: the next in line asks
            try:
                return await self._renew()
            except AepError as error:
                self._failure = error
                raise
            finally:
                self._rounds += 1

    async def _renew(self) -> str:
        attempt = 1
        while True:
            asked_at = self._clock.boot()
            try:
                return self._take(await self._fetch(), asked_at)
            except (Lost, Refused, NotSent) as error:
                problem = error.problem
                if attempt >= ATTEMPTS or (problem.retry_after or 0.0) > PATIENCE:
                    raise NotSent(replace(problem, message=f"no access token: {problem.message}"), *_WHERE) from error
            except AepError as error:
                raise Unauthorized(error.problem, *_WHERE) from error
            await self._sleep(pause(attempt, self._rng, problem.retry_after))
            attempt += 1

    async def _fetch(self) -> bytes:
        who = self._credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": who.api_key,
            "client_secret": who.client_secret or "",
            "scope": who.scopes or "",
        }
        request = httpx.Request(
            "POST",
            who.ims_url + PATH,
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            content=urlencode(form).encode(),
            extensions={"timeout": TIMEOUTS},
        )
        reply = await exchange(self._transport, request, PATH)
        if reply.status_code != 200:
            now = self._clock.wall()
            problem = parse_problem(reply.status_code, reply.headers, reply.content, now=now, masks=self.masks)
            raise Unauthorized(problem, *_WHERE) if problem.status == 400 else error_for(problem, *_WHERE)
        return reply.content

    def _take(self, body: bytes, asked_at: float) -> str:
        token, life = _read(body)
        self.masks.add([token])
        early = min(EARLY, life / 10)
        self._ends_at = asked_at + life
        self._renew_at = self._ends_at - early
        self._token = token
        return token


def _read(body: bytes) -> tuple[str, float]:
    """The token, and the seconds that it lives. Raises `Lost` if there is none."""
    try:
        fields: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        fields = None
    token = fields.get("access_token") if isinstance(fields, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise Lost(Problem(status=200, message="IMS answered without a usable token"), *_WHERE)
    life = fields.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, int | float) or life <= 0:
        return token, _UNSTATED_LIFE
    return token, life / 1000 if life > _MILLISECONDS_ABOVE else float(life)
