"""A journal on PostgreSQL knows when its server, or its session, is not the one that it was (rule 7)."""

import psycopg
import pytest
from sqlalchemy import make_url

from engine.errors import Fenced, StorageError
from tests.journal.helpers import StillClock, UrlPlace, done, enter, intent, new_run, read_all, record


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(False), autocommit=True
    ) as session:
        for statement in statements:
            session.execute(statement.encode())


FAILOVER = "UPDATE meta SET value = 'another timeline' WHERE key = 'identity'"
RESTORED = (
    "CREATE TABLE other (LIKE meta INCLUDING ALL)",
    "INSERT INTO other SELECT * FROM meta",
    "DROP TABLE meta",
    "ALTER TABLE other RENAME TO meta",
)


@pytest.mark.postgres
@pytest.mark.parametrize("statements", [(FAILOVER,), RESTORED], ids=["failover", "restored"])
async def test_a_server_that_is_not_the_same_replaces_the_journal(
    postgres_url: str, statements: tuple[str, ...]
) -> None:
    store = UrlPlace(postgres_url, StillClock())
    async with store.open() as journal:
        await enter(journal, new_run("acme"))
        name = journal.name
    execute(postgres_url, *statements)
    async with store.open(read_only=True) as journal:
        assert (journal.replaced, journal.name) == (True, name)
    async with store.open() as journal:
        assert journal.replaced
        assert journal.name != name
        assert [run.suspect for run in await read_all(journal)] == [True]
    async with store.open() as journal:
        assert not journal.replaced


@pytest.mark.postgres
async def test_a_lost_session_costs_one_write_and_is_opened_again(postgres_url: str) -> None:
    async with UrlPlace(postgres_url, StillClock()).open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        await journal.counts()
        execute(
            postgres_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        with pytest.raises(StorageError, match="does not answer"):
            await journal.write(record(run, intent("a")))
        with pytest.raises(StorageError, match="does not answer"):
            await journal.counts()
        await journal.write(record(run, done("a")))
        assert (await journal.load("id-acme")).steps == {"a": done("a")}


@pytest.mark.postgres
async def test_a_session_with_another_server_writes_nothing(postgres_url: str) -> None:
    async with UrlPlace(postgres_url, StillClock()).open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        execute(
            postgres_url,
            *RESTORED,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        with pytest.raises(StorageError):
            await journal.write(record(run, intent("a")))
        with pytest.raises(Fenced, match="failed over or was replaced"):
            await journal.write(record(run, intent("a")))
