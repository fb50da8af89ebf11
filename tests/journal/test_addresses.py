"""A journal is named by a path or a URL; another store, or a silent server, is named without its password."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from engine.errors import StorageError
from engine.journal import open_journal
from engine.journal.postgres import PostgresPlace
from engine.model import RunStatus
from engine.ports import Journal
from tests.journal.helpers import StillClock, make, names, refused


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "sqlite+aiosqlite:///{}"])
async def test_a_file_may_be_named_by_path_or_url(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a journal, 100%#.db"
    await make(path)
    async with open_journal(form.format(path), command="headway run", clock=StillClock()) as journal:
        assert (await journal.counts())[RunStatus.PENDING] == 1


async def test_a_path_may_be_relative(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    async with open_journal("headway.db", command="headway run", clock=StillClock()) as journal:
        monkeypatch.chdir("/")
        await journal.new_batch()
    assert names(path.parent) == ["headway.db", "headway.db.lock"]


@pytest.mark.parametrize("url", ["mysql://me:secret@host/db", "sqlite://", "sqlite+aiosqlite:///:memory:"])
async def test_other_stores_are_refused_without_their_password(url: str) -> None:
    error = await refused(url, read_only=False, kind=StorageError)
    assert "cannot keep a journal in" in str(error)
    assert "secret" not in f"{error} {error.hint}"


@pytest.mark.postgres
async def test_a_server_that_does_not_answer_is_named_without_the_password(tmp_path: Path) -> None:
    url = f"postgresql://me:secret@/db?host={tmp_path}&password=secret"
    for read_only in (True, False):
        error = await refused(url, read_only=read_only, kind=StorageError)
        assert f"postgresql://{tmp_path}/db does not answer" in str(error)
        assert "secret" not in f"{error} {error.hint} {error.__cause__}"


def test_an_error_without_words_is_called_by_its_name() -> None:
    place = PostgresPlace(make_url("postgresql+psycopg://server/journal"))
    assert "does not answer: TimeoutError" in str(place.explain(TimeoutError()))


@pytest.mark.postgres
async def test_tables_of_another_program_are_not_taken_over(postgres_url: str) -> None:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(make_url(postgres_url).set(drivername="postgresql").render_as_string(False)) as session:
        session.execute("CREATE TABLE runs (x integer)")
    assert "cannot be used" in str(await refused(postgres_url, read_only=False))
    async with open_journal(postgres_url, command="x", clock=StillClock(), read_only=True) as journal:
        assert journal.name == ""


@pytest.mark.postgres
async def test_a_plain_postgresql_url_is_accepted(postgres_url: str) -> None:
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(False)
    async with open_journal(plain, command="x", clock=StillClock()) as journal:
        checked: Journal = journal
        assert await checked.new_batch() == 1
