"""The forms of a manifest say the same: YAML, JSON, CSV, JSON lines, from a file or through a pipe."""

import io
import json
import sys
from typing import Any

import pytest
import yaml

from tests.manifest.conftest import GOOD, Mistakes, Read
from workflows.onboarding.inputs import Column, Inputs, Schedule
from workflows.onboarding.manifest import ManifestErrors, read_manifest

MANIFEST: dict[str, Any] = yaml.safe_load(GOOD)
SOURCE: dict[str, Any] = MANIFEST["sources"][0]
DEFAULTS = yaml.safe_dump(MANIFEST["defaults"])
LINE = json.dumps(SOURCE)
TABLE = (
    "name,table,columns,delta_column,mappings\n"
    "incidents,incident,sys_id:string;caller_name:string;changed:date-time,changed,"
    "sys_id=_id;caller_name=person.name.fullName\n"
)


@pytest.fixture
def expected(read: Read) -> list[Inputs]:
    return read(GOOD)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.yml", GOOD),
        ("sources", GOOD),
        ("sources.YAML", GOOD),
        ("sources.yaml", "\ufeff" + GOOD),
        ("sources.yaml", GOOD.replace("\n", "\r\n")),
        ("sources.json", json.dumps(MANIFEST)),
        ("sources.json", json.dumps(MANIFEST, indent=4)),
        ("sources.json", json.dumps(MANIFEST, indent="\t")),
        ("sources", json.dumps(MANIFEST)),
    ],
)
def test_documents(read: Read, expected: list[Inputs], name: str, text: str) -> None:
    assert read(text, name) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.jsonl", LINE),
        ("sources.ndjson", f"\n{LINE}\r\n\n"),
        ("sources.jsonl", "\ufeff" + LINE),
        ("sources.json", LINE),
        ("sources", f"\n{LINE}\n"),
        ("sources.csv", TABLE),
        ("sources.csv", "\ufeff" + TABLE.replace("\n", "\r\n")),
        ("sources.csv", TABLE.replace(",", "\t")),
        (
            "sources.csv",
            TABLE.replace(",", ";")
            .replace(
                "sys_id:string;caller_name:string;changed:date-time",
                '"sys_id:string;caller_name:string;changed:date-time"',
            )
            .replace(
                "sys_id=_id;caller_name=person.name.fullName", '"sys_id=_id; caller_name = person.name.fullName;"'
            ),
        ),
        ("sources.csv", f"\n{TABLE}\n,,,,\n"),
        ("sources", TABLE),
    ],
)
def test_lines(read: Read, expected: list[Inputs], name: str, text: str) -> None:
    assert read(text, name, DEFAULTS) == expected


@pytest.mark.parametrize("text", [GOOD, json.dumps(MANIFEST), "\n# sources\n" + GOOD])
def test_a_pipe(monkeypatch: pytest.MonkeyPatch, expected: list[Inputs], text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert list(read_manifest("-")) == expected


def test_mistakes_in_a_pipe_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Name;Table;Columns\n")))
    with pytest.raises(ManifestErrors, match=r'^stdin:1:1  unknown column heading "Name"; did you mean "name"\?\n'):
        list(read_manifest("-"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"version: 1\nsorces: []\n")))
    with pytest.raises(ManifestErrors, match=r'^stdin:2:1  unknown key "sorces"; did you mean "sources"\?$'):
        list(read_manifest("-"))


def test_all_cells_of_a_table(read: Read) -> None:
    table = (
        "name,connector,chain,base_connection,table,columns,delta_column,mappings,target_class,target_field_groups,"
        "target_schema,target_dataset,frequency,interval,backfill,start,spread,previously\n"
        "a,zendesk,tabular,60a5c8b9-3c30-43ba-a5c8-b93c3093ba66,users,a.b:string,,a.b=_id,https://ns.adobe.com/c,"
        "https://ns.adobe.com/g; https://ns.adobe.com/h,people,5e54fb2b0d9c4b18aa0c5c2d,day,2,FALSE,"
        "2030-01-01T01:00:00+01:00,90s,old\n"
    )
    (inputs,) = read(table, "sources.csv")
    assert (inputs.connector, inputs.chain, inputs.table) == ("zendesk", "tabular", "users")
    assert inputs.columns == (Column(name="a.b", type="string"),)
    assert inputs.delta_column is None
    assert inputs.base_connection.id == "60a5c8b9-3c30-43ba-a5c8-b93c3093ba66"
    assert inputs.target.field_groups == ("https://ns.adobe.com/g", "https://ns.adobe.com/h")
    assert (inputs.target.schema, inputs.target.dataset) == ("people", "5e54fb2b0d9c4b18aa0c5c2d")
    assert inputs.schedule == Schedule(frequency="day", interval=2, backfill=False, start=1893456000, spread=90)
    assert inputs.previously == "old"


