"""Mistakes in `existing`: what is adopted refers only to what is there."""

import pytest

from tests.manifest.conftest import AUTH, GOOD, Mistakes

ALL = (
    "    base_connection: 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66\n"
    "    target: {schema: https://ns.adobe.com/acme/schemas/1, dataset: 5e54fb2b0d9c4b18aa0c5c2d}\n"
    "    existing: {adhoc_class: c, adhoc_schema: s, source_connection: sc, dataset_base_connection: l,\n"
    "      target_connection: t, mapping_set: m, flow: f}\n"
)


def test_what_exists_needs_no_description(mistakes: Mistakes) -> None:
    assert mistakes(GOOD + ALL) == []
    bare = GOOD.partition("    columns:")[0]
    assert mistakes(bare + ALL) == []
    assert mistakes(bare + ALL.replace("mapping_set: m, flow: f", "")) == [
        'sources.yaml:9:5  source "incidents" has no delta_column; only frequency: once can do without it',
        'sources.yaml:9:5  source "incidents" has no mappings',
    ]


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        (
            "source_connection: sc",
            "source_conection: sc",
            '16:49  chain adhoc makes no "source_conection"; did you mean "source_connection"?',
        ),
        ("flow: f", "flow: f, flow_spec: x", '17:54  chain adhoc makes no "flow_spec"'),
        ("flow: f", "flow: f, dataset: x", "17:54  existing has no dataset; name its id in target.dataset"),
        ("flow: f", "flow: 1", '17:45  existing.flow must be text; write it in quotes: "1"'),
        (
            "mapping_set: m, ",
            "",
            "17:29  existing.flow refers to a mapping_set that exists, too; name its id in existing.mapping_set",
        ),
        (
            "dataset: 5e54fb2b0d9c4b18aa0c5c2d",
            "dataset: shared",
            "17:7  existing.target_connection refers to a dataset that exists, too; name its id in target.dataset",
        ),
        (
            "    base_connection: 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66\n",
            f"    {AUTH}\n",
            (
                "16:49  existing.source_connection refers to a base_connection that exists, too; "
                "name its id in base_connection"
            ),
        ),
    ],
)
def test_what_exists_is_named_as_a_whole(mistakes: Mistakes, good: str, bad: str, expected: str) -> None:
    assert good in ALL
    found = mistakes(GOOD + ALL.replace(good, bad))
    assert found == [f"sources.yaml:{expected}"]


def test_steps_of_another_chain_do_not_exist(mistakes: Mistakes) -> None:
    found = mistakes(GOOD.replace("chain: adhoc", "chain: tabular") + ALL)
    assert [line.partition("  ")[2] for line in found] == [
        f'chain tabular makes no "{step}"' for step in ("adhoc_class", "adhoc_schema", "dataset_base_connection")
    ]
