"""Sources are added to what people wrote: comments, order, quotes and line ends as they are."""

from __future__ import annotations

import io
from typing import Any

import pytest

from workflows.onboarding.manifest.insert import NoPlace, inserted, written
from workflows.onboarding.manifest.mistakes import Notes
from workflows.onboarding.manifest.yaml_file import yaml_entries

NEW: list[dict[str, Any]] = [{"name": "nn", "mappings": {"a": "_id"}}, {"name": "o: p", "columns": {"yes": "string"}}]
BLOCK = '  - name: nn\n    mappings: {a: _id}   # look\n  - name: "o: p"\n    columns: {"yes": string}\n'
BRACKETS = '{"name": "nn", "mappings": {"a": "_id"}}, {"name": "o: p", "columns": {"yes": "string"}}'

CASES = {
    "at the end": ("version: 1\nsources:\n  - name: x\n", "version: 1\nsources:\n  - name: x\n" + BLOCK),
    "without a last line end": ("sources:\n  - {name: x}", "sources:\n  - {name: x}\n" + BLOCK),
    "before what follows": (
        "sources:\n  - name: x   # mine\n    # and this\n\n# foot\nmore: 1\n",
        "sources:\n  - name: x   # mine\n    # and this\n" + BLOCK + "\n# foot\nmore: 1\n",
    ),
    "after a value of several lines": (
        "sources:\n  - name: |\n      x\n      y\n\nmore: 1\n",
        "sources:\n  - name: |\n      x\n      y\n\n" + BLOCK + "more: 1\n",
    ),
    "below no list": ("version: 1\n", "version: 1\nsources:\n" + BLOCK),
    "below an empty key": ("sources:   # none\nmore: 1\n", "sources:   # none\n" + BLOCK + "more: 1\n"),
    "below an empty list": ("sources: []   # none\n", "sources:   # none\n" + BLOCK),
    "with other line ends": (
        "sources:\r\n  - name: x\r\n",
        "sources:\r\n  - name: x\r\n" + BLOCK.replace("\n", "\r\n"),
    ),
    "in brackets": ('{"sources": [{"name": "x"}]}\n', '{"sources": [{"name": "x"}, ' + BRACKETS + "]}\n"),
    "in empty brackets": ('{"sources": []}', '{"sources": [' + BRACKETS + "]}"),
}


def sources(text: str) -> list[Any]:
    notes = Notes("", set())
    found = [entry.data for entry in yaml_entries(io.BytesIO(text.encode()), notes) if hasattr(entry, "data")]
    assert all("version" in mistake.message or "unknown key" in mistake.message for mistake in notes.mistakes)
    return found


@pytest.mark.parametrize("case", CASES)
def test_new_sources_come_last_and_nothing_else_changes(case: str) -> None:
    before, after = CASES[case]
    assert inserted(before, [(source, {"mappings": "look"}) for source in NEW]) == after
    there = sources(before) if "- " in before or '"x"' in before else []
    assert sources(after) == [*there, *NEW]


def test_a_list_without_indent_keeps_its_own() -> None:
    after = inserted("sources:\n- name: x\n", [(NEW[0], {})])
    assert after == "sources:\n- name: x\n- name: nn\n  mappings: {a: _id}\n"


@pytest.mark.parametrize("text", ["- a\n", "sources: &all\n  - name: x\n", "sources: many\n", "{version: 1}"])
def test_where_nothing_can_be_added_it_is_said(text: str) -> None:
    with pytest.raises(NoPlace):
        inserted(text, [(NEW[0], {})])


def test_a_new_manifest_has_defaults_and_sources() -> None:
    text = written(
        [(source, {}) for source in NEW],
        {"connector": "servicenow", "target": {"field_groups": ["https://ns.adobe.com/xdm/" + "a" * 60]}},
    )
    assert sources(text) == NEW
    assert "  target:\n    field_groups:\n      - https://ns.adobe.com/xdm/a" in text
