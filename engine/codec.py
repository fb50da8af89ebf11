"""Canonical JSON, fingerprints, and dataclasses to JSON and back. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, TypeVar

import orjson

T = TypeVar("T")


def canonical(value: object) -> str:
    """JSON text with sorted keys and no blanks: equal values give equal text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def fingerprint(value: object) -> str:
    """A short stable hash (20 hex digits) of a value that JSON or a dataclass can say."""
    text = value.encode() if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=10).hexdigest()


def encode_inputs(inputs: object) -> str:
    """A dataclass (nested ones, too) as JSON text."""
    return canonical(inputs)


def decode_inputs(kind: type[T], text: str) -> T:
    """The dataclass that `encode_inputs` made. Raises `ValueError` for text that does not fit."""
    value = json.loads(text)
    if not dataclasses.is_dataclass(kind):
        return typing.cast("T", value)
    try:
        return typing.cast("T", _build(kind, value))
    except (AttributeError, TypeError) as error:  # something else than the declared kind, or a field is missing
        raise ValueError(f"this is no {kind.__qualname__}: {error}") from error


def _build(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (UnionType, typing.Union):
        if value is None and NoneType in arguments:
            return None
        return _build(next(a for a in arguments if a is not NoneType), value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        unknown = set(value) - hints.keys()
        if unknown:
            raise ValueError(f"{kind!r} has no {', '.join(sorted(unknown))}")
        return kind(**{name: _build(hints[name], item) for name, item in value.items()})  # type: ignore[operator]
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_build(arguments[0], item) for item in value)
        return tuple(_build(argument, item) for argument, item in zip(arguments, value, strict=True))
    if origin in (list, Sequence):
        return [_build(arguments[0], item) for item in value]
    if origin in (dict, Mapping):
        return {key: _build(arguments[1], item) for key, item in value.items()}
    return value
