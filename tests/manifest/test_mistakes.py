"""Every mistake is told at once, in the user's words, and points at its place."""

from pathlib import Path

import pytest

from tests.manifest.conftest import AUTH, BASE, GOOD, Mistakes
from workflows.onboarding.manifest import ManifestErrors, Mistake, check_and_spool, read_manifest


def test_nothing_is_wrong_with_the_manifest_that_these_tests_break(mistakes: Mistakes) -> None:
    assert mistakes(GOOD) == []
    assert mistakes(GOOD.replace(BASE, AUTH)) == []


def test_several_at_once(mistakes: Mistakes) -> None:
    bad = (
        GOOD.replace("delta_column", "delta_colum")
        .replace("caller_name: person", "caler_name: person")
        .replace("hour, interval: 1", "minute, interval: 5")
    )
    assert mistakes(bad) == [
        "sources.yaml:6:33  schedule: every 5 minutes is too often, the platform takes 15 minutes or more",
        'sources.yaml:12:5  unknown key "delta_colum" in source "incidents"; did you mean "delta_column"?',
        (
            'sources.yaml:13:29  column "caler_name" is mapped, but the table has sys_id, caller_name, changed; '
            'did you mean "caller_name"?'
        ),
    ]


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        ("version: 1\n", "", '1:1  version is missing; begin with "version: 1"'),
        ("version: 1\n", "version: 2\n", "1:1  version must be 1, the only one that this headway reads"),
        ("version: 1\n", "version: 1\nversion: 1\n", '2:1  duplicate key "version"'),
        ("defaults:", "default:", '2:1  unknown key "default"; did you mean "defaults"?'),
        ("sources:", "source:", '8:1  unknown key "source"; did you mean "sources"?'),
        ("sources:\n  - name", "sources:\n    name", "8:1  sources must be a list"),
        ("  - name", "  - 3\n  - name", "9:5  a source must be a mapping of keys to values"),
        ("table: incident", "table: !secret x", "10:12  tags are not used in a manifest"),
        (
            "table: incident",
            "table: incident: x",
            "10:20  not valid YAML: mapping values are not allowed in this context",
        ),
        ("table: incident", "table: incident\n    ? [a]\n    : b", "11:7  a key must be text"),
        ("table: incident", "<<: 3\n    table: incident", "10:5  << takes a mapping, or a list of mappings"),
        (GOOD, "", "1:1  the file is empty"),
        (GOOD, "- a", "1:1  must be a mapping with the keys version, defaults, sources"),
        (GOOD, GOOD + "---\na: b\n", "14:1  a second document (---) in the file; a manifest is one"),
    ],
)
def test_one_of_the_file(mistakes: Mistakes, good: str, bad: str, expected: str) -> None:
    assert good in GOOD
    assert mistakes(GOOD.replace(good, bad, 1)) == [f"sources.yaml:{expected}"]


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        (
            "defaults:\n",
            "defaults: 3\nx:\n",
            ["2:11  defaults must be a mapping of keys to values", '3:1  unknown key "x"'],
        ),
        (
            "table: incident",
            "table: *table",
            ["10:5  table must be text", "10:12  an alias (*) without its anchor (&) before it"],
        ),
        (
            "sys_id: _id",
            f"sys_id: {'[' * 25}{']' * 25}",
            ['13:16  mapping of "sys_id" must be text', "13:43  nested too deeply"],
        ),
        (
            GOOD[GOOD.index("defaults") : GOOD.index("sources")],
            "",
            [
                '3:5  source "incidents" has no base_connection',
                '3:5  source "incidents" has no connector',
                '3:5  source "incidents" has no schedule.frequency; one of once, minute, hour, day, week',
                (
                    '3:5  source "incidents" has no target class; '
                    "for example class: https://ns.adobe.com/xdm/context/profile"
                ),
            ],
        ),
    ],
)
def test_some(mistakes: Mistakes, good: str, bad: str, expected: list[str]) -> None:
    assert good in GOOD
    assert mistakes(GOOD.replace(good, bad, 1)) == [f"sources.yaml:{line}" for line in expected]


def test_a_mistake_of_the_defaults_is_told_once_however_many_sources(mistakes: Mistakes) -> None:
    bad = GOOD.replace("servicenow", "servicnow")
    more = "".join(bad.split("sources:\n")[1].replace("incidents", f"more-{number}") for number in range(50))
    assert mistakes(bad + more) == ['sources.yaml:3:3  unknown connector "servicnow"; did you mean "servicenow"?']


def test_defaults_after_the_sources(mistakes: Mistakes) -> None:
    defaults, sources = GOOD[GOOD.index("defaults") :].split("sources:")
    found = mistakes(f"version: 1\nsources:{sources}{defaults}")
    assert found[-1] == "sources.yaml:8:1  defaults must stand before sources"


def test_bytes_that_are_no_text(mistakes: Mistakes) -> None:
    assert mistakes(GOOD.encode() + b"\xff") == [
        f"sources.yaml  not readable as text at byte {len(GOOD) + 1}: invalid leading UTF-8 octet"
    ]


def test_files_that_cannot_be_read(mistakes: Mistakes) -> None:
    expected = {
        "nowhere.yaml": "nowhere.yaml  cannot be read: No such file or directory; headway init writes one",
        ".": ".  cannot be read: Is a directory",
    }
    for name, message in expected.items():
        with pytest.raises(ManifestErrors) as caught:
            check_and_spool(name)
        assert str(caught.value) == message
    assert mistakes(GOOD, "sources.txt") == [
        'sources.txt  unknown kind of file ".txt"; there are .yaml, .yml, .csv, .jsonl, .ndjson, .json'
    ]


def test_a_mistake_has_its_parts(mistakes: Mistakes) -> None:
    mistakes(GOOD)
    with pytest.raises(ManifestErrors) as caught:
        list(read_manifest("sources.yaml", Path("nowhere.yaml")))
    assert caught.value.mistakes == [Mistake("nowhere.yaml", 0, 0, "cannot be read: No such file or directory")]


@pytest.mark.parametrize(
    "place", ["password: hunter2", "password: [hunter2]", "token: hunter2", "password: 'x ${env:hunter2'"]
)
def test_no_mistake_shows_a_value_of_auth(mistakes: Mistakes, place: str) -> None:
    found = mistakes(GOOD.replace(BASE, AUTH.replace("password: '${env:P}'", place)))
    assert found
    assert not [line for line in found if "hunter2" in line]
