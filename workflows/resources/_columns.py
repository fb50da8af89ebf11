"""Columns of a source's table as the platform describes them (contract 4.5, 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.model import Json

_XDM: Mapping[str, Mapping[str, Json]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column: `type` is string, integer, number, boolean, date or date-time."""

    name: str
    type: str


def xdm(field: Field) -> Mapping[str, Json]:
    """The type of the column in a class."""
    return _XDM[field.type]


def explored(field: Field) -> Mapping[str, Json]:
    """The column as an exploration of the table shows it."""
    shape = _XDM[field.type]
    kind: Mapping[str, Json] = {"meta:xdmType": field.type} if "format" in shape else {}
    return {"name": field.name, "type": shape["type"], **kind, "xdm": shape}
