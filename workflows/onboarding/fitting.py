"""Whether a source fits what is really there: its columns the live table, its mappings the target's fields. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workflows.onboarding._specs import fields
from workflows.onboarding.inputs import Inputs
from workflows.onboarding.manifest.mistakes import Flaw, did_you_mean, listed, quoted
from workflows.resources import Field, Fields, misfits

_INSIDE = {"object": "an object", "array": "a list", "map": "a map"}
_TEXTS = ("string", "date", "date-time")
_TAKES = {
    "integer": ("integer",),
    "number": ("integer", "number"),
    "boolean": ("boolean",),
    "date": _TEXTS,
    "date-time": _TEXTS,
}
"""What a field takes besides texts, which take anything: a number is not cut, a text not guessed at."""


def column_flaws(inputs: Inputs, live: Sequence[Field]) -> Iterator[Flaw]:
    """Columns that the live table has not, or has otherwise."""
    for one in misfits(fields(inputs), live, inputs.table):
        meant = f"did you mean {quoted(one.meant)}?" if one.meant else None
        yield Flaw(("columns", one.column), one.message, meant)


def missing_table(inputs: Inputs, tables: Sequence[str]) -> Flaw:
    """There is no such table; `tables` are those that there are."""
    near = did_you_mean(inputs.table, tables)
    there = f"; there are {listed(tables)}" if tables and not near else ""
    return Flaw(("table",), f"there is no table {quoted(inputs.table)}{there}", near)


def mapping_flaws(inputs: Inputs, target: Fields) -> Iterator[Flaw]:
    """Mappings that lead to no field, to one that holds no value itself, or to one that does not take the column."""
    types = {column.name: column.type for column in inputs.columns}
    for column, path in inputs.mappings:
        place, kind = ("mappings", column), target.type_at(path)
        if kind is None:
            near = target.nearest(path)
            meant = f"did you mean {quoted(near)}?" if near else None
            yield Flaw(place, f"no field {quoted(path)} in the target schema", meant)
        elif kind in _INSIDE:
            inside = [other for other in target.paths if other.startswith(f"{path}.")]
            fitting = f"it has {listed(inside)}" if inside else None
            yield Flaw(place, f"{quoted(path)} is {_INSIDE[kind]}, and takes no column", fitting)
        elif column in types and not fits(types[column], kind):
            yield Flaw(place, f"column {quoted(column)} is {types[column]}, but {quoted(path)} takes {kind}")


def fits(column: str, field: str) -> bool:
    """Whether a field of that type takes a column of that type."""
    return column in _TAKES.get(field, (column,))
