"""What a source means together with its defaults, and with the sources beside it."""

from pathlib import Path

import pytest

from tests.manifest.conftest import GOOD, Mistakes, Read
from workflows.onboarding.inputs import BaseConnection, Schedule, Target
from workflows.onboarding.manifest import ManifestErrors, check_and_spool

SOURCE = GOOD[GOOD.index("  - name") :]
WITH_AUTH = """\
    base_connection: {name: now, auth: {endpoint: e, username: u, password: "${env:P}"}}
"""


def sources(*more: str) -> str:
    """The good manifest, with sources b, c, … that say more than its own."""
    named = (SOURCE.replace("incidents", chr(ord("b") + at)) + lines for at, lines in enumerate(more))
    return GOOD + "".join(named)


def test_target_and_schedule_are_merged_key_by_key(read: Read) -> None:
    _, b, c = read(
        sources(
            "    schedule: {frequency: minute, interval: 30, spread: 1h}\n    target: {schema: people}\n",
            "    schedule: {start: 2030-01-01}\n    target: {field_groups: [https://ns.adobe.com/g]}\n",
        )
    )
    assert b.schedule == Schedule(frequency="minute", interval=30, spread=3600)
    assert b.target == Target(klass="https://ns.adobe.com/c", field_groups=(), schema="people")
    assert c.schedule == Schedule(frequency="hour", interval=1, start=1893456000)
    assert c.target == Target(klass="https://ns.adobe.com/c", field_groups=("https://ns.adobe.com/g",))


def test_everything_else_is_replaced(read: Read) -> None:
    _, b = read(sources(WITH_AUTH))
    assert b.base_connection == BaseConnection(
        name="now", auth={"endpoint": "e", "username": "u", "password": "${env:P}"}
    )


def test_a_source_that_runs_once_inherits_no_interval_and_needs_no_delta_column(read: Read, mistakes: Mistakes) -> None:
    once = sources("    schedule: {frequency: once}\n").replace("interval: 1}", "interval: 1, backfill: true}")
    assert read(once)[1].schedule == Schedule(frequency="once")
    without = once[: once.rindex("    delta_column")] + once[once.rindex("    mappings") :]
    assert read(without)[1].delta_column is None
    assert mistakes(sources("    schedule: {frequency: once, interval: 2}\n")) == [
        "sources.yaml:19:33  schedule: once takes no interval"
    ]


def test_an_empty_value_takes_a_default_away(read: Read) -> None:
    manifest = sources("    schedule: {backfill: null, start: }\n").replace(
        "interval: 1}", "interval: 1, backfill: true}"
    )
    assert [inputs.schedule.backfill for inputs in read(manifest)] == [True, None]


def test_the_file_of_defaults_lies_under_the_defaults_of_the_manifest(read: Read) -> None:
    (inputs,) = read(
        GOOD.replace("  connector: servicenow\n", ""),
        defaults="connector: servicenow\nchain: tabular\nschedule: {frequency: day, backfill: false}\n",
    )
    assert (inputs.connector, inputs.chain) == ("servicenow", "adhoc")
    assert inputs.schedule == Schedule(frequency="hour", interval=1, backfill=False)


@pytest.mark.parametrize(
    ("defaults", "expected"),
    [
        ("version: 1\ndefaults: {chain: tabulat}\n", '2:12  unknown chain "tabulat"; did you mean "tabular"?'),
        ("chain: tabulat\n", '1:1  unknown chain "tabulat"; did you mean "tabular"?'),
        ("chian: tabular\n", '1:1  unknown key "chian" in the defaults; did you mean "chain"?'),
        ("name: x\n", '1:1  unknown key "name" in the defaults'),
        ("defaults: {}\nversion: 3\n", "2:1  version must be 1, the only one that this headway reads"),
        ("defaults: {}\nmore: 3\n", '2:1  unknown key "more"'),
        ("sources: []\ndefaults: {}\n", "1:1  there are no defaults in it, or they stand after sources"),
        ("- a\n", "1:1  must be a mapping with the keys version, defaults, sources"),
        ("defaults: 3\n", "1:1  defaults must be a mapping of keys to values"),
        ("a: [\n", "2:1  not valid YAML: did not find expected node content"),
        ("table: ${env:T}\n", "1:1  table holds a reference; ${env:…} and ${file:…} are for auth values only"),
        ("", "1:1  the file is empty"),
    ],
)
def test_mistakes_in_the_file_of_defaults(mistakes: Mistakes, defaults: str, expected: str) -> None:
    manifest = GOOD.replace("  chain: adhoc\n", "")
    assert mistakes(manifest, defaults=defaults) == [f"defaults.yaml:{expected}"]


