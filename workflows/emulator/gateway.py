"""The gateway: who may come in (contract 1.1, 1.2), and which world a request is about."""

from __future__ import annotations

from workflows.emulator.config import Org
from workflows.emulator.errors import Problem, flow, gateway, platform, xdm
from workflows.emulator.http import Call, Route
from workflows.emulator.world import Platform


def authorise(there: Platform, call: Call) -> Org:
    """The organisation of a request whose credentials are in order; raises Problem as the gateway does."""
    authorization = call.header(b"authorization")
    if not authorization:
        raise gateway("403010", "Oauth token is missing.")
    scheme, _, token = authorization.partition(" ")
    standing, owner = there.standing(token) if scheme.lower() == "bearer" else ("unknown", None)
    if standing != "valid":
        raise gateway("401013", "Oauth token is not valid", blame="state" if standing == "expired" else "client")
    key = call.header(b"x-api-key")
    if not key:
        raise gateway("403000", "Api Key is required")
    client = there.by_client(key)
    if client is None or (owner is not None and client.id != owner):
        raise gateway("403003", "Api Key is invalid")
    named = call.header(b"x-gw-ims-org-id")
    if not named:
        raise gateway("400003", "Missing x-gw-ims-org-id header")
    org = there.orgs.get(named)
    if org is None:
        raise gateway("403027", "User region is missing: unknown organization or no product profile")
    if org.id != (owner or client.id):
        raise gateway("403025", f"Profile is not valid: the integration is not entitled to {named}")
    call.client = key
    return org


def enter(there: Platform, call: Call, org: Org, route: Route) -> None:
    """Set the world of a request from its sandbox header; raises Problem in the service's shape.

    Without the header only what needs none is answered, from the default sandbox; strictly, all else is refused,
    though the documentation of some operations marks the header optional (contract 13.24).
    """
    if call.service == "sandbox-management":  # about sandboxes, in none
        call.world = there.worlds[org.id, org.sandboxes[0].name]
        return
    if call.header(b"x-sandbox-id") is not None:
        raise _refusal(call, 2110, 400, "The header x-sandbox-id is not allowed with the user token")
    name = call.header(b"x-sandbox-name")
    if name is None and route.bare:
        name = next((sandbox.name for sandbox in org.sandboxes if sandbox.default), org.sandboxes[0].name)
    if not name:
        raise _refusal(call, 2105, 400, "The header x-sandbox-name is missing in the request")
    world = there.worlds.get((org.id, name))
    if world is None or world.sandbox.state != "active":
        raise _refusal(call, 2100, 404, f"The sandbox with the name '{name}' could not be found")
    call.world = world


def _refusal(call: Call, number: int, status: int, detail: str) -> Problem:
    if call.service == "flowservice":
        return flow(number, status, detail)
    if call.service == "schemaregistry":
        return xdm(number, status, "Sandbox header invalid", detail)
    return platform(status, detail)
