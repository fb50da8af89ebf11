"""A journal examined from end to end: what is said of it, and that nothing is changed."""

import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.journal import examine, open_journal
from engine.journal.tables import REVISION
from tests.journal.helpers import StillClock, UrlPlace, enter, new_run

CLOCK = StillClock()


async def test_a_journal_says_its_version_and_size_also_while_it_is_written(disk_store: UrlPlace) -> None:
    assert await examine(disk_store.url, clock=CLOCK) is None
    async with open_journal(disk_store.url, command="headway run", clock=CLOCK) as journal:
        await enter(journal, new_run("one"))
        health = await examine(disk_store.url, clock=CLOCK)
    assert health is not None
    assert (health.version, health.size > 10_000) == (REVISION, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_may_not_be_written_is_no_place_for_a_journal(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(StorageError, match="no right to write"):
        await examine(str(folder / "headway.db"), clock=CLOCK)
