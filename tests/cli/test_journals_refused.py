"""A journal that cannot be used, or not for this: of another world, newer, locked; it is not touched."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Headway, Platform, spawn


def test_a_journal_of_another_gateway_is_refused_and_stays_usable(
    headway: Headway, platform: Platform, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headway("run", manifest.name)
    posts = platform.posts()
    with monkeypatch.context() as patch:
        patch.setenv("AEP_BASE_URL", platform.url.replace("127.0.0.1", "localhost"))
        for command in ("run", "plan"):
            ended = headway(command, manifest.name)
            assert ended.code == 64
            assert f"the journal headway.db belongs to {platform.url}, not to" in ended.err
            assert "--store" in ended.err
    assert headway("run", manifest.name).code == 0
    assert platform.posts() == posts


def test_a_journal_of_a_sandbox_that_was_reset_is_refused(headway: Headway, platform: Platform, manifest: Path) -> None:
    headway("run", manifest.name)
    platform.ask("reset", {"sandbox": "dev"})
    ended = headway("run", manifest.name)
    assert ended.code == 64
    assert "sandbox 'dev' was reset since the journal headway.db was begun" in ended.err
    assert platform.report()["live"] == {}


def test_what_postgresql_needs_is_told_so_that_it_can_be_typed(
    headway: Headway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it was not installed
    ended = headway("status", "--store", "postgresql+psycopg://nobody@localhost/nothing")
    assert (ended.code, "pip install 'headway[postgres]'" in ended.err) == (74, True)


def test_a_newer_journal_is_refused_and_not_touched(headway: Headway, manifest: Path) -> None:
    headway("run", manifest.name)
    journal = manifest.with_name("headway.db")
    with closing(sqlite3.connect(journal)) as database, database:
        database.execute("UPDATE journal_version SET version_num = '9999'")
    before = journal.read_bytes()
    for command in (("run", manifest.name), ("status",), ("why", "acme-accounts")):
        ended = headway(*command)
        assert ended.code == 74
        assert "was written by a newer headway" in ended.err
    assert journal.read_bytes() == before


def test_a_locked_journal_is_refused_and_says_by_whom(headway: Headway, platform: Platform, manifest: Path) -> None:
    platform.faults("kind=hang,method=POST,service=schemaregistry")
    first = spawn(["run", manifest.name], manifest.parent, platform.environ)
    try:
        assert first.stderr is not None
        assert first.stderr.readline().startswith("org ")
        ended = headway("run", manifest.name)
        assert ended.code == 5
        assert f"headway.db is in use by process {first.pid} on this machine (headway run, since " in ended.err
        assert "headway status" in ended.err
        assert headway("status").code == 0
    finally:
        first.kill()
        first.communicate()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(headway: Headway, manifest: Path) -> None:
    folder = manifest.parent / "closed"
    folder.mkdir(mode=0o500)
    ended = headway("run", manifest.name, "--store", "closed/headway.db")
    assert ended.code == 74
    assert "cannot be written" in ended.err


def test_a_workflow_that_changed_under_unfinished_runs_is_refused(
    headway: Headway, platform: Platform, manifest: Path
) -> None:
    platform.faults("kind=status,status=400,method=POST,service=flowservice")
    headway("run", manifest.name)
    with closing(sqlite3.connect(manifest.with_name("headway.db"))) as database, database:
        (text,) = database.execute("SELECT text FROM definitions WHERE text LIKE '%adhoc_class%'").fetchone()
        other = text.replace("[]", '["flow_spec"]', 1)
        database.execute("UPDATE definitions SET text = ? WHERE text = ?", (other, text))
        database.execute("UPDATE runs SET definition = 'of an earlier version' WHERE NOT shared")
        database.execute("INSERT INTO definitions VALUES ('of an earlier version', ?)", (other,))
    ended = headway("run", manifest.name)
    assert ended.code == 64
    assert "was begun with another definition" in ended.err


def test_the_password_of_a_journal_on_a_server_is_never_shown(headway: Headway, manifest: Path) -> None:
    store = "postgresql+psycopg://headway:tulip-2718@127.0.0.1:1/journal"
    for command in (("run", manifest.name), ("status",), ("plan", manifest.name), ("doctor",)):
        ended = headway(*command, "--store", store)
        assert ended.code == 74
        assert "tulip" not in ended.out + ended.err
