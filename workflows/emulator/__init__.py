"""A strict local emulator of Adobe Experience Platform, as far as onboarding a customer-success source needs it.

    faults.py, config.py     what an emulator is started with: frozen data
    server.py                serving, spawn_emulator, serve: ways to run one
    app.py, gateway.py       the way of a request: route, faults, credentials, sandbox, handler, answer
    chaos.py, wire.py        what carries out the faults; how a connection really breaks
    world.py, table.py       what exists, per organisation and sandbox; indices; what lagging lists still show
    services/                one room per service of the platform
    books.py, report.py      what clients did, and the account of it
    control.py               `/__emulator/…`: report, objects, faults, reset

It knows the platform from its documentation only and shares no code with the clients that are tested against it.
Everything is kept in memory.
"""

from workflows.emulator.config import (
    DEFAULT_BASE_CONNECTION,
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_ORG,
    DEFAULT_PORT,
    DEFAULT_SANDBOX,
    DEFAULT_SCOPES,
    DEFAULT_TENANT,
    EmulatorConfig,
    Org,
    Sandbox,
)
from workflows.emulator.faults import Faults, Outage, Rate, Rule
from workflows.emulator.server import serving, spawn_emulator

__all__ = [
    "DEFAULT_BASE_CONNECTION",
    "DEFAULT_CLIENT_ID",
    "DEFAULT_CLIENT_SECRET",
    "DEFAULT_ORG",
    "DEFAULT_PORT",
    "DEFAULT_SANDBOX",
    "DEFAULT_SCOPES",
    "DEFAULT_TENANT",
    "EmulatorConfig",
    "Faults",
    "Org",
    "Outage",
    "Rate",
    "Rule",
    "Sandbox",
    "serving",
    "spawn_emulator",
]
