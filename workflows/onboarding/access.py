"""What is wrong with the base connection that a manifest describes or names: its secrets, what the connector asks for.

No message holds a value, as it may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from engine.model import Json
from workflows.onboarding._specs import source_type
from workflows.onboarding.inputs import Inputs
from workflows.onboarding.manifest.mistakes import Flaw
from workflows.resources import auth_mistakes
from workflows.sources import SecretError, discover, is_reference, resolve_secret

_AUTH = ("base_connection", "auth")


def secret_flaws(inputs: Inputs, environ: Mapping[str, str]) -> Iterator[Flaw]:
    """References that lead nowhere."""
    for name, value in inputs.base_connection.auth.items():
        try:
            if is_reference(value):
                resolve_secret(value, environ)
        except SecretError as error:
            yield Flaw((*_AUTH, name), f"base_connection: {error}")


def secrets_of(inputs: Inputs, environ: Mapping[str, str]) -> Iterator[str]:
    """The secrets that the source's base connection is made with, as far as they can be read here."""
    for value in inputs.base_connection.auth.values():
        with suppress(SecretError):
            if is_reference(value):
                yield resolve_secret(value, environ)


def auth_flaws(inputs: Inputs, spec: Mapping[str, Json], environ: Mapping[str, str]) -> Iterator[Flaw]:
    """What the connection spec, read at run time, has against `auth` (contract 4.2)."""
    source = source_type(inputs)
    if not spec:
        message = f"this organisation has no connector {source.title} ({source.connection_spec_id})"
        yield Flaw(("connector",), message, "it may not be licensed")
        return
    params = {name: _value(value, environ) for name, value in inputs.base_connection.auth.items()}
    for name, message in auth_mistakes(spec, source.auth_spec, params):
        yield Flaw((*_AUTH, name) if name else _AUTH, f"base_connection: {message}")


def base_flaws(inputs: Inputs, spec_id: object) -> Iterator[Flaw]:
    """What is wrong with an existing base connection. `spec_id` is that of its connection spec, or a refusal; anything
    else: not known."""
    source = source_type(inputs)
    if isinstance(spec_id, str) and spec_id != source.connection_spec_id:
        other = next((one.title for one in discover().values() if one.connection_spec_id == spec_id), spec_id)
        message = f"base connection {inputs.base_connection.id} is one of {other}, not of {source.title}"
        yield Flaw(("base_connection",), message)


def _value(value: str, environ: Mapping[str, str]) -> str:
    """The value as it will be sent; a reference that leads nowhere, which is told elsewhere, for itself."""
    try:
        return resolve_secret(value, environ) if is_reference(value) else value
    except SecretError:
        return value
