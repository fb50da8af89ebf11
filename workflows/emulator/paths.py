"""Paths into JSON documents, conditions on them, and how their values are compared as texts.

A path is a tuple of keys; a key that ends in `[]` goes on inside the elements of an array (contract 3.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Path = tuple[str, ...]
Operator = Literal["==", "!=", "<", "<=", ">", ">=", "~", "glob", "has", "lacks"]


def values(document: Any, path: Path, *, into_arrays: bool = False) -> Iterator[Any]:
    """Every value at `path`; with `into_arrays` a final array stands for its elements without `[]`."""
    if not path:
        if into_arrays and isinstance(document, list):
            yield from document
        else:
            yield document
        return
    key, inside = (path[0][:-2], True) if path[0].endswith("[]") else (path[0], False)
    if not isinstance(document, dict) or key not in document:
        return
    found = document[key]
    if inside:
        if isinstance(found, list):
            for element in found:
                yield from values(element, path[1:], into_arrays=into_arrays)
        return
    yield from values(found, path[1:], into_arrays=into_arrays)


def text(value: Any) -> str | None:
    """A scalar as a filter writes it; None for what no filter can match (objects, arrays, null)."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def order_key(value: Any) -> tuple[int, float, str]:
    """A sort key under which numbers come before texts and missing values first."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 1, float(value), ""
    as_text = text(value)
    return (0, 0.0, "") if as_text is None else (2, 0.0, as_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One filter: some value at `path` stands in `operator` relation to one of `operands`.

    `!=`, `lacks` hold when no value at the path is (anything).
    """

    path: Path
    operator: Operator = "=="
    operands: tuple[str, ...] = ()
    into_arrays: bool = False
    _test: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_test", _tester(self.operator, self.operands))

    def holds(self, document: dict[str, Any]) -> bool:
        """Whether `document` passes."""
        found = (text(value) for value in values(document, self.path, into_arrays=self.into_arrays))
        if self.operator == "lacks":
            return next(values(document, self.path), None) is None
        if self.operator == "has":
            return next(values(document, self.path), None) is not None
        hit = any(self._test(value) for value in found if value is not None)
        return not hit if self.operator == "!=" else hit


def _tester(operator: Operator, operands: tuple[str, ...]) -> Callable[[str], bool]:
    if operator in {"==", "!="}:
        return operands.__contains__ if len(operands) != 1 else operands[0].__eq__
    if operator in {"has", "lacks"}:
        return bool
    operand = operands[0]
    if operator == "~":
        pattern = re.compile(operand)
        return lambda value: pattern.search(value) is not None
    if operator == "glob":
        pattern = re.compile(glob(operand))
        return lambda value: pattern.fullmatch(value) is not None
    compare = {"<": -1, "<=": -1, ">": 1, ">=": 1}[operator]
    return lambda value: _compare(value, operand) in ({compare, 0} if "=" in operator else {compare})


def glob(pattern: str) -> str:
    """The regular expression of a Catalog wildcard: `*` is any text, `**` a literal asterisk (contract 7.2)."""
    return ".*".join(re.escape(part.replace("\0", "*")) for part in pattern.replace("**", "\0").split("*"))


def _compare(left: str, right: str) -> int:
    """-1, 0 or 1: as numbers if both are, else as texts."""
    try:
        a, b = float(left), float(right)
    except ValueError:
        return (left > right) - (left < right)
    return (a > b) - (a < b)
