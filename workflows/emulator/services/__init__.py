"""The emulated services, each a router of plain handlers."""

from __future__ import annotations

from workflows.emulator.http import Router
from workflows.emulator.services import (
    catalog,
    connection_specs,
    connections,
    data_prep,
    endpoints,
    flow_specs,
    flows,
    ims,
    registry,
    runs,
    sandboxes,
)
from workflows.emulator.world import Platform, World


def _flow_service() -> Router:
    routes = Router()
    for part in (connection_specs, connections, endpoints, flow_specs, flows, runs):
        part.register(routes)
    return routes


ROUTERS: dict[str, Router] = {
    "ims": ims.router(),
    "sandbox-management": sandboxes.router(),
    "schemaregistry": registry.router(),
    "catalog": catalog.router(),
    "conversion": data_prep.router(),
    "flowservice": _flow_service(),
}


def prepare_world(world: World) -> None:
    """Put in place what is in a sandbox before any client comes."""
    connections.plant(world)


def prepare(platform: Platform) -> None:
    """The same for every sandbox."""
    for world in platform.worlds.values():
        prepare_world(world)
