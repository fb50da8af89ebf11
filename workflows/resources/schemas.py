"""Schemas: the ad hoc one over an ad hoc class, and the target of a source (contract 5.4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.model import Json, Receipt, value
from engine.resource import Change, Difference, Label, View
from workflows.resources._changes import changes, grows
from workflows.resources._json import rows, table, text
from workflows.resources._registry import RegistryObjects
from workflows.resources._translate import nothing_there
from workflows.resources.datasets import read_dataset

BY_DATASET = "dataset:"
"""`Schemas.adopt` takes `dataset:ID` for the schema of that dataset."""


@value
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

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:  # noqa: ARG002
        """Field groups may be added, not removed; the class stays (contract 11.1)."""
        old, new = _references(before), _references(after)
        grown = grows(old, new) and old[:1] == new[:1]
        return changes(_normal(before), _normal(after), lambda path: path == "name" or (path == "allOf" and grown))

    def restoring(self, content: Json, body: Json, now: float) -> Sequence[Change]:
        """A field group that somebody added stays beside those that are to be there."""
        wanted = _references(body)
        grown = [*rows(body, "allOf"), *({"$ref": ref} for ref in _references(content)[1:] if ref not in wanted)]
        return super().restoring(content, {**table(body), "allOf": grown}, now)

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:
        there = _references(view.content)
        added: list[Json] = [
            {"op": "add", "path": "/allOf/-", "value": {"$ref": ref}}
            for ref in (_references(body) if "allOf" in paths else ())
            if ref not in there
        ]
        return [*rows(super().amendment(view, body, paths)), *added]

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


def _normal(content: Json) -> Json:
    """The order of field groups means nothing; the class comes first."""
    references = [str(ref) for ref in _references(content)]
    return {"name": text(content, "title"), "allOf": [*references[:1], *sorted(references[1:])]}


def _references(content: Json) -> list[Json]:
    return [ref for item in rows(content, "allOf") if (ref := text(item, "$ref"))]
