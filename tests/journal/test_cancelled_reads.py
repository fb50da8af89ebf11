"""A read that is cut off leaves nothing behind that the end of the event loop would wait for."""

from __future__ import annotations

import asyncio

import anyio
import anyio.lowlevel

from tests.journal.helpers import UrlPlace, enter, new_run


async def test_reads_may_be_cut_off_at_any_moment(disk_store: UrlPlace) -> None:
    run = new_run("acme")
    async with disk_store.open() as journal:
        await enter(journal, run)
        for turns in range(0, 40, 3):  # not more connections than a small server takes
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(journal.load, run.run_id)
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        await journal.load(run.run_id)
    assert asyncio.all_tasks() == {asyncio.current_task()}
