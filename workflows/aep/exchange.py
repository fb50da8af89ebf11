"""One request and its whole answer, over any httpx transport; what the client and the token source are made of."""

from __future__ import annotations

from math import inf

import httpx

from workflows.aep.errors import Lost, NotSent, Problem, WindowClosed, clean
from workflows.aep.transport import NotYet


async def exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request, path: str) -> httpx.Response:
    """Send `request` once and read its answer. `path` is what error messages call it.

    Raises `NotYet` when it must wait for long, `WindowClosed` when it was too late for it, `NotSent` when surely
    nothing left, else `Lost`.
    """
    try:
        response = await transport.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
    except NotYet as held:
        if held.seconds < inf:
            raise
        problem = Problem(message="its send window closed before it could leave")
        raise WindowClosed(problem, request.method, path) from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError) as error:
        raise NotSent(_problem(error, "no connection"), request.method, path) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise Lost(_problem(error, "the answer did not arrive"), request.method, path) from error
    return response


def _problem(error: Exception, instead: str) -> Problem:
    return Problem(message=clean(str(error)) or instead)
