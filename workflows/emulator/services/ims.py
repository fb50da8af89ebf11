"""Adobe's identity service (contract 2): access tokens for client credentials."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl

from workflows.emulator.errors import Problem
from workflows.emulator.http import Call, Reply, Router, answer


def _refuse(status: int, code: str, detail: str) -> Problem:
    return Problem(status, detail, code=code, family="ims")


def _token(call: Call) -> Reply:
    """A token; the parameters stand in the body or in the query."""
    fields = dict(call.query)
    if call.body:
        if call.media_type() != "application/x-www-form-urlencoded":
            raise _refuse(400, "invalid_request", "the body must be application/x-www-form-urlencoded")
        fields |= dict(parse_qsl(call.body.decode("latin-1")))
    missing = [name for name in ("grant_type", "client_id", "client_secret", "scope") if not fields.get(name)]
    if missing:
        raise _refuse(400, "invalid_request", f"{missing[0]} is missing")
    if fields["grant_type"] != "client_credentials":
        raise _refuse(400, "unsupported_grant_type", "only client_credentials is supported")
    org = call.platform.by_client(fields["client_id"])
    if org is None or not secrets.compare_digest(org.client_secret.encode(), fields["client_secret"].encode()):
        raise _refuse(401, "invalid_client", "invalid client_id or client_secret parameter")
    asked = {scope.strip() for scope in fields["scope"].split(",")}
    if not asked <= {scope.strip() for scope in org.scopes.split(",")}:
        raise _refuse(400, "invalid_scope", "a scope is not granted to this client")
    life = int(call.platform.config.token_life)
    return answer({"access_token": call.platform.issue(org), "token_type": "bearer", "expires_in": life})


def router() -> Router:
    """The routes below `/ims`; version 2 is still in use (contract 19)."""
    routes = Router()
    routes.add("POST", "/token/v3", "token", _token)
    routes.add("POST", "/token/v2", "token", _token)
    return routes
