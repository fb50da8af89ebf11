"""A journal that is cut off while it opens is closed in order."""

from __future__ import annotations

import gc
from pathlib import Path

import anyio
import pytest

from engine.journal.sqlite import SqlitePlace


async def test_a_connection_that_nobody_waits_for_any_more_is_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for opening in range(20):
        place = SqlitePlace(tmp_path / "headway.db", "headway.db", command="run", now=0.0)
        place.open(f"p{opening}")
        with anyio.CancelScope() as scope:
            scope.cancel()
            async with place.writing():
                raise AssertionError("it was cut off before")
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []
