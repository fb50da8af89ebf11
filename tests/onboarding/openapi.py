"""Adobe's OpenAPI files as judges of requests: which there are, which bodies and parameters they take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

FILES = {
    "flowservice": "flow-service",
    "schemaregistry": "schema-registry",
    "catalog": "catalog",
    "conversion": "data-prep",
}
"""The file of each service."""
SLIPS = {"scheduleParams.interval: 1 is not of type 'string'"}
"""What the files have wrong: an interval is an integer (contract, conflicts 15 and 30)."""


@cache
def specification(file: str) -> dict[str, Any]:
    """One file."""
    text = (Path(__file__).parents[1] / "openapi" / f"{file}.yaml").read_text()
    content: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return content


def resolved(file: str, node: Any) -> Any:
    """What a node refers to, if it refers to anything."""
    while isinstance(node, dict) and "$ref" in node:
        found = specification(file)
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        node = found
    return node


def operation(file: str, method: str, path: str) -> dict[str, Any] | None:
    """The operation that a request is, None when there is none. A path as it is sent, or as the file spells it."""
    paths = specification(file)["paths"]
    for template in sorted(paths, key=lambda template: (template.count("{"), template)):
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template.rstrip("/")))
        if method.lower() in paths[template] and (template == path or re.fullmatch(pattern, path)):
            found: dict[str, Any] = paths[template][method.lower()]
            return {**found, "parameters": [*paths[template].get("parameters", ()), *found.get("parameters", ())]}
    return None


def request_schema(file: str, path: str, method: str = "post") -> dict[str, Any]:
    """The JSON Schema of a request's body, able to find what it refers to."""
    found = operation(file, method, path)
    assert found is not None, f"{file} has no {method} {path}"
    if "requestBody" in found:
        schema = next(iter(found["requestBody"]["content"].values()))["schema"]
    else:
        parameters = [resolved(file, parameter) for parameter in found["parameters"]]
        schema = next(parameter["schema"] for parameter in parameters if parameter["in"] == "body")
    shared = {key: specification(file)[key] for key in ("components", "definitions") if key in specification(file)}
    return {**schema, **shared}


def parameters(file: str, found: dict[str, Any]) -> set[str]:
    """The query parameters that an operation knows."""
    known = [resolved(file, parameter) for parameter in found["parameters"]]
    return {parameter["name"] for parameter in known if parameter["in"] == "query"}


def body_errors(schema: dict[str, Any], body: Any) -> set[str]:
    """Why a body does not fit, the files' own slips left out."""
    errors = Draft7Validator(schema).iter_errors(body)
    return {f"{'.'.join(map(str, error.path))}: {error.message}" for error in errors} - SLIPS


def known_keys(file: str, schema: dict[str, Any]) -> set[str]:
    """Every top-level key that the specification has a word for."""
    return set(_keys(file, schema))


def _keys(file: str, schema: dict[str, Any]) -> Iterator[str]:
    content = resolved(file, {key: value for key, value in schema.items() if key not in ("components", "definitions")})
    yield from content.get("properties", {})
    for part in content.get("allOf", ()):
        yield from _keys(file, part)
