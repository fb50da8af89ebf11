"""Schemas: the ad hoc one over an ad hoc class, and the target of a source (contract 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.model import Json, Receipt
from engine.ports import Difference, Label, View
from workflows.resources._json import rows, text
from workflows.resources._registry import RegistryObjects
from workflows.resources._translate import nothing_there
from workflows.resources.datasets import read_dataset

BY_DATASET = "dataset:"
"""`Schemas.adopt` takes `dataset:ID` for the schema of that dataset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSpec:
    """A schema: its class first, then field groups that fit the class, all by `$id`."""

    all_of: tuple[str, ...]


class Schemas(RegistryObjects):
    """Schemas. They can be sentinels: their titles are unique, and their descriptions can be replaced."""

    kind = "schema"
    plural = "schemas"

    def body(self, spec: SchemaSpec, label: Label, now: float) -> Json:  # noqa: ARG002
        return {
            "type": "object",
            "title": label.name,
            "description": label.note,
            "allOf": [{"$ref": ref} for ref in spec.all_of],
        }

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        """A field group that somebody added is no difference: schemas may grow (contract 11.1)."""
        wanted, found = _references(body), _references(view.content)
        missing = [ref for ref in wanted if ref not in found]
        return [Difference(path="allOf", wanted=wanted, found=found)] if missing else []

    async def adopt(self, ref: str) -> Receipt:
        """An existing schema by `$id` or `meta:altId`, or that of an existing dataset by `dataset:ID`."""
        if not ref.startswith(BY_DATASET):
            return await super().adopt(ref)
        dataset_id = ref.removeprefix(BY_DATASET)
        dataset = await read_dataset(self._client, dataset_id)
        schema_id = text(dataset.content, "schemaRef", "id") if dataset else None
        if schema_id is None:
            raise nothing_there("dataset with a schema", dataset_id)
        return await super().adopt(schema_id)


def _references(content: Json) -> list[Json]:
    return [ref for item in rows(content, "allOf") if (ref := text(item, "$ref"))]
