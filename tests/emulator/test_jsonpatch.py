"""RFC 6902 and 6901: every operation, and what is no operation."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from workflows.emulator import jsonpatch

DOCUMENT: dict[str, Any] = {"a": {"b": [1, 2]}, "c/d": 1, "e~f": True, "n": None}


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], DOCUMENT),
        ([{"op": "add", "path": "/x", "value": 1}], {**DOCUMENT, "x": 1}),
        ([{"op": "add", "path": "/a/b/0", "value": 0}], {**DOCUMENT, "a": {"b": [0, 1, 2]}}),
        ([{"op": "add", "path": "/a/b/-", "value": 3}], {**DOCUMENT, "a": {"b": [1, 2, 3]}}),
        ([{"op": "add", "path": "/c~1d", "value": 2}], {**DOCUMENT, "c/d": 2}),
        ([{"op": "replace", "path": "/e~0f", "value": None}], {**DOCUMENT, "e~f": None}),
        ([{"op": "replace", "path": "/a/b/1", "value": 9}], {**DOCUMENT, "a": {"b": [1, 9]}}),
        ([{"op": "replace", "path": "", "value": 7}], 7),
        ([{"op": "remove", "path": "/a/b"}], {**DOCUMENT, "a": {}}),
        ([{"op": "REMOVE", "path": "/a/b/0"}], {**DOCUMENT, "a": {"b": [2]}}),
        ([{"op": "move", "from": "/a/b/0", "path": "/x"}], {**DOCUMENT, "a": {"b": [2]}, "x": 1}),
        ([{"op": "copy", "from": "/a", "path": "/x"}], {**DOCUMENT, "x": {"b": [1, 2]}}),
        ([{"op": "test", "path": "/n", "value": None}, {"op": "test", "path": "/a", "value": {"b": [1, 2]}}], DOCUMENT),
    ],
)
def test_operations(operations: list[Any], expected: Any) -> None:
    before = copy.deepcopy(DOCUMENT)
    assert jsonpatch.apply(DOCUMENT, operations) == expected
    assert before == DOCUMENT


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/a/b/5", "value": 1},
        {"op": "add", "path": "/x"},
        {"op": "add", "path": "x", "value": 1},
        {"op": "replace", "path": "/x", "value": 1},
        {"op": "remove", "path": "/a/b/2"},
        {"op": "remove", "path": ""},
        {"op": "move", "from": "/x", "path": "/y"},
        {"op": "grow", "path": "/a", "value": 1},
        {"op": "add", "value": 1},
        "add",
    ],
)
def test_what_cannot_be_applied(operation: Any) -> None:
    with pytest.raises(jsonpatch.PatchError):
        jsonpatch.apply(DOCUMENT, [operation])


@pytest.mark.parametrize(
    ("path", "value"), [("/c~1d", True), ("/e~0f", 1), ("/a/b", [1]), ("/a", {}), ("/n", 0), ("/c~1d", "1")]
)
def test_a_test_compares_json_values(path: str, value: Any) -> None:
    with pytest.raises(jsonpatch.TestFailed):
        jsonpatch.apply(DOCUMENT, [{"op": "test", "path": path, "value": value}])
