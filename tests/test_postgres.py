"""The tests' own PostgreSQL: each test has a database to itself; a missing server is said by name."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.postgres import find_programs, give_up


@pytest.mark.postgres
@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_gets_an_empty_database(postgres_url: str, turn: int) -> None:
    engine = create_async_engine(postgres_url)
    async with engine.begin() as connection:
        tables = await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        assert tables.all() == []
        await connection.execute(text(f"CREATE TABLE left_by_turn_{turn} (id integer)"))
    await engine.dispose()


def test_programs_are_found_on_the_path_before_the_packages(tmp_path: Path) -> None:
    on_path, packages = tmp_path / "bin", tmp_path / "packages"
    for folder in (on_path, packages / "9" / "bin", packages / "15" / "bin"):
        folder.mkdir(parents=True)
        for name in ("initdb", "pg_ctl"):
            (folder / name).touch(mode=0o755)

    assert find_programs(str(on_path), packages) == on_path
    assert find_programs(str(tmp_path), packages) == packages / "15" / "bin"
    assert find_programs(str(tmp_path), tmp_path) is None


def test_a_missing_server_skips_the_test_by_name() -> None:
    with pytest.raises(pytest.skip.Exception, match="PostgreSQL is not installed"):
        give_up({})


def test_a_missing_server_is_a_failure_in_ci() -> None:
    with pytest.raises(pytest.fail.Exception, match="PostgreSQL is not installed"):
        give_up({"CI": "true"})
