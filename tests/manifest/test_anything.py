"""Whatever the bytes are, the reader answers with sources or with mistakes, and with nothing else."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine import codec
from tests.manifest.conftest import GOOD
from tests.manifest.test_forms import DEFAULTS, TABLE
from workflows.onboarding.inputs import Inputs, decode
from workflows.onboarding.manifest import ManifestErrors, read_manifest
from workflows.onboarding.manifest.mistakes import is_safe

NAMES = st.sampled_from(["sources.yaml", "sources.json", "sources.csv", "sources.jsonl", "sources"])
FRAGMENTS = st.sampled_from(
    [
        *("version: 1\n", "sources:\n", "  - ", "defaults:\n", "name: a", "    table: t\n", "columns: {a: string}\n"),
        *(
            "schedule: ",
            "{",
            "}",
            "[",
            "]",
            ": ",
            ", ",
            "\n",
            "- ",
            "<<: ",
            "&a ",
            "*a",
            "? ",
            "! ",
            "!!int ",
            "'",
            '"',
        ),
        *("|\n", "--- ", "...\n", "# ", "\t", "\0", "\x85", "\ufeff", "\U0001f600", "${env:A}", "~", "1", "null"),
        *("name,table\n", ";", "a:string;b=c", '{"name": "a"}\n', '{"version": 1, "sources": [', "once", "auth: "),
    ]
)
KEYS = st.text(max_size=3) | st.sampled_from(
    [
        *("name", "table", "columns", "mappings", "schedule", "frequency", "interval", "target", "class", "schema"),
        *("dataset", "field_groups", "base_connection", "auth", "password", "type", "format", "previously", "start"),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["string", "date", "once", "minute", "servicenow", "adhoc", "a", "https://ns.adobe.com/c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


def outcome(text: bytes, name: str, defaults: bytes = b"{}") -> list[Inputs] | ManifestErrors:
    """The sources, or the mistakes."""
    with TemporaryDirectory() as folder:
        path, under = Path(folder, name), Path(folder, "defaults.yaml")
        path.write_bytes(text)
        under.write_bytes(defaults)
        try:
            return list(read_manifest(str(path), under))
        except ManifestErrors as errors:
            return errors


def is_answer(found: list[Inputs] | ManifestErrors) -> bool:
    """Whether sources survive JSON, or mistakes have places and are fit for a terminal."""
    if isinstance(found, list):
        return [decode(codec.canonical(inputs)) for inputs in found] == found
    places = [(mistake.line, mistake.column) for mistake in found.mistakes]
    return (
        bool(places)
        and all((line > 0) == (column > 0) for line, column in places)
        and is_safe(str(found).replace("\n", ""))
    )


@given(text=st.binary(max_size=80), name=NAMES)
def test_bytes(text: bytes, name: str) -> None:
    assert is_answer(outcome(text, name))


@given(text=st.lists(FRAGMENTS, max_size=25).map("".join), name=NAMES)
def test_pieces_of_manifests(text: str, name: str) -> None:
    assert is_answer(outcome(text.encode(), name))
    assert is_answer(outcome(GOOD.encode(), "sources.yaml", text.encode()))


@given(source=st.dictionaries(KEYS, VALUES, max_size=8), defaults=st.dictionaries(KEYS, VALUES, max_size=4))
def test_values_of_the_wrong_kind(source: dict[str, Any], defaults: dict[str, Any]) -> None:
    document = {"version": 1, "defaults": defaults, "sources": [source, {"name": "b"}]}
    assert is_answer(outcome(json.dumps(document, ensure_ascii=False).encode(errors="replace"), "sources.json"))
    assert is_answer(outcome(json.dumps(source).encode(), "sources.jsonl", json.dumps({"defaults": defaults}).encode()))


@given(at=st.integers(0, len(GOOD)), piece=FRAGMENTS, cut=st.integers(0, 12))
def test_a_good_manifest_with_a_slip(at: int, piece: str, cut: int) -> None:
    assert is_answer(outcome((GOOD[:at] + piece + GOOD[at + cut :]).encode(), "sources.yaml"))


@given(at=st.integers(0, len(TABLE)), piece=FRAGMENTS, cut=st.integers(0, 12))
def test_a_good_table_with_a_slip(at: int, piece: str, cut: int) -> None:
    text = (TABLE[:at] + piece + TABLE[at + cut :]).encode()
    assert is_answer(outcome(text, "sources.csv", DEFAULTS.encode()))
