"""JSON Patch (RFC 6902) and JSON Pointer (RFC 6901) on plain JSON values; the document given is never changed."""

from __future__ import annotations

import copy
from typing import Any


class PatchError(Exception):
    """A patch that cannot be applied: a malformed operation or a path that leads nowhere."""


class TestFailed(PatchError):
    """A `test` operation found another value."""


def apply(document: Any, operations: list[Any]) -> Any:
    """The patched document; raises PatchError (TestFailed for a failed `test`) and then changes nothing."""
    document = copy.deepcopy(document)
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
            raise PatchError("every operation is an object with op and path")
        document = _apply_one(document, operation)
    return document


def _apply_one(document: Any, operation: dict[str, Any]) -> Any:
    op, path = str(operation.get("op", "")).lower(), pointer(operation["path"])
    if op in {"add", "replace", "test"} and "value" not in operation:
        raise PatchError(f"{op} needs a value")
    if op == "test":
        if not _same(resolve(document, path), operation["value"]):
            raise TestFailed(f"the value at {operation['path']} is not the one expected")
        return document
    if op == "add":
        return _add(document, path, copy.deepcopy(operation["value"]))
    if op == "replace":
        resolve(document, path)
        return _add(_remove(document, path), path, copy.deepcopy(operation["value"])) if path else operation["value"]
    if op == "remove":
        return _remove(document, path)
    if op in {"move", "copy"}:
        source = pointer(str(operation.get("from", "")))
        value = copy.deepcopy(resolve(document, source))
        return _add(_remove(document, source) if op == "move" else document, path, value)
    raise PatchError(f"unknown operation {op!r}")


def pointer(text: str) -> list[str]:
    """The keys of a JSON Pointer; raises PatchError when it does not begin with a slash."""
    if text == "":
        return []
    if not text.startswith("/"):
        raise PatchError(f"a path begins with a slash: {text!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def resolve(document: Any, path: list[str]) -> Any:
    """The value at a path; raises PatchError when there is none."""
    for key in path:
        document = _step(document, key)
    return document


def _step(node: Any, key: str) -> Any:
    if isinstance(node, dict) and key in node:
        return node[key]
    if isinstance(node, list) and key.isdigit() and int(key) < len(node):
        return node[int(key)]
    raise PatchError(f'Missing field "{key}"')


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, key = resolve(document, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[key] = value
    elif isinstance(parent, list) and key == "-":
        parent.append(value)
    elif isinstance(parent, list) and key.isdigit() and int(key) <= len(parent):
        parent.insert(int(key), value)
    else:
        raise PatchError(f'Missing field "{key}"')
    return document


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        raise PatchError("the whole document cannot be removed")
    parent, key = resolve(document, path[:-1]), path[-1]
    _step(parent, key)
    del parent[int(key) if isinstance(parent, list) else key]
    return document


def _same(left: Any, right: Any) -> bool:
    """Equality of JSON values: true is not 1."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)
