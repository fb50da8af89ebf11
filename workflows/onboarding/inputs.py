"""What a run is made from: one source of the manifest, its defaults filled in, checked and frozen.

The manifest makes these values, the journal keeps them, the steps read them; nothing else is
passed from the one to the other. Secrets are references in here (`${env:NAME}`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine import codec
from engine.model import field, replace, value


@value
class Column:
    """A column of the source's table.

    `type` is string, integer, number, boolean, date or date-time; `format` the Java pattern of a
    date in text (`yyyy-MM-dd HH:mm:ss`) and `timezone` its zone, both for the flow's delta column.
    """

    name: str
    type: str
    format: str | None = None
    timezone: str | None = None


@value
class BaseConnection:
    """The source's base connection: an existing one by `id`, or one to create.

    One to create is shared by all sources that give it the same `name`; without a name by those that say the same of
    it, secrets apart. Each value of `auth` is a text, or a reference to be resolved when the request is built.
    """

    id: str | None = None
    name: str | None = None
    auth: Mapping[str, str]


@value
class Target:
    """Where the data goes.

    `schema` and `dataset` are None (the run's own), the id of an existing one
    (`https://ns.adobe.com/…`; 24 hex digits), or the name of one that sources share.
    `klass` is empty, and `field_groups` may be, when an existing schema or dataset is named.
    """

    klass: str = field(name="class")
    field_groups: tuple[str, ...]
    schema: str | None = None
    dataset: str | None = None


@value
class Schedule:
    """When the flow runs (contract 9.3, 9.6).

    `frequency` is once, minute, hour, day or week; `interval` counts those, None for once.
    `start` is in epoch seconds, None: soon after creation. `spread` is in seconds: the starts of
    many sources are scattered over that time.
    """

    frequency: str
    interval: int | None = None
    backfill: bool | None = None
    start: int | None = None
    spread: int | None = None


@value
class Inputs:
    """One source to onboard. `mappings` are pairs of (column, path in the target schema);
    `existing` has the ids of existing objects by step; `previously` is the name that this source had before."""

    source: str
    connector: str
    chain: str
    table: str
    columns: tuple[Column, ...]
    delta_column: str | None = None
    mappings: tuple[tuple[str, str], ...]
    base_connection: BaseConnection
    target: Target
    schedule: Schedule
    existing: Mapping[str, str] = field(default_factory=dict)
    previously: str | None = None


decode = msgspec.json.Decoder(Inputs).decode
"""The inverse of `encode`, and of the canonical text of inputs."""


def encode(inputs: Inputs) -> str:
    """The inputs as the journal keeps them: without the name that the source had before, which says how its run is
    found, not what it is to be. What is None, or empty by default, is left out."""
    return codec.canonical(replace(inputs, previously=None))