def test_another_manifest_can_lend_its_defaults(read: Read) -> None:
    (inputs,) = read(SOURCE.join(["version: 1\nsources:\n", ""]), defaults=GOOD + "  - [not, looked, at]\n")
    assert inputs.connector == "servicenow"


def test_the_first_chain_of_a_connector_is_its_default(read: Read) -> None:
    manifest = GOOD.replace("  chain: adhoc\n", "")
    assert read(manifest)[0].chain == "adhoc"
    zendesk = manifest.replace("servicenow", "zendesk").replace("    delta_column: changed\n", "")
    assert read(zendesk)[0].chain == "tabular"


def test_column_names_that_xdm_refuses_are_for_the_tabular_chain(read: Read) -> None:
    manifest = GOOD.replace("adhoc", "tabular").replace("sys_id", "_sys id.é")
    assert read(manifest)[0].columns[0].name == "_sys id.é"


def test_existing_ones_are_named_by_id(read: Read) -> None:
    _, b, c = read(
        sources(
            "    target: {schema: https://ns.adobe.com/acme/schemas/77aa, class: null}\n",
            "    target: {dataset: 5e54fb2b0d9c4b18aa0c5c2d, class: }\n",
        )
    )
    assert b.target == Target(klass="", field_groups=(), schema="https://ns.adobe.com/acme/schemas/77aa")
    assert c.target == Target(klass="", field_groups=(), dataset="5e54fb2b0d9c4b18aa0c5c2d")


def test_an_id_of_digits_is_no_number(read: Read) -> None:
    _, b = read(sources("    target: {dataset: 5e5412345678901234567890}\n"))
    assert b.target.dataset == "5e5412345678901234567890"


def test_a_shared_dataset_has_a_shared_schema_of_the_same_name(read: Read) -> None:
    _, b, c = read(sources("    target: {dataset: people}\n", "    target: {dataset: people, schema: people}\n"))
    assert (
        b.target
        == c.target
        == Target(klass="https://ns.adobe.com/c", field_groups=(), schema="people", dataset="people")
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            "    target: {schema: s}\n",
            "    target: {schema: s, field_groups: [https://ns.adobe.com/g]}\n",
            '25:14  schema "s" is shared with the source in line 14, but its class or field groups differ',
        ),
        (
            "    target: {schema: s}\n",
            "    target: {dataset: s, class: https://ns.adobe.com/other}\n",
            '25:5  schema "s" is shared with the source in line 14, but its class or field groups differ',
        ),
        (
            "    target: {dataset: d}\n",
            "    target: {dataset: d, schema: s}\n",
            '25:14  dataset "d" is shared with the source in line 14, but its schema differs',
        ),
        (
            WITH_AUTH,
            WITH_AUTH.replace("env:P", "env:Q"),
            '25:23  base connection "now" is shared with the source in line 14, but its connector or auth differs',
        ),
        ("    previously: old\n", "    previously: old\n", '25:5  previously "old" is said in line 19, too'),
        ("    previously: c\n", "", '19:5  previously "c" is still a source, in line 20'),
    ],
)
def test_sources_that_contradict_each_other(mistakes: Mistakes, first: str, second: str, expected: str) -> None:
    assert mistakes(sources(first, second)) == [f"sources.yaml:{expected}"]


