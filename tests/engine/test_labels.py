"""Names, markers and notes: derived, short, safe in any filter, and read back as they were written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import labels
from engine.labels import Note
from engine.model import RunState, Scope, replace

SCOPE = Scope(gateway="https://api.example", org="org@Example", sandbox="dev")
RUN = RunState(
    key=1, run_id="r", workflow="site", variant="", scope=SCOPE, source="acme-accounts", inputs="{}", inputs_print="",
    definition="",
)  # fmt: skip
SAFE = re.compile(r"[A-Za-z0-9._-]+( [A-Za-z0-9._-]+)*")

steps = st.from_regex(r"[a-z][a-z0-9]{0,8}(_[a-z0-9]{1,9}){0,5}", fullmatch=True)
tags = st.from_regex(r"[A-Za-z0-9]{1,20}-[0-9]{1,6}", fullmatch=True)


def run(source: str, *, shared: bool = False, generation: int = 0) -> RunState:
    return replace(RUN, source=source, shared=shared, generation=generation)


@given(source=st.text(), step=steps, generation=st.integers(0, 10**6), shared=st.booleans())
def test_a_name_is_short_and_has_nothing_that_means_something_in_a_filter(
    source: str, step: str, generation: int, shared: bool
) -> None:
    name = labels.name(run(source, shared=shared), step, generation)
    assert len(name) <= labels.MAX_NAME
    assert SAFE.fullmatch(name)
    assert name.endswith(labels.marker(run(source, shared=shared), step, generation))


def test_a_name_is_readable() -> None:
    assert labels.name(RUN, "target_schema", 0).rpartition(" ")[0] == "acme-accounts target schema"
    assert labels.name(run("Kunden & Co."), "flow", 0).rpartition(" ")[0] == "Kunden-Co flow"
    assert labels.name(run("schema:Customers", shared=True), "schema", 0).rpartition(" ")[0] == "Customers schema"


def test_a_source_without_a_safe_character_leaves_the_step_and_the_marker() -> None:
    assert re.fullmatch(r"flow hw[0-9a-f]{14}", labels.name(run("日本語"), "flow", 0))


def test_sources_that_look_alike_once_they_are_safe_have_different_names() -> None:
    alike = ["a b", "a-b", "a/b", "a&b", "x" * 200 + "1", "x" * 200 + "2", "é", "è", ""]
    assert len({labels.name(run(source), "flow", 0) for source in alike}) == len(alike)


def test_the_marker_is_of_workflow_org_sandbox_source_step_generation_and_of_nothing_else() -> None:
    marker = labels.marker(RUN, "flow", 0)
    others = [
        (replace(RUN, workflow="other"), "flow", 0),
        (replace(RUN, scope=replace(SCOPE, org="other")), "flow", 0),
        (replace(RUN, scope=replace(SCOPE, sandbox="other")), "flow", 0),
        (run("other"), "flow", 0),
        (run(RUN.source, shared=True), "flow", 0),
        (RUN, "flow_spec", 0),
        (RUN, "flow", 1),
    ]
    assert len({marker, *(labels.marker(*other) for other in others)}) == len(others) + 1
    anywhere = replace(RUN, key=9, run_id="x", variant="v", inputs="[]", epoch=4, scope=replace(SCOPE, gateway="g"))
    assert labels.marker(anywhere, "flow", 0) == marker


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)


@given(one=st.tuples(text, text, text, text, steps), other=st.tuples(text, text, text, text, steps))
def test_where_one_part_ends_and_the_next_begins_matters(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    def marker(workflow: str, org: str, sandbox: str, source: str, step: str) -> str:
        scope = Scope(gateway="", org=org, sandbox=sandbox)
        return labels.marker(replace(RUN, workflow=workflow, scope=scope, source=source), step, 0)

    assert (marker(*one) == marker(*other)) is (one == other)


def test_every_generation_is_looked_for_and_a_title_is_the_same_in_all() -> None:
    third = run("acme", generation=2)
    assert labels.names(third, "flow", unique=False) == tuple(labels.name(third, "flow", g) for g in (0, 1, 2))
    assert len(set(labels.names(third, "flow", unique=False))) == 3
    assert labels.names(third, "schema", unique=True) == (labels.name(third, "schema", 0),)


@given(source=st.text(), step=steps, tag=tags, generation=st.integers(0, 99), unique=st.booleans())
def test_a_note_says_which_attempt_made_the_object(
    source: str, step: str, tag: str, generation: int, unique: bool
) -> None:
    label = labels.label(run(source, generation=generation), step, tag, unique=unique, sentinel_of=None)
    assert (label.attempt, labels.parse(label.note)) == (tag, Note(attempt=tag))
    assert label.name in labels.names(run(source, generation=generation), step, unique=unique)


@given(source=st.text(), tag=tags, journals=st.tuples(tags, tags), generations=st.tuples(*[st.integers(0, 99)] * 2))
def test_a_sentinels_note_names_journal_and_generation_until_another_signs_it(
    source: str, tag: str, journals: tuple[str, str], generations: tuple[int, int]
) -> None:
    label = labels.label(run(source, generation=generations[0]), "schema", tag, unique=True, sentinel_of=journals[0])
    assert labels.parse(label.note) == Note(attempt=tag, journal=journals[0], generation=generations[0])
    signed = labels.signed(label.note, journals[1], generations[1])
    assert labels.parse(signed) == Note(attempt=tag, journal=journals[1], generation=generations[1])
    assert labels.signed(signed, journals[0], generations[0]) == label.note


@given(st.text())
def test_any_text_can_be_read_as_a_note(note: str) -> None:
    assert labels.parse(note).generation >= 0


@pytest.mark.parametrize("note", ["", "made by hand", "reattempt=1x", "attempt=", "attempt: 7"])
def test_a_note_that_is_not_ours_says_nothing(note: str) -> None:
    assert labels.parse(note) == Note()


def test_a_generation_that_is_no_number_is_none() -> None:
    assert labels.parse("attempt=p-1 journal=j generation=x") == Note(attempt="p-1", journal="j")
