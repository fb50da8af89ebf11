"""Indices: what a filter costs does not grow with what is stored."""

from __future__ import annotations

import time
from typing import Any

import pytest

from workflows.emulator.paths import Condition, glob
from workflows.emulator.table import Entity, Table

MANY = 30_000


class Watched(Entity):
    """Counts how often an object is looked at."""

    looks = 0

    def at(self, horizon: float | None) -> dict[str, Any] | None:
        Watched.looks += 1
        return super().at(horizon)


def _filled(count: int) -> Table:
    table = Table(time.monotonic, lambda: 0.0)
    for number in range(count):
        body = {"name": f"n{number}", "tags": {"run": [f"r{number // 10}"]}, "group": "all", "rank": number % 100}
        table.add(Watched(id=str(number), kind="thing", name="", body=body, created=number, foreign=False))
    return table


@pytest.fixture(scope="module")
def table() -> Table:
    return _filled(MANY)


@pytest.mark.parametrize(
    ("path", "value", "hits"), [(("name",), "n17", 1), (("tags", "run[]"), "r1", 10), (("name",), "nothing", 0)]
)
def test_a_filter_looks_only_at_what_can_match(table: Table, path: tuple[str, ...], value: str, hits: int) -> None:
    broad, narrow = Condition(path=("group",), operands=("all",)), Condition(path=path, operands=(value,))
    assert len(list(table.select([broad, narrow]))) == hits  # builds the index
    before = Watched.looks
    assert len(list(table.select([broad, narrow]))) == hits
    assert Watched.looks - before == hits


def test_pages_go_on_where_the_last_ended(table: Table) -> None:
    seen: list[int] = []
    while True:
        page = [entity.seq for entity, _ in _take(table, seen[-1] if seen else -1)]
        if not page:
            break
        seen += page
    assert seen == list(range(MANY))


def _take(table: Table, after: int) -> list[tuple[Entity, object]]:
    rows = table.select(after=after)
    return [row for row, _ in zip(rows, range(5000), strict=False)]


def test_order_is_kept_until_something_changes() -> None:
    table = _filled(50)
    assert table.ordered(("rank",)) is table.ordered(("rank",))
    first = table.rows["0"]
    table.change(first, {**first.body, "rank": 1000}, "")
    assert table.ordered(("rank",))[-1][0] is first


def test_an_index_follows_changes_and_deletions() -> None:
    table = _filled(3)
    old, new = Condition(path=("name",), operands=("n1",)), Condition(path=("name",), operands=("new",))
    assert len(list(table.select([old]))) == 1
    one = table.rows["1"]
    table.change(one, {**one.body, "name": "new"}, "new")
    assert (len(list(table.select([old]))), len(list(table.select([new])))) == (0, 1)
    table.remove(one)
    assert list(table.select([new])) == []


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [("a*", "abc", True), ("*b*", "abc", True), ("a**", "a*", True), ("a**", "abc", False), ("a.c", "abc", False)],
)
def test_wildcards(pattern: str, text: str, matches: bool) -> None:
    assert Condition(path=("name",), operator="glob", operands=(pattern,)).holds({"name": text}) is matches
    assert glob("a**b") == "a\\*b"
