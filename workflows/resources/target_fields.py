"""The real fields of a target schema, before there is one: those of its class and field groups (contract 5.2, 5.5)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import Rejected
from engine.model import Json
from workflows.aep import AepClient
from workflows.resources._json import table, text
from workflows.resources._paths import Fields
from workflows.resources._registry import read_schema
from workflows.resources._translate import nothing_there
from workflows.resources.datasets import read_dataset

_KINDS = ("classes", "fieldgroups")


async def fields_of_parts(client: AepClient, klass: str, groups: Sequence[str]) -> Fields | None:
    """The fields that a schema of this class and these field groups will have; None where the Registry does not show
    one of them. Raises the answers that say nothing about them."""
    merged: dict[str, Json] = {}
    for id, plural in ((klass, _KINDS[0]), *((group, _KINDS[1]) for group in groups)):
        properties = table(await _resolved(client, id, plural), "properties")
        if not properties:
            return None
        _merge(merged, properties)
    return Fields(merged)


async def fields_of_schema(client: AepClient, id: str) -> Fields | None:
    """The fields of an existing schema; None where the Registry does not show them. Raises `Rejected` when there is no
    such schema."""
    schema = await read_schema(client, id, resolved=True)
    if schema is None:
        raise nothing_there("schema", id)
    return Fields(properties) if (properties := table(schema, "properties")) else None


async def fields_of_dataset(client: AepClient, id: str) -> Fields | None:
    """The fields of an existing dataset's schema. Raises `Rejected` when there is no such dataset."""
    dataset = await read_dataset(client, id)
    schema_id = text(dataset.content, "schemaRef", "id") if dataset else None
    if schema_id is None:
        raise nothing_there("dataset with a schema", id)
    return await fields_of_schema(client, schema_id)


async def _resolved(client: AepClient, id: str, plural: str) -> Json:
    try:
        return await read_schema(client, id, plural=plural, resolved=True)
    except Rejected:
        return None


def _merge(into: dict[str, Json], properties: Json) -> None:
    for name, field in table(properties).items():
        mine, theirs = table(into.get(name), "properties"), table(field, "properties")
        if mine and theirs:
            both = dict(mine)
            _merge(both, theirs)
            into[name] = {**table(into[name]), "properties": both}
        else:
            into[name] = field
