"""`bench`: figures for people and scripts, and no trace in a journal that is somebody's."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Headway


def test_bench_tells_durable_steps_beside_the_bare_loop_and_leaves_nothing(offline: Headway, folder: Path) -> None:
    ended = offline("bench", "--runs", "20", "--json")
    assert (ended.code, ended.err) == (0, "")
    figures = json.loads(ended.out)
    assert (figures["runs"], figures["steps"]) == (20, 200)
    assert 0 < figures["steps_per_s"] < figures["bare_steps_per_s"]
    assert figures["bytes_per_run"] > 0
    assert list(folder.iterdir()) == []


def test_bench_writes_an_intent_and_a_receipt_per_step_into_the_given_journal(offline: Headway, folder: Path) -> None:
    for _ in range(2):
        ended = offline("bench", "--runs", "3", "--store", "bench.db")
        assert ended.code == 0
        assert ended.out.startswith("30 durable steps")
    with closing(sqlite3.connect(folder / "bench.db")) as journal:
        states = dict(journal.execute("SELECT status, count(*) FROM steps GROUP BY status"))
        tries = journal.execute("SELECT sum(tries) FROM steps").fetchone()[0]
    assert (states, tries) == ({"done": 60}, 60)


def test_bench_refuses_the_journal_of_a_platform(headway: Headway, manifest: Path, folder: Path) -> None:
    headway("run", manifest.name)
    ended = headway("bench", "--runs", "3", "--store", "headway.db")
    assert ended.code == 64
    assert "the journal headway.db is in use for a platform" in ended.err
    assert len(headway("status", "--json").lines) == 3
    assert (folder / "headway.db").exists()
