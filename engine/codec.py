"""Canonical JSON, fingerprints, and dataclasses to JSON and back. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")

_encode = msgspec.json.Encoder(order="sorted").encode


def canonical(value: object) -> str:
    """JSON text with sorted keys and no blanks: equal values give equal text."""
    return _encode(value).decode()


def plain(value: object) -> Any:
    """A value as it is once it was sent: lists for tuples, objects for dataclasses."""
    return msgspec.json.decode(_encode(value))


def fingerprint(value: object) -> str:
    """A short stable hash (20 hex digits) of a value that JSON or a dataclass can say."""
    text = value.encode() if isinstance(value, str) else _encode(value)
    return hashlib.blake2b(text, digest_size=10).hexdigest()


def encode_inputs(inputs: object) -> str:
    """A dataclass (nested ones, too) as JSON text."""
    return canonical(inputs)


def decode_inputs(kind: type[T], text: str) -> T:
    """The dataclass that `encode_inputs` made. Raises `ValueError` for text that does not fit."""
    value = msgspec.json.decode(text)
    if not _is_declared(kind):
        return cast("T", value)
    try:
        return cast("T", _builder(cast("Any", kind))(value))
    except (AttributeError, TypeError) as error:  # something else than the declared kind, or a field is missing
        raise ValueError(f"this is no {kind.__qualname__}: {error}") from error


def _is_declared(kind: object) -> bool:
    """Whether a type is a class with declared fields: a dataclass, or one of the engine's values."""
    return dataclasses.is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


@cache
def _builder(kind: Any) -> Callable[[Any], Any]:
    """What makes a value of this type from what JSON says."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (UnionType, typing.Union):
        build = _builder(next(a for a in arguments if a is not NoneType))
        return (lambda value: None if value is None else build(value)) if NoneType in arguments else build
    if _is_declared(kind):
        return _dataclass_builder(kind)
    if origin is tuple and arguments[1:] != (Ellipsis,):
        builds = [_builder(argument) for argument in arguments]
        return lambda value: tuple(build(item) for build, item in zip(builds, value, strict=True))
    if origin in (tuple, list, Sequence):
        make, build = tuple if origin is tuple else list, _builder(arguments[0])
        return lambda value: make(map(build, value))
    if origin in (dict, Mapping):
        build = _builder(arguments[1])
        return lambda value: {key: build(item) for key, item in value.items()}
    return lambda value: value


def _dataclass_builder(kind: Any) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)

    def build(value: Any) -> Any:
        unknown = value.keys() - hints.keys()
        if unknown:
            raise ValueError(f"{kind!r} has no {', '.join(sorted(unknown))}")
        return kind(**{name: _builder(hints[name])(item) for name, item in value.items()})

    return build
