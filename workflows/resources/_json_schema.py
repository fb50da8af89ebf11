"""Checking what is about to be sent by JSON Schemas that the platform shows at run time (contract 4.2, 9.4)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Never

import orjson
from jsonschema_rs import Draft7Validator, ValidationError, Validator, validator_for

from engine import codec
from engine.model import Json


def errors(schema: Mapping[str, Json], value: Json) -> list[ValidationError]:
    """Everything in which the value is not as the schema wants it, by its place. What is no JSON Schema forbids
    nothing, nor does one that refers to others elsewhere."""
    validator = _validator(codec.canonical(schema))
    return sorted(validator.iter_errors(value), key=_place) if validator else []


@lru_cache(maxsize=64)
def _validator(schema: str) -> Validator | None:
    """The compiled schema: there are few, and a batch asks each of them once per source."""
    content = orjson.loads(schema)
    make = validator_for if "$schema" in content else Draft7Validator
    try:
        return make(content, retriever=_refuse, validate_formats=False)
    except ValueError:
        return None


def _refuse(uri: str) -> Never:
    raise ValueError(f"{uri} is not looked up")


def _place(error: ValidationError) -> list[str]:
    return [str(part) for part in error.instance_path]
