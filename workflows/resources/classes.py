"""Ad hoc classes: the columns of one table as a class of its own, in the 2020 chain (contract 5.3)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from engine.errors import Rejected
from engine.model import Failure, Json, value
from engine.resource import Change, Difference, Label, View
from workflows.resources._changes import changes
from workflows.resources._columns import Field, xdm
from workflows.resources._json import compare, dig, rows, table, text
from workflows.resources._paths import type_of
from workflows.resources._registry import RegistryObjects

ADHOC_BEHAVIOUR = "https://ns.adobe.com/xdm/data/adhoc"
_NAMESPACE = "_adhoc"
_FIELD_NAME = re.compile(r"[A-Za-z0-9-][A-Za-z0-9_-]*")


@value
class ClassSpec:
    """An ad hoc class of these columns."""

    columns: tuple[Field, ...]


class Classes(RegistryObjects):
    """Ad hoc classes."""

    kind = "class"
    plural = "classes"

    def body(self, spec: ClassSpec, label: Label, now: float) -> Json:  # noqa: ARG002
        bad = [column.name for column in spec.columns if not _FIELD_NAME.fullmatch(column.name)]
        if bad:
            raise Rejected(
                Failure(
                    kind="invalid",
                    message=f"these columns cannot be fields of a class: {', '.join(bad)}",
                    hint="A field's name has letters, digits, - and _, and does not begin with _. "
                    "The chain `tabular` takes any column.",
                )
            )
        fields: dict[str, Json] = {column.name: xdm(column) for column in spec.columns}
        return {
            "type": "object",
            "title": label.name,
            "description": label.note,
            "allOf": [
                {"$ref": ADHOC_BEHAVIOUR},
                {"properties": {_NAMESPACE: {"type": "object", "properties": fields}}},
            ],
        }

    def differences(self, body: Json, view: View) -> Sequence[Difference]:
        """The platform renames `_adhoc` (contract 5.3); more fields than were asked for are no difference."""
        return [
            *compare(_behaviours(body), _behaviours(view.content), "allOf"),
            *compare(_fields(body), _fields(view.content), "columns"),
        ]

    def changes(self, before: Json, after: Json, now: float) -> Sequence[Change]:  # noqa: ARG002
        """Columns may be added, not removed or given another type."""
        added = {f"columns.{name}" for name in _columns(after).keys() - _columns(before).keys()}
        return changes(_normal(before), _normal(after), lambda path: path == "name" or path in added)

    def amendment(self, view: View, body: Json, paths: Collection[str]) -> Json:
        """The namespace has another name on the platform (contract 5.3)."""
        wanted = _fields(body)
        added: list[Json] = [
            {"op": "add", "path": f"{_place(view.content)}/{name}", "value": wanted[name]}
            for name in (path.partition(".")[2] for path in paths if path.startswith("columns."))
        ]
        return [*rows(super().amendment(view, body, paths)), *added]


def class_columns(content: Json) -> tuple[Field, ...]:
    """The columns that an ad hoc class describes."""
    return tuple(
        Field(name=name, type=type_of(field, otherwise=text(field, "meta:xdmType")))
        for name, field in _fields(content).items()
    )


def _normal(content: Json) -> Json:
    return {"name": dig(content, "title"), "behaviours": _behaviours(content), "columns": _columns(content)}


def _columns(content: Json) -> Mapping[str, Json]:
    """The columns without what the platform adds to each."""
    return {
        name: {key: value for key, value in table(field).items() if key in ("type", "format")}
        for name, field in _fields(content).items()
    }


def _place(content: Json) -> str:
    """Where the columns are, as a JSON Pointer."""
    for index, part in enumerate(rows(content, "allOf")):
        for namespace in table(part, "properties"):
            return f"/allOf/{index}/properties/{namespace}/properties"
    return f"/properties/{_NAMESPACE}/properties"


def _behaviours(content: Json) -> list[Json]:
    return [ref for item in rows(content, "allOf") if (ref := text(item, "$ref"))]


def _fields(content: Json) -> Mapping[str, Json]:
    """The columns of a class, whatever its namespace is called."""
    return {name: field for group in _groups(content) for name, field in table(group, "properties").items()}


def _groups(content: Json) -> Iterator[Json]:
    for part in (*rows(content, "allOf"), content):
        yield from table(part, "properties").values()
