"""What an emulator is started with, and the documented defaults that make it usable without any setting.

The credentials below open nothing but this emulator; they are public on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from workflows.emulator.faults import Faults

DEFAULT_PORT = 8089
DEFAULT_ORG = "1F2E3D4C5B6A79881F2E3D4C@AdobeOrg"
DEFAULT_TENANT = "headway"
DEFAULT_CLIENT_ID = "emulator0client0id0000000000000a"
DEFAULT_CLIENT_SECRET = "emulator-client-secret"  # noqa: S105 - not a secret: it opens only this emulator
DEFAULT_SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext"
DEFAULT_SANDBOX = "dev"
DEFAULT_BASE_CONNECTION = "60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"  # the id printed in the tutorial

Dialect = Literal["today", "2020"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One sandbox as sandbox-management lists it (contract 18).

    `created` is its `createdDate`; a reset gives it a new one. Only a sandbox in state `active` can be used.
    """

    name: str
    type: Literal["development", "production"] = "development"
    state: Literal["creating", "active", "failed", "deleted"] = "active"
    created: str = "2024-01-15 09:30:00"
    default: bool = False


DEFAULT_SANDBOXES = (Sandbox(name="dev"), Sandbox(name="prod", type="production", default=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Org:
    """One organisation: its integration's credentials, its tenant id (contract 5.1) and its sandboxes."""

    id: str = DEFAULT_ORG
    tenant: str = DEFAULT_TENANT
    client_id: str = DEFAULT_CLIENT_ID
    client_secret: str = field(default=DEFAULT_CLIENT_SECRET, repr=False)
    scopes: str = DEFAULT_SCOPES
    sandboxes: tuple[Sandbox, ...] = DEFAULT_SANDBOXES


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorConfig:
    """Everything about one emulator. All times are seconds.

    Fields:
        host, port: where to listen; port 0 takes a free one.
        orgs: the organisations, each with its own credentials and sandboxes; nothing is shared between sandboxes.
        dialect: which state of the API the flow specs show: `today` or `2020` (contract 9.2, 9.3, 15).
        seed_compat: accept the tutorial's slips that contract 13 lets a tolerant server accept (items 12, 15, 16).
        older_errors: Flow Service and Registry errors in their shape of 2020 (contract 1.3).
        token_life: how long an issued token is valid; IMS says 24 hours (contract 2).
        static_token: a bearer token that is always valid, for every organisation.
        run_delay: from a flow's start until its run can be seen (contract 1.7: two to three minutes).
        run_length: from then until the run is over; run_failures: the share of runs that fail.
        transition: how long a new or changed Flow Service object stays in its transient state (contract 3.4).
        premature_grace: how long after a Retry-After was sent a request may still be on its way.
        faults: what goes wrong.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    orgs: tuple[Org, ...] = (Org(),)
    dialect: Dialect = "today"
    seed_compat: bool = False
    older_errors: bool = False
    token_life: float = 86399.0
    static_token: str | None = field(default=None, repr=False)
    run_delay: float = 150.0
    run_length: float = 30.0
    run_failures: float = 0.0
    transition: float = 0.0
    premature_grace: float = 0.25
    faults: Faults = field(default_factory=Faults)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> EmulatorConfig:
        """A configuration from what `dataclasses.asdict` makes of one; raises TypeError for an unknown key."""
        value = dict(value)
        if "orgs" in value:
            value["orgs"] = tuple(
                Org(
                    **{**org, "sandboxes": tuple(Sandbox(**s) for s in org.get("sandboxes", ()))}
                    if "sandboxes" in org
                    else org
                )
                for org in value["orgs"]
            )
        if "faults" in value:
            value["faults"] = Faults.from_json(value["faults"])
        return cls(**value)