def test_sources_that_share_the_same_agree(read: Read) -> None:
    same = (
        WITH_AUTH
        + "    target: {schema: s, dataset: d, field_groups: [https://ns.adobe.com/g, https://ns.adobe.com/h]}\n"
    )
    other = same.replace(
        "https://ns.adobe.com/g, https://ns.adobe.com/h", "https://ns.adobe.com/h, https://ns.adobe.com/g"
    )
    assert len(read(sources(same, other))) == 3


def test_a_name_twice_in_one_line(mistakes: Mistakes) -> None:
    line = "{name: a, table: t, columns: {x: string}, delta_column: x, mappings: {x: _id}}"
    manifest = GOOD[: GOOD.index("sources")] + f"sources: [{line}, {line}]\n"
    assert mistakes(manifest) == ['sources.yaml:8:92  source "a" is there already, in line 8']


def test_names_are_what_people_write(read: Read) -> None:
    names = ["Kunden (Süd)", "顧客", "a/b:c, d", "☎️ 電話", "50 %"]
    manifest = GOOD[: GOOD.index("  - name")] + "".join(SOURCE.replace("incidents", f'"{name}"') for name in names)
    assert [inputs.source for inputs in read(manifest)] == names


class TestYaml:
    """The parts of YAML that people use to say things once."""

    def test_anchors_reach_from_source_to_source(self, read: Read) -> None:
        anchored = GOOD.replace("columns: {", "columns: &columns {")
        aliased = SOURCE.replace("incidents", "b").replace(
            "{sys_id: string, caller_name: string, changed: date-time}", "*columns"
        )
        first, second = read(anchored + aliased)
        assert first.columns == second.columns

    def test_merge_keys(self, read: Read, mistakes: Mistakes) -> None:
        merging = GOOD.replace("  - name: incidents", "  - &first\n    name: incidents")
        both = read(f"{merging}  - <<: *first\n    name: b\n  - <<: [{{table: c}}, *first]\n    name: c\n")
        assert [(inputs.source, inputs.table) for inputs in both] == [
            ("incidents", "incident"),
            ("b", "incident"),
            ("c", "c"),
        ]
        assert both[0].columns == both[1].columns == both[2].columns
        found = mistakes(
            f"{merging.replace('table', 'tabel')}  - <<: *first\n    name: b\n  - <<: [*first]\n    name: c\n"
        )
        assert found == [
            f'sources.yaml:11:5  unknown key "tabel" in source "{name}"; did you mean "table"?'
            for name in ("b", "c", "incidents")
        ]

    def test_an_anchor_that_stands_on_its_namesake(self, mistakes: Mistakes) -> None:
        manifest = GOOD.replace("    delta_column", "    x: &b {}\n    y: &b {<<: *b, q: 1}\n    delta_column")
        found = mistakes(manifest + "  - *b\n")
        assert 'sources.yaml:13:20  unknown key "q" in this source' in found

    def test_words_are_those_of_yaml_1_2(self, read: Read) -> None:
        manifest = GOOD.replace("incident\n", "no\n").replace("changed", "on")
        (inputs,) = read(manifest)
        assert (inputs.table, inputs.delta_column) == ("no", "on")

    def test_standard_tags_and_quotes_make_text(self, read: Read) -> None:
        assert read(GOOD.replace("table: incident", "table: !!str 12"))[0].table == "12"
        assert read(GOOD.replace("table: incident", "table: '12'"))[0].table == "12"
        assert read(GOOD.replace("table: incident", "table: ! 'true'"))[0].table == "true"

    def test_no_sources_are_a_mistake_where_they_are_not_expected(self, read: Read) -> None:
        with pytest.raises(ManifestErrors, match=r"^sources\.yaml  names no sources, so there is nothing to do; "):
            read("version: 1\nsources: []\n")
        with check_and_spool("sources.yaml", empty=True) as spool:
            assert spool.count == 0


def test_a_spool_leaves_nothing_behind(read: Read, tmp_path: Path) -> None:
    read(GOOD)
    assert [path.name for path in tmp_path.iterdir()] == ["sources.yaml"]
