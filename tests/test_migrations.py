"""The migrations make exactly the tables that the code declares, on both stores, and say who is newer."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from engine.journal import opening, tables

PARTIAL = ("ix_runs_begun", "ix_runs_fresh")
"""Indexes that are declared as text, which autogeneration does not see."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    url = f"sqlite:///{tmp_path}/x.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with create_engine(url, poolclass=NullPool).begin() as connection:
        yield connection


def test_migrations_make_the_declared_tables(connection: Connection) -> None:
    opening.migrate(connection)
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": opening.VERSION_TABLE,
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, *_: name not in PARTIAL,
        },
    )
    assert compare_metadata(context, tables.metadata) == []
    assert opening.version(connection) == tables.REVISION


def test_a_new_journal_is_at_the_newest_revision(connection: Connection) -> None:
    assert opening.version(connection) is None
    opening.make(connection)
    assert opening.version(connection) == tables.REVISION
    made = inspect(connection).get_table_names()
    opening.migrate(connection)
    assert inspect(connection).get_table_names() == made


def partial(connection: Connection) -> dict[str | None, tuple[object, list[str]]]:
    """The columns and the condition of each partial index of runs."""
    return {
        index["name"]: (index["column_names"], [str(option) for option in index["dialect_options"].values()])
        for index in inspect(connection).get_indexes("runs")
        if index["name"] in PARTIAL
    }


def test_a_new_journal_has_the_same_partial_indexes_as_a_migrated_one(connection: Connection) -> None:
    found = []
    for make in (opening.make, opening.migrate):
        make(connection)
        found.append(partial(connection))
        tables.metadata.drop_all(connection)
        connection.execute(text(f"DROP TABLE IF EXISTS {opening.VERSION_TABLE}"))
    made, migrated = found
    assert len(made) == len(PARTIAL)
    assert made == migrated


def schema(statements: list[str]) -> dict[str, str]:
    """An SQLite schema with neither blanks nor the order of a table's constraints."""
    return {text.split("(")[0]: "".join(sorted("".join(text.split()))) for text in statements if text}


def test_a_new_sqlite_journal_is_the_same_as_a_migrated_one_to_the_letter(tmp_path: Path) -> None:
    found = {}
    for make in (opening.make, opening.migrate):
        path = tmp_path / make.__name__
        with create_engine(f"sqlite:///{path}", poolclass=NullPool).begin() as connection:
            make(connection)
        with closing(sqlite3.connect(path)) as connection:
            found[make.__name__] = schema([text for (text,) in connection.execute("SELECT sql FROM sqlite_master")])
    assert found["make"] == found["migrate"]


def test_revisions_are_one_line_of_numbers_that_ends_where_the_code_says() -> None:
    script = ScriptDirectory(str(opening.SCRIPTS))
    assert script.get_heads() == [tables.REVISION]
    revisions = [revision.revision for revision in script.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
    assert all(len(revision) == 4 and revision.isdigit() for revision in revisions)
