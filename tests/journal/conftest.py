"""The stores that the suite runs over."""

from pathlib import Path

import pytest

from engine.journal import MemoryStore
from tests.journal.helpers import MemoryPlace, StillClock, Store, UrlPlace

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


@pytest.fixture(params=["memory", "sqlite", POSTGRES])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store."""
    if request.param == "memory":
        return MemoryPlace(MemoryStore(), StillClock())
    return real_store(request, tmp_path)


@pytest.fixture(params=["memory", POSTGRES])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """The stores that several processes may write to at once."""
    if request.param == "memory":
        return MemoryPlace(MemoryStore(exclusive=False), StillClock())
    return real_store(request, tmp_path)


@pytest.fixture(params=["sqlite", POSTGRES])
def disk_store(request: pytest.FixtureRequest, tmp_path: Path) -> UrlPlace:
    """The stores that outlive a process."""
    return real_store(request, tmp_path)


def real_store(request: pytest.FixtureRequest, tmp_path: Path) -> UrlPlace:
    url = str(tmp_path / "headway.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return UrlPlace(url, StillClock())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where an SQLite journal may be made."""
    return tmp_path / "headway.db"
