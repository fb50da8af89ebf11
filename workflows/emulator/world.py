"""What exists: organisations, their tokens, and one isolated world of objects per (organisation, sandbox)."""

from __future__ import annotations

import asyncio
import base64
import random
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Literal

from workflows.emulator.books import Books
from workflows.emulator.config import EmulatorConfig, Org, Sandbox
from workflows.emulator.table import Body, Entity, Table

# Tables, by the name of their resource in the API.
TABLES = (
    "connections",
    "sourceConnections",
    "targetConnections",
    "flows",
    "runs",
    "classes",
    "schemas",
    "fieldgroups",
    "dataSets",
    "mappingSets",
)

Standing = Literal["valid", "expired", "unknown"]


class World:
    """The objects of one sandbox of one organisation; every write goes through `add`, `change` or `remove`."""

    def __init__(self, platform: Platform, org: Org, sandbox: Sandbox) -> None:
        self.platform = platform
        self.org = org
        self.sandbox = sandbox
        self.created = sandbox.created
        self.id = platform.uuid()
        self.titles: dict[str, str] = {}  # Registry titles are unique across types: title -> $id (contract 5.1)
        self.tables = {name: Table(time.monotonic, platform.index_lag) for name in TABLES}

    def __getitem__(self, table: str) -> Table:
        return self.tables[table]

    def add(
        self, table: str, *, id: str, kind: str, name: str, body: Body, created: int, foreign: bool = False
    ) -> Entity:
        """Create an object; it is counted in the books unless it is `foreign`."""
        entity = Entity(id=id, kind=kind, name=name, body=body, created=created, foreign=foreign)
        self.tables[table].add(entity)
        if not foreign:
            self.platform.books.created[kind] += 1
        return entity

    def change(self, table: str, entity: Entity, body: Body, name: str | None = None) -> None:
        """Replace an object's body (and its name)."""
        self.tables[table].change(entity, body, entity.name if name is None else name)

    def remove(self, table: str, entity: Entity) -> None:
        """Delete an object."""
        self.tables[table].remove(entity)
        self.platform.books.deleted[entity.kind] += 1

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something some time from now, on the running loop."""
        asyncio.get_running_loop().call_later(seconds, act)

    def clear(self, created: str) -> None:
        """Empty the world as a sandbox reset does; it has a new creation date afterwards."""
        self.created = created
        self.titles.clear()
        self.tables = {name: Table(time.monotonic, self.platform.index_lag) for name in TABLES}

    def __iter__(self) -> Iterator[Entity]:
        for table in self.tables.values():
            yield from table.order


class Platform:
    """Everything behind the gateway: organisations, tokens, worlds, the books, and the source of ids.

    `seed` is what all ids come from: another one after each restart, so that no id ever means two things;
    `index_lag` draws how late a change reaches the lists.
    """

    def __init__(self, config: EmulatorConfig, seed: str, books: Books, index_lag: Callable[[], float]) -> None:
        self.config = config
        self.index_lag = index_lag
        self.books = books
        self._rng = random.Random(f"ids {seed}")
        self.orgs = {org.id: org for org in config.orgs}
        self.worlds = {
            (org.id, sandbox.name): World(self, org, sandbox) for org in config.orgs for sandbox in org.sandboxes
        }
        self.tokens: dict[str, tuple[str, float]] = {}  # token -> organisation, end of life (monotonic)

    def uuid(self) -> str:
        """A new UUID, the form of Flow Service's ids."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def hex(self, digits: int) -> str:
        """A new id of hexadecimal digits."""
        return f"{self._rng.getrandbits(4 * digits):0{digits}x}"

    def etag(self) -> str:
        """A new etag of Flow Service, its double quotes included (contract 1.6)."""
        return f'"{self.hex(8)}-0000-0200-0000-{int(time.time()):08x}0000"'

    def chance(self, probability: float) -> bool:
        """Whether something of that probability happens."""
        return probability > 0 and self._rng.random() < probability

    def registry_etag(self) -> str:
        """A new value of `meta:registryMetadata.eTag`."""
        return base64.b64encode(self._rng.randbytes(20)).decode()

    def issue(self, org: Org) -> str:
        """A new bearer token for an organisation."""
        token = f"emulator.{self.hex(48)}"
        self.tokens[token] = (org.id, time.monotonic() + self.config.token_life)
        return token

    def standing(self, token: str) -> tuple[Standing, str | None]:
        """Whether a token is valid, and for which organisation (None: for all)."""
        if self.config.static_token is not None and token == self.config.static_token:
            return "valid", None
        known = self.tokens.get(token)
        if known is None:
            return "unknown", None
        return ("valid" if known[1] > time.monotonic() else "expired"), known[0]

    def expire_tokens(self) -> None:
        """End the life of every token issued so far."""
        self.tokens = {token: (org, 0.0) for token, (org, _) in self.tokens.items()}

    def by_client(self, client_id: str) -> Org | None:
        """The organisation that a client id belongs to."""
        return next((org for org in self.orgs.values() if org.client_id == client_id), None)


def now_ms() -> int:
    """The time as the platform writes it: milliseconds since 1970."""
    return int(time.time() * 1000)


def stamps(world: World, client: str) -> dict[str, Any]:
    """The read-only fields that every Flow Service item has (contract 3.1)."""
    now = now_ms()
    user = f"{client}@techacct.adobe.com"
    return {
        "createdAt": now,
        "updatedAt": now,
        "createdBy": user,
        "updatedBy": user,
        "createdClient": client,
        "updatedClient": client,
        "sandboxId": world.id,
        "sandboxName": world.sandbox.name,
        "imsOrgId": world.org.id,
    }
