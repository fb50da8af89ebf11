"""Group commit: one sync for many, and nobody harmed by his neighbours."""

import asyncio
from pathlib import Path

import anyio
import pytest

from engine.errors import StorageError, UnknownRun
from engine.journal import open_journal
from engine.model import RunStatus, replace
from engine.ports import Journal
from tests.journal.helpers import StillClock, UrlPlace, commits, done, enter, intent, new_run, read_all, record


async def test_records_that_wait_together_share_a_commit(path: Path) -> None:
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        _, runs = await enter(journal, *[new_run(f"{number:03}") for number in range(200)])
        before = commits(path)
        async with anyio.create_task_group() as tasks:
            for run in runs:
                tasks.start_soon(journal.write, record(run, intent("a")))
        assert commits(path) - before <= 3
        assert all(run.steps == {"a": intent("a")} for run in await read_all(journal))


async def test_a_record_is_durable_when_its_writer_resumes(disk_store: UrlPlace) -> None:
    async def write_and_look(journal: Journal, reader: Journal, name: str) -> None:
        run = await journal.claim_one(f"id-{name}")
        await journal.write(record(run, done("a", id=name)))
        assert (await reader.load(f"id-{name}")).steps == {"a": done("a", id=name)}

    names = [f"{number:02}" for number in range(20)]
    async with disk_store.open() as journal, disk_store.open(read_only=True) as reader:
        await enter(journal, *[new_run(name) for name in names])
        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(write_and_look, journal, reader, name)


async def test_a_cancelled_writer_harms_nobody(disk_store: UrlPlace) -> None:
    async with disk_store.open() as journal:
        _, runs = await enter(journal, *[new_run(f"{number:02}") for number in range(40)])
        writing = [asyncio.create_task(journal.write(record(run, done("a")))) for run in runs]
        await asyncio.sleep(0)
        for task in writing[::2]:
            task.cancel()
        results = await asyncio.gather(*writing, return_exceptions=True)
        assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 20
        for run in await read_all(journal):
            await journal.write(record(run, done("b")))
        states = await read_all(journal)
    assert all(set(run.steps) >= {"b"} for run in states)
    assert all("a" in run.steps for run in states[1::2])


async def test_a_receipt_is_written_though_everything_is_cancelled(disk_store: UrlPlace) -> None:
    async def command() -> None:
        async with disk_store.open() as journal:
            _, (run,) = await enter(journal, new_run("acme"))
            began.set()
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await journal.write(record(run, done("a")))

    began = anyio.Event()
    running = asyncio.create_task(command())
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with disk_store.open() as journal:
        assert (await journal.load("id-acme")).steps == {"a": done("a")}


async def test_a_receipt_is_written_though_a_scope_around_everything_is_cancelled(disk_store: UrlPlace) -> None:
    with anyio.CancelScope() as scope:
        async with disk_store.open() as journal:
            _, (run,) = await enter(journal, new_run("acme"))
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.01)
                await journal.write(record(run, done("a")))
    async with disk_store.open() as journal:
        assert (await journal.load("id-acme")).steps == {"a": done("a")}


async def test_a_cancel_scope_around_the_journal_ends_it(disk_store: UrlPlace) -> None:
    with anyio.CancelScope() as scope:
        async with disk_store.open() as journal:
            _, (run,) = await enter(journal, new_run("acme"))
            await journal.write(record(run, intent("a")))
            scope.cancel()
            await journal.write(record(run, done("a")))
    assert scope.cancelled_caught
    async with disk_store.open() as journal:
        assert (await journal.load("id-acme")).steps["a"] in (intent("a"), done("a"))


async def test_an_error_inside_comes_out_as_itself(disk_store: UrlPlace) -> None:
    with pytest.raises(UnknownRun):
        async with disk_store.open() as journal:
            await journal.load("id-nobody")


async def test_a_closed_journal_takes_nothing_more(disk_store: UrlPlace) -> None:
    async with disk_store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
    with pytest.raises(StorageError, match="closed"):
        await journal.write(record(run, done("a")))
    with pytest.raises(StorageError, match="closed"):
        await journal.new_batch()


async def test_claims_and_records_take_turns(disk_store: UrlPlace) -> None:
    async def work(journal: Journal, name: str) -> None:
        for turn in range(5):
            run = await journal.claim_one(f"id-{name}")
            await journal.write(record(replace(run, status=RunStatus.RUNNING, generation=turn), with_run=True))

    names = [f"{number:02}" for number in range(10)]
    async with disk_store.open() as journal:
        await enter(journal, *[new_run(name) for name in names])
        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(work, journal, name)
        states = await read_all(journal)
    assert {(run.generation, run.epoch, run.status) for run in states} == {(4, 6, RunStatus.RUNNING)}
