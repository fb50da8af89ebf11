"""The client of the platform: safe requests that it repeats itself, and effects that are sent exactly once.

    read      safe to repeat: waits at the gate for each request, tries again after `Lost`, `NotSent` and `Refused`
    pages     a list, page by page, by `read`
    effect    creates, changes or deletes: one request on the wire, never repeated; its caller holds the permit
    prepare   makes sure of an access token, so that `effect` has nothing to wait for before it sends

Paths are relative to a service's base (contract 1.1): `("flowservice", "/flows")`. Every method raises `AepError`s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from math import inf
from random import Random
from types import TracebackType
from typing import Self

import anyio
import httpx
import orjson

from workflows.aep.address import address
from workflows.aep.auth import Sleep, TokenSource
from workflows.aep.calls import Answer, Call, Sandbox, failure, success, where
from workflows.aep.credentials import Credentials
from workflows.aep.errors import Lost, NotSent, Problem, Refused, WindowClosed, retry_after_of
from workflows.aep.exchange import exchange
from workflows.aep.paging import PAGING, SANDBOXES, Json, PageRequest, Params, Unreadable, Walk
from workflows.aep.platform_time import Dates
from workflows.aep.retry import PATIENCE, pause
from workflows.aep.seams import Clock, Gate, OpenGate, SystemClock
from workflows.aep.transport import DEPARTS, TIMEOUTS, Departing, NotYet, make_transport

CONNECTIONS = 256
"""How many connections the client's own transport may open; the gate should be the narrower place."""

_USUAL = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": "headway"}
_TYPED = {**_USUAL, "content-type": "application/json"}


