"""Adobe's OpenAPI files as judges of requests: which there are, which bodies and parameters they take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import yaml
from jsonschema import Draft7Validator

FILES = {
    "flowservice": "flow-service",
    "schemaregistry": "schema-registry",
    "catalog": "catalog",
    "conversion": "data-prep",
}
"""The file of each service."""
SLIPS = re.compile(
    r"scheduleParams\.interval: \d+ is not of type 'string'"
    r"|\d+\.op: '(add|replace|remove)' is not one of \['ADD', 'REPLACE', 'REMOVE'\]"
    r"|\d+\.value: .* is not of type '(object|string)'"
)
"""What the files have wrong: an interval is an integer (contract, conflicts 15 and 30); a JSON Patch has operations in
lower case, and any JSON for a value, as in every example of the documentation (conflict 29)."""

PREFIX = "/data/foundation/"
BEYOND = {
    ("catalog", "POST", "/dataSets"): {"requestDataSource"},  # in every example of the documentation (contract 7.1)
    ("catalog", "GET", "/dataSets"): {"name"},  # the simple filter (contract 7.2)
    ("flowservice", "GET", "/explore"): {"fileType", "preview", "sourceParams"},  # of a REST source (contract 4.6)
}
"""Parameters that the documentation knows and the files do not, by service, method and end of the path."""
OF_2020 = {"baseConnectionId"}
"""Keys of the older chain that today's files have no word for (contract 6.3)."""


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
    """Why a body does not fit, the files' own slips left out. Where a file speaks of one operation of a JSON Patch, the
    documentation has a list of them (contract 11.1)."""
    if isinstance(body, list) and "$ref" in schema and schema["$ref"].endswith("/PatchInstruction"):
        schema = {"type": "array", "items": {"$ref": schema["$ref"]}, "components": schema["components"]}
    errors = Draft7Validator(schema).iter_errors(body)
    said = {f"{'.'.join(map(str, error.path))}: {error.message}" for error in errors}
    return {error for error in said if not SLIPS.fullmatch(error)}


def known_keys(file: str, schema: dict[str, Any]) -> set[str]:
    """Every top-level key that the specification has a word for."""
    return set(_keys(file, schema))


def _keys(file: str, schema: dict[str, Any]) -> Iterator[str]:
    content = resolved(file, {key: value for key, value in schema.items() if key not in ("components", "definitions")})
    yield from content.get("properties", {})
    for part in content.get("allOf", ()):
        yield from _keys(file, part)


def kinds(requests: list[httpx.Request]) -> set[str]:
    """Method and kind of object, so that nothing that matters goes unseen."""
    found = set[str]()
    for request in requests:
        names = [part for part in request.url.path.split("/") if part.isalpha()]
        found.add(f"{request.method} {names[-1] if names else ''}")
    return found


def complaints(request: httpx.Request) -> list[str]:
    """Where a request is not as the file of its service says."""
    path = request.url.raw_path.decode().partition("?")[0]
    if not path.startswith(PREFIX):
        return []  # the token
    service, _, rest = path.removeprefix(PREFIX).partition("/")
    rest, file, where = f"/{rest}", FILES.get(service), f"{request.method} {service}/{unquote(rest)[:60]}"
    if file is None:
        return []
    known = operation(file, request.method, rest)
    if known is None:
        return [f"{where}: there is no such request"]
    beyond = BEYOND.get((service, request.method, f"/{rest.rpartition('/')[2]}"), set())
    said = {unquote(pair.partition("=")[0]) for pair in request.url.query.decode().split("&") if pair}
    found = [f"{where}: unknown parameter {name}" for name in said - parameters(file, known) - beyond]
    if request.content:
        body: Any = json.loads(request.content)
        schema = request_schema(file, rest, request.method)
        found += [f"{where}: {error}" for error in body_errors(schema, body)]
        if isinstance(body, dict):
            extra = set(body) - known_keys(file, schema) - OF_2020
            found += [f"{where}: unknown key {key}" for key in extra]
    return found
