"""The real fields of a target schema, before there is one: those of its class and field groups (contract 5.2, 5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from engine.errors import Rejected
from engine.model import Json
from engine.resource import Adopt
from engine.together import together
from workflows.aep import AepClient
from workflows.resources._json import table, text
from workflows.resources._paths import Fields
from workflows.resources._registry import read_schema
from workflows.resources._translate import nothing_there
from workflows.resources.datasets import read_dataset
from workflows.resources.schemas import BY_DATASET, SchemaSpec

_KINDS = ("classes", "fieldgroups")


async def read_target_fields(client: AepClient, target: SchemaSpec | Adopt) -> Fields | None:
    """The fields of a target; None where the Registry does not show them. Raises `Rejected` when what is to be adopted
    is not there, and the answers that say nothing about it."""
    if isinstance(target, SchemaSpec):
        return await _fields_of_parts(client, target.all_of[0], target.all_of[1:])
    if target.ref.startswith(BY_DATASET):
        return await _fields_of_dataset(client, target.ref.removeprefix(BY_DATASET))
    return await _fields_of_schema(client, target.ref)


async def read_dataset_schema(client: AepClient, id: str) -> str:
    """The `$id` of the schema that an existing dataset is on. Raises `Rejected` when there is no such dataset."""
    dataset = await read_dataset(client, id)
    schema_id = text(dataset.content, "schemaRef", "id") if dataset else None
    if schema_id is None:
        raise nothing_there("dataset with a schema", id)
    return schema_id


async def _fields_of_parts(client: AepClient, klass: str, groups: Sequence[str]) -> Fields | None:
    """The fields that a schema of this class and these field groups will have."""
    parts = ((klass, _KINDS[0]), *((group, _KINDS[1]) for group in groups))
    resolved = await together(*(partial(_resolved, client, id, plural) for id, plural in parts))
    merged: dict[str, Json] = {}
    for properties in (table(part, "properties") for part in resolved):
        if not properties:
            return None
        _merge(merged, properties)
    return Fields(merged)


async def _fields_of_schema(client: AepClient, id: str) -> Fields | None:
    """The fields of an existing schema."""
    schema = await read_schema(client, id, resolved=True)
    if schema is None:
        raise nothing_there("schema", id)
    return Fields(properties) if (properties := table(schema, "properties")) else None


async def _fields_of_dataset(client: AepClient, id: str) -> Fields | None:
    """The fields of an existing dataset's schema."""
    return await _fields_of_schema(client, await read_dataset_schema(client, id))


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