def test_existing_objects_have_a_column_each(read: Read) -> None:
    head, row = TABLE.splitlines()
    dataset, ids = "5e54fb2b0d9c4b18aa0c5c2d", {"mapping_set": "m-1", "target_connection": "t-1"}
    headings = ",".join([head, "chain", "target_dataset", *(f"existing_{step}" for step in ids)])
    (inputs,) = read(f"{headings}\n{','.join([row, 'tabular', dataset, *ids.values()])}\n", "sources.csv", DEFAULTS)
    assert (inputs.existing, inputs.target.dataset) == (ids, dataset)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1  the file is empty"]),
        (
            TABLE.replace("delta_column", "delta"),
            ['1:20  unknown column heading "delta"; did you mean "delta_column"?'],
        ),
        (TABLE.replace("\n", ",x\n", 1), ['1:42  unknown column heading "x"']),
        (TABLE.replace("\n", ",name\n", 1), ['1:42  duplicate column heading "name"']),
        (TABLE.rstrip() + ",,x\n", ["2:124  a cell without a heading"]),
        (
            TABLE.replace("sys_id:string", "sys_id"),
            [('2:20  column "sys_id" must have one of the types string, integer, number, boolean, date, date-time')],
        ),
        (TABLE.replace("sys_id=_id", "sys_id"), ['2:79  mapping of "sys_id" is empty']),
        (TABLE.replace("sys_id=_id", "sys_id=_id;sys_id=x.y"), ['2:79  "sys_id" is there twice']),
        (TABLE + TABLE.split("\n")[1], ['3:1  source "incidents" is there already, in line 2']),
        ('name,table\n"in\ncident",a\n"x', ["4:1  not valid CSV: unexpected end of data"]),
        (TABLE.encode() + b"b\xe9,", ['3:2  not UTF-8 text; save it as "CSV UTF-8"']),
    ],
)
def test_mistakes_of_tables(mistakes: Mistakes, text: str | bytes, expected: list[str]) -> None:
    assert mistakes(text, "sources.csv", DEFAULTS)[-len(expected) :] == [f"sources.csv:{line}" for line in expected]


@pytest.mark.parametrize(
    ("cell", "column"), [('"a,b"', 17), ('"a ""b"", c"', 24), ('a"b', 15), ('a ""b', 17), ('""', 14), ("", 12)]
)
def test_the_place_of_a_cell_counts_quotes(mistakes: Mistakes, cell: str, column: int) -> None:
    found = mistakes(f"name,table,interval\nincidents,{cell},often\n", "sources.csv", DEFAULTS)
    assert f"sources.csv:2:{column}  schedule.interval must be a whole number" in found


def test_the_place_of_a_cell_counts_line_breaks(mistakes: Mistakes) -> None:
    table = 'name,table,interval\nincidents,"in,\ncident",often\n'
    found = mistakes(table, "sources.csv", DEFAULTS)
    assert "sources.csv:3:9  schedule.interval must be a whole number" in found
    assert "sources.csv:2:11  table has control characters" in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1  the file is empty"]),
        (f"{LINE}\n{{", ["2:2  not valid JSON: unexpected end of data"]),
        (f"{LINE}\n[]", ["2:1  a source must be a mapping of keys to values"]),
        (f"{LINE}\n{LINE}", ['2:2  source "incidents" is there already, in line 1']),
        ('  {"name": 1', ["1:13  not valid JSON: unexpected end of data"]),
        (
            LINE.replace('"table"', '"tabel"'),
            ['1:23  unknown key "tabel" in source "incidents"; did you mean "table"?'],
        ),
        (LINE.replace('"table"', '"name": "x", "table"'), ['1:23  duplicate key "name"']),
        (
            f"{LINE}\n" + LINE.replace("incidents", "more").replace('{"sys_id"', '{"sys_id": "date", "sys_id"', 1),
            ['2:69  duplicate key "sys_id"'],
        ),
        (
            LINE.replace('"string"', '"\\ud83d\\ude00"', 1),
            ['1:1  column "sys_id" must have one of the types string, integer, number, boolean, date, date-time'],
        ),
    ],
)
def test_mistakes_of_json_lines(mistakes: Mistakes, text: str, expected: list[str]) -> None:
    assert mistakes(text, "sources.jsonl", DEFAULTS) == [f"sources.jsonl:{line}" for line in expected]
