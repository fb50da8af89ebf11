"""Base connections: the source's own, with credentials, and that of the data lake, without (contract 4.3, 6.2)."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

import orjson

from engine.errors import Rejected
from engine.model import Failure, Json, Receipt, field, value
from engine.model import replace as changed
from engine.resource import Change, Difference, Label, View
from workflows.aep import AepClient
from workflows.resources._changes import changes, within
from workflows.resources._flow_service import named
from workflows.resources._in_use import ConnectionObjects
from workflows.resources._json import compare, dig, table, text
from workflows.resources._seals import Seals
from workflows.sources import Secret, SecretError, discover, is_reference, resolve_secret

DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
"""The connection spec of the data lake: the dataset side of every flow (contract 4.1)."""


_SEALED = "secrets"
"""Where a receipt says which secrets were sent."""


@value
class ConnectionSpec:
    """A base connection. `auth`: the parameters by name, secrets as references; the data lake has no auth spec."""

    connection_spec_id: str
    auth_spec: str | None = None
    auth: Mapping[str, str] = field(default_factory=dict)


class Connections(ConnectionObjects):
    """Base connections. `environ` is where `${env:NAME}` is looked up, only while a request is built."""

    kind = "connection"
    path = "/connections"
    renewal = Change(path="auth.params", before="(hidden)", after="(hidden, another)", in_place=True, hidden=True)

    def __init__(self, client: AepClient, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(client)
        self._environ, self._seals = environ, Seals()

    def body(self, spec: ConnectionSpec, label: Label, now: float) -> Json:  # noqa: ARG002
        auth: dict[str, Json] = {}
        if spec.auth_spec is not None:
            auth = {"auth": {"specName": spec.auth_spec, "params": dict(spec.auth)}}
        return {
            "name": label.name,
            "description": label.note,
            **auth,
            "connectionSpec": {"id": spec.connection_spec_id, "version": "1.0"},
        }

    def ready(self, spec: ConnectionSpec) -> bool:
        return not spec.auth and super().ready(spec)

    async def prepare(self, spec: ConnectionSpec) -> None:
        """Besides what every kind needs: each secret can be read. Raises `Rejected` where a reference leads nowhere."""
        await self._sealed(spec.auth)
        await super().prepare(spec)

    async def create(self, body: str, send_within: float) -> Receipt:
        wanted = orjson.loads(body)
        params, data = table(wanted, "auth", "params"), dict[str, Json]()
        if params:
            wanted["auth"]["params"], data = self._revealed(params), await self._sealed(params)
        return changed(await super().create(orjson.dumps(wanted).decode(), send_within), data=data)

    async def sealed(self, spec: ConnectionSpec) -> Mapping[str, Json]:
        """Of a connection that was found again: those to which the manifest refers now are taken for those sent."""
        try:
            return await self._sealed(spec.auth)
        except Rejected:
            return {}

    async def current(self, receipt: Receipt) -> bool:
        """Whether the secrets that were sent are those that their references lead to now. Those that cannot be read, or
        were sent before this was kept, pass."""
        kept = table(receipt.data, _SEALED)
        try:
            values = _secrets(table(kept, "references"), self._environ)
        except SecretError:
            return True
        seal = text(kept, "seal")
        return seal is None or await self._seals.fits(seal, values)

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        """Secrets are not compared: the platform may or may not echo them (contract 4.3)."""
        spec_id = dig(body, "connectionSpec", "id")
        sent, stored = table(body, "auth", "params"), table(view.content, "auth", "params")
        public = {name: value for name, value in sent.items() if name in stored and name in _public(spec_id)}
        return [
            *compare(spec_id, dig(view.content, "connectionSpec", "id"), "connectionSpec.id"),
            *compare(dig(body, "auth", "specName"), dig(view.content, "auth", "specName"), "auth.specName"),
            *compare(public, stored, "auth.params"),
        ]

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:  # noqa: ARG002
        """Credentials can be replaced (contract 11.1); the connection spec and the kind of credentials cannot."""
        public = _public(dig(after, "connectionSpec", "id"))
        found = changes(_normal(before), _normal(after), within("name", "auth.params"))
        return [
            changed(change, hidden=True, before=_safe(change.before), after=_safe(change.after))
            if (param := change.path.removeprefix("auth.params.")) != change.path and param not in public
            else change
            for change in found
        ]

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:  # noqa: ARG002
        """The credentials are replaced as a whole."""
        auth: list[Json] = []
        if any(path.startswith("auth.params") for path in paths):
            auth = [{"op": "replace", "path": "/auth/params", "value": dig(body, "auth", "params")}]
        return [*named(body, paths), *auth]

    async def amend(self, view: View, amendment: str, send_within: float) -> Receipt:
        patch, data = orjson.loads(amendment), dict[str, Json]()
        for operation in patch:
            if operation["path"] == "/auth/params":
                params = operation["value"]
                operation["value"], data = self._revealed(params), await self._sealed(params)
        return changed(await super().amend(view, orjson.dumps(patch).decode(), send_within), data=data)

    def _revealed(self, params: Mapping[str, Json]) -> dict[str, Json]:
        """The parameters as they are sent. Raises `Rejected` where a reference leads nowhere."""
        try:
            secrets = _secrets(params, self._environ)
        except SecretError as error:
            hint = "Set the variable, or write the file, that the manifest names, and run again."
            raise Rejected(Failure(kind="secret", message=str(error), hint=hint)) from None
        self._client.conceal(secrets.values())
        return {**params, **secrets}

    async def _sealed(self, params: Mapping[str, Json]) -> dict[str, Json]:
        """What the journal keeps of secrets: where they come from, and their seal."""
        revealed = self._revealed(params)
        references: dict[str, Json] = {name: value for name, value in params.items() if revealed[name] != value}
        if not references:
            return {}
        seal = await self._seals.seal({name: str(revealed[name]) for name in references})
        return {_SEALED: {"references": references, "seal": seal}}


def _secrets(params: Mapping[str, Json], environ: Mapping[str, str]) -> dict[str, str]:
    """The values of those that are references. Raises `SecretError`."""
    return {
        name: resolve_secret(value, environ)
        for name, value in params.items()
        if isinstance(value, str) and is_reference(value)
    }


def _normal(content: Json) -> Json:
    return {
        "name": dig(content, "name"),
        "connectionSpec": {"id": dig(content, "connectionSpec", "id")},
        "auth": {"specName": dig(content, "auth", "specName"), "params": table(content, "auth", "params")},
    }


def _safe(value: Json) -> Json:
    """A reference to a secret may be seen, anything else not."""
    return value if value is None or (isinstance(value, str) and is_reference(value)) else "(hidden)"


def _public(connection_spec_id: Json) -> frozenset[str]:
    """The auth parameters of a connector that anybody may see; of an unknown connector, none."""
    return frozenset(
        param.name
        for source in discover().values()
        if source.connection_spec_id == connection_spec_id
        for param in source.auth_params
        if not isinstance(param, Secret)
    )
