"""Equal values have one text and one print; inputs come back from the journal as they went in."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import codec

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@dataclass(frozen=True, kw_only=True)
class Column:
    name: str
    type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    title: str
    pair: tuple[str, int]
    columns: tuple[Column, ...] = ()
    first: Column | None = None
    numbers: Sequence[int] = ()
    names: list[Column] = dataclasses.field(default_factory=list)
    by_name: Mapping[str, Column] = dataclasses.field(default_factory=dict)
    anything: Any = None


columns = st.builds(Column, name=st.text(), type=st.none() | st.text())
wanted = st.builds(
    Wanted,
    title=st.text(),
    pair=st.tuples(st.text(), st.integers(-(2**53), 2**53)),
    columns=st.lists(columns, max_size=3).map(tuple),
    first=st.none() | columns,
    numbers=st.lists(st.integers(-(2**53), 2**53), max_size=3),
    names=st.lists(columns, max_size=3),
    by_name=st.dictionaries(st.text(), columns, max_size=3),
    anything=values,
)


def shuffled(value: Any) -> Any:
    """The same value, its objects built the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(item) for key, item in reversed(value.items())}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_canonical_json_says_the_value_in_one_way(value: Any) -> None:
    text = codec.canonical(value)
    assert json.loads(text) == value
    assert codec.canonical(shuffled(value)) == text
    assert codec.canonical(json.loads(text)) == text


def test_canonical_json_has_sorted_keys_and_no_blanks() -> None:
    assert codec.canonical({"b": [1, {"z": None, "a": "é"}], "a": True}) == '{"a":true,"b":[1,{"a":"é","z":null}]}'


@given(one=values, other=values)
def test_equal_values_and_no_others_have_equal_prints(one: Any, other: Any) -> None:
    same = codec.canonical(one) == codec.canonical(other)
    assert (codec.fingerprint([one]) == codec.fingerprint([other])) is same
    assert codec.fingerprint([shuffled(one)]) == codec.fingerprint([one])


def test_a_print_is_twenty_hex_digits_and_stays_what_it_is() -> None:
    assert codec.fingerprint({"a": 1}) == codec.fingerprint('{"a":1}') == "42a94dc65947f607cfed"


@given(wanted)
def test_inputs_come_back_as_they_were(inputs: Wanted) -> None:
    back = codec.decode_inputs(Wanted, codec.encode_inputs(inputs))
    assert back == dataclasses.replace(inputs, numbers=list(inputs.numbers))
    assert codec.encode_inputs(back) == codec.encode_inputs(inputs)


def test_what_is_no_dataclass_comes_back_as_json() -> None:
    assert codec.decode_inputs(dict, codec.encode_inputs({"b": 1, "a": [2]})) == {"a": [2], "b": 1}


def test_fields_that_have_a_default_may_be_missing_in_an_older_journal() -> None:
    assert codec.decode_inputs(Wanted, '{"title":"t","pair":["a",1]}') == Wanted(title="t", pair=("a", 1))


@pytest.mark.parametrize(
    "text",
    [
        "{", "3", "null", "[]", '{"title":"t"}', '{"title":"t","pair":["a"]}', '{"title":"t","pair":["a",1,2]}',
        '{"title":"t","pair":["a",1],"extra":1}', '{"title":"t","pair":["a",1],"columns":[{"nom":"x"}]}',
        '{"title":"t","pair":["a",1],"columns":3}', '{"title":"t","pair":["a",1],"by_name":[1]}',
    ],
)  # fmt: skip
def test_a_text_that_does_not_fit_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        codec.decode_inputs(Wanted, text)