class AepClient:
    """One organisation and sandbox. Use it as an async context manager; it closes only a transport of its own.

    `on_date` hears the `Date` of every answer.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        gate: Gate | None = None,
        clock: Clock | None = None,
        on_date: Callable[[str | None], None] = lambda _date: None,
        rng: Random | None = None,
        sleep: Sleep = anyio.sleep,
        attempts: int = 6,
    ) -> None:
        self._credentials = credentials
        self._owns_transport = transport is None
        self._transport = make_transport(CONNECTIONS) if transport is None else Departing(transport)
        self._gate: Gate = gate or OpenGate()
        self._clock: Clock = clock or SystemClock()
        self._on_date, self._dates = on_date, Dates()
        self._rng = rng or Random()
        self._sleep = sleep
        self._attempts = attempts
        self._tokens = TokenSource(credentials, self._transport, self._clock, self._rng, sleep)
        self._prepared = "", httpx.Headers(), httpx.Headers()

    def __repr__(self) -> str:
        who = self._credentials
        return f"AepClient({who.base_url}, {who.ims_org}, sandbox {who.sandbox}, client {who.masked_key})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owns_transport:
            await self._transport.aclose()

    def conceal(self, secrets: Iterable[str]) -> None:
        """Mask these from now on, wherever an answer echoes them: what was sent as the credentials of a source comes
        back in what the vendor says."""
        self._tokens.masks.add(secrets)

    def concealed(self, text: str) -> str:
        """`text` of an answer that is none of an error, with the secrets masked."""
        return self._tokens.masks.hide(text)

    @property
    def ready(self) -> bool:
        """Whether `prepare` would have nothing to wait for."""
        return self._tokens.fresh

    @property
    def token_life(self) -> float | None:
        """Seconds for which the access token still works; None when there is none yet, or when it was given."""
        return self._tokens.life

    async def prepare(self) -> None:
        """Make sure of an access token. Raises `NotSent` if none can be had now, `Unauthorized` if IMS refuses."""
        await self._tokens.get()

    async def read(
        self,
        method: str,
        family: str,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        json: Json = None,
    ) -> Answer:
        """A request that may be repeated, behind the gate. The error of the last attempt is raised, or of the one whose
        `Retry-After` is too long to wait for here."""
        content = b"" if json is None else orjson.dumps(json)
        call = self._call(method, family, path, params=params, headers=headers, content=content)
        attempt = 1
        while True:
            try:
                await self.prepare()
                await self._gate.enter(family)
                try:
                    return await self._once(call)
                finally:
                    self._gate.leave(family)
            except (Lost, NotSent, Refused) as error:
                if attempt >= self._attempts or (error.problem.retry_after or 0.0) > PATIENCE:
                    raise
                wait = pause(attempt, self._rng, error.problem.retry_after)
            await self._sleep(wait)
            attempt += 1

    async def pages(
        self, family: str, path: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[list[Json]]:
        """The items of a list, page by page. A page that cannot be understood is `Lost`, never an empty one."""
        paging = PAGING[family]
        walk = paging.walk(path, params or ())
        request: PageRequest | None = next(walk)
        while request is not None:
            try:
                answer = await self.read("GET", family, request.path, params=request.params, headers=headers)
                items = paging.read_page(answer.body)
                request = _following(walk, answer.body)
            except Unreadable as error:
                problem = Problem(message=f"the list cannot be read: {error}")
                raise Lost(problem, *where("GET", family, path)) from error
            yield items

    async def effect(
        self,
        method: str,
        family: str,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        send_within: float | None = None,
    ) -> Answer:
        """A request that must not be repeated: exactly one leaves, or none (`NotSent`). Only a 401, which was not
        applied, is followed by the same request with another token. The caller holds the gate's permit.

        `send_within`: the first byte leaves within so many seconds, or never (`WindowClosed`); looked at when the
        connection stands, on the clock that runs while the machine sleeps.
        """
        until = inf if send_within is None else self._clock.boot() + send_within
        call = self._call(method, family, path, params=params, headers=headers, content=content, until=until)
        return await self._once(call)

    async def sandboxes(self) -> list[Sandbox]:
        """Every sandbox that this user can see, whatever its state."""
        return [
            Sandbox(
                name=str(item.get("name", "")),
                type=str(item.get("type", "")),
                state=str(item.get("state", "")),
                created=str(item.get("createdDate", "")),
            )
            async for page in self.pages(SANDBOXES, "/")
            for item in page
            if isinstance(item, dict)
        ]

    def _call(
        self,
        method: str,
        family: str,
        path: str,
        *,
        params: Params | None,
        headers: Mapping[str, str] | None,
        content: bytes,
        until: float = inf,
    ) -> Call:
        return Call(
            method=method,
            family=family,
            path=path,
            url=address(self._credentials.base_url, family, path, params),
            headers=headers or {},
            content=content,
            until=until,
        )

    async def _once(self, call: Call) -> Answer:
        token = self._tokens.now() or await self._tokens.get()
        reply, left = await self._send(call, token)
        if reply.status_code == 401 and not self._tokens.given:
            token = await self._tokens.replace(token)
            reply, left = await self._send(call, token)
        now = self._dates.now(self._clock.boot()) or self._clock.wall()
        self._gate.observe(call.family, reply.status_code, retry_after_of(reply.headers, now))
        if 200 <= reply.status_code < 300:
            return success(call, reply, left)
        raise failure(call, reply, now=now, masks=self._tokens.masks)

    async def _send(self, call: Call, token: str) -> tuple[httpx.Response, float]:
        """One request and its answer; and when it left, which is when it was last asked whether it may."""
        now = self._clock.boot()

        def departs() -> float:
            nonlocal now
            now = self._clock.boot()
            wait = inf if now > call.until else self._gate.departs_in(call.family)
            return wait if now + wait <= call.until else inf

        request = httpx.Request(
            call.method,
            call.url,
            headers=self._headers(call, token),
            stream=httpx.ByteStream(call.content),
            extensions={"timeout": TIMEOUTS, DEPARTS: departs},
        )
        try:
            reply = await self._exchanged(request, call)
        except WindowClosed:
            raise
        except (NotSent, Lost):
            self._gate.observe(call.family, None, None)
            raise
        date = reply.headers.get("date")
        self._dates.hear(date, self._clock.boot())
        self._on_date(date)
        return reply, now

    async def _exchanged(self, request: httpx.Request, call: Call) -> httpx.Response:
        """Send it once. Who must wait for long leaves its place on the wire to others meanwhile."""
        while True:
            await self._gate.board(call.family)
            try:
                return await exchange(self._transport, request, call.where[1])
            except NotYet as held:
                wait = held.seconds
            finally:
                self._gate.alight(call.family)
            await self._sleep(wait)

    def _headers(self, call: Call, token: str) -> httpx.Headers:
        """What a request says. Most say the same, which is put together once for each token."""
        known, bare, typed = self._prepared
        if known != token:
            standard = self._standard(token)
            bare, typed = httpx.Headers({**_USUAL, **standard}), httpx.Headers({**_TYPED, **standard})
            self._prepared = token, bare, typed
        if not call.headers:
            return typed if call.content else bare
        added = {name.lower(): value for name, value in call.headers.items()}
        return httpx.Headers({**(_TYPED if call.content else _USUAL), **added, **self._standard(token)})

    def _standard(self, token: str) -> dict[str, str]:
        """What no caller can say otherwise."""
        who = self._credentials
        return {
            "x-api-key": who.api_key,
            "x-gw-ims-org-id": who.ims_org,
            "x-sandbox-name": who.sandbox,
            "authorization": f"Bearer {token}",
        }


def _following(walk: Walk, body: Json) -> PageRequest | None:
    try:
        return walk.send(body)
    except StopIteration:
        return None
