"""Columns of a source's table as the platform describes them (contract 4.5, 5.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from engine.model import Json, value
from workflows.resources._json import rows, table, text
from workflows.resources._paths import Fields, type_of

_XDM: Mapping[str, Mapping[str, Json]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
}
_TEXTS = frozenset({"string", "date", "date-time"})
NAMED = 8
"""How many columns of a table are named to somebody who looks for another one."""


@value
class Field:
    """A column: `type` is string, integer, number, boolean, date or date-time; a live table may have others."""

    name: str
    type: str


@value
class Misfit:
    """A column that the live table has not, or has otherwise: what is wrong, and the column that was meant."""

    column: str
    message: str
    meant: str | None = None


def xdm(field: Field) -> Mapping[str, Json]:
    """The type of the column in a class."""
    return _XDM[field.type]


def explored(field: Field) -> Mapping[str, Json]:
    """The column as an exploration of the table shows it."""
    shape = _XDM[field.type]
    kind: Mapping[str, Json] = {"meta:xdmType": field.type} if "format" in shape else {}
    return {"name": field.name, "type": shape["type"], **kind, "xdm": shape}


def read_columns(answer: Json) -> tuple[Field, ...] | None:
    """The columns that an exploration shows: those of a table, or the fields of a REST source's JSON by their dotted
    paths (contract 4.5, 4.6). None where it shows neither."""
    schema = table(answer, "schema")
    if isinstance(schema.get("columns"), Sequence):
        columns = [(text(column, "name"), column) for column in rows(schema, "columns")]
        return tuple(Field(name=name, type=_type(column)) for name, column in columns if name)
    if "properties" not in schema:
        return None
    return tuple(Field(name=path, type=kind) for path, kind in Fields(table(schema, "properties")).leaves())


def misfits(wanted: Sequence[Field], live: Sequence[Field], path: str) -> Iterator[Misfit]:
    """Those of `wanted` that the live table `path` has not, or not with such values. A date is a text, and a whole
    number a number; kinds of values that the manifest has no word for are let pass."""
    there = {field.name: field.type for field in live}
    for field in wanted:
        kind = there.get(field.name)
        if kind is None:
            meant = _nearest(field.name, there)
            names = ", ".join(list(there)[:NAMED]) + (", …" if len(there) > NAMED else "")
            message = f'column "{field.name}" is not in the table {path}' + ("" if meant else f", which has {names}")
            yield Misfit(column=field.name, message=message, meant=meant)
        elif not _holds(field.type, kind):
            message = f'column "{field.name}" is {field.type} here, but {kind} in the table {path}'
            yield Misfit(column=field.name, message=message)


def _holds(wanted: str, live: str) -> bool:
    if live not in _XDM or wanted == live:
        return True
    return {wanted, live} <= _TEXTS or (wanted, live) == ("number", "integer")


def _type(column: Json) -> str:
    """By `xdm`, which is the platform's; `type` is the vendor's (contract 4.5)."""
    return type_of(table(column, "xdm") or column, otherwise=text(column, "meta:xdmType"))


def _nearest(name: str, known: Mapping[str, str]) -> str | None:
    folded = {other.casefold(): other for other in known}
    found = get_close_matches(name.casefold(), folded, n=1)
    return folded[found[0]] if found else None
