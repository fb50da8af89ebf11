"""Several processes with one journal: PostgreSQL, and its like in memory."""

import contextlib

import anyio
import pytest

from engine.errors import Fenced, TakenOver
from engine.journal import rules
from engine.model import RunState, RunStatus, replace
from engine.ports import Journal, Standing
from tests.journal.helpers import Store, done, enter, intent, new_run, read_all, record

LAKE = new_run("data-lake", shared=True)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "POLL", 0.01)


async def test_taking_a_run_over_fences_whoever_had_it(open_store: Store) -> None:
    async with open_store.open() as first, open_store.open() as second:
        _, (run,) = await enter(first, new_run("acme"))
        taken = await second.claim_one("id-acme")
        assert (taken.owner, taken.epoch) == (second.process, run.epoch + 1)
        with pytest.raises(Fenced):
            await first.write(record(run, done("a")))
        await second.write(record(taken, done("a")))


async def test_what_a_run_of_one_variant_began_to_share_one_of_another_finishes(open_store: Store) -> None:
    async with open_store.open() as journal:
        begun = await journal.claim_shared(LAKE)
        await journal.write(record(replace(begun, begun_by=journal.process), intent("lake"), with_run=True))
    async with open_store.open() as journal:
        run = await journal.claim_shared(replace(LAKE, variant="tabular"))
        await journal.write(record(run, done("lake")))


async def test_two_processes_that_register_the_same_agree(open_store: Store) -> None:
    answers: list[Standing] = []

    async def register(journal: Journal, names: list[str]) -> None:
        found = await journal.register(await journal.new_batch(), [new_run(name) for name in names])
        answers.extend(standing for standing, _ in found)

    names = [f"{number:03}" for number in range(100)]
    async with open_store.open() as first, open_store.open() as second:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(register, first, names)
            tasks.start_soon(register, second, names[::-1])
        assert [run.source for run in await read_all(first)] == names
    assert sorted(answers) == [Standing.CONTINUED] * 100 + [Standing.NEW] * 100


async def test_batches_belong_to_whoever_made_them(open_store: Store) -> None:
    async with open_store.open() as first, open_store.open() as second:
        batches = [await journal.new_batch() for journal in (first, second, first)]
        assert len(set(batches)) == 3
        await first.register(batches[0], [new_run("a"), new_run("b")])
        await second.register(batches[1], [new_run("b"), new_run("c")])
        mine = await first.claim(batches[0], begun=False, after=0, limit=9)
        theirs = await second.claim(batches[1], begun=False, after=0, limit=9)
    assert [run.source for run in mine] == ["a"]
    assert [run.source for run in theirs] == ["b", "c"]


async def test_a_shared_step_is_waited_for_while_its_owner_works(open_store: Store) -> None:
    found: list[RunState] = []

    async def ask(journal: Journal) -> None:
        found.append(await journal.claim_shared(LAKE))

    async with open_store.open() as first, open_store.open() as second:
        mine = await first.claim_shared(LAKE)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, second)
            await first.write(record(replace(mine, status=RunStatus.RUNNING), intent("base"), with_run=True))
            await anyio.sleep(0.1)
            assert found == []
            await first.write(record(replace(mine, status=RunStatus.DONE), done("base"), with_run=True))
        assert found[0].steps == {"base": done("base")}
        with pytest.raises(TakenOver):  # it was read, not taken over
            await second.write(record(found[0], done("base", id="id-2")))
        await first.write(record(mine, done("base", id="id-1")))
        assert (await first.load("id-data-lake")).steps == {"base": done("base", id="id-1")}


async def test_a_shared_step_of_a_process_that_ended_is_taken_over(open_store: Store) -> None:
    async with open_store.open() as second:
        async with open_store.open() as first:
            mine = await first.claim_shared(LAKE)
            await first.write(record(replace(mine, status=RunStatus.RUNNING), intent("base"), with_run=True))
        with anyio.fail_after(5):
            taken = await second.claim_shared(LAKE)
        assert (taken.owner, taken.epoch, taken.steps) == (second.process, mine.epoch + 1, {"base": intent("base")})


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.IN_DOUBT])
async def test_a_shared_step_that_its_owner_gave_up_is_taken_over(open_store: Store, status: RunStatus) -> None:
    async with open_store.open() as first, open_store.open() as second:
        mine = await first.claim_shared(LAKE)
        await first.write(record(replace(mine, status=status), with_run=True))
        with anyio.fail_after(5):
            taken = await second.claim_shared(LAKE)
        assert (taken.owner, taken.status) == (second.process, status)
        with pytest.raises(Fenced):
            await first.write(record(mine, done("base")))


async def test_patience_with_a_frozen_owner_ends(open_store: Store) -> None:
    async with open_store.open() as first, open_store.open() as second:
        mine = await first.claim_shared(LAKE)
        async with anyio.create_task_group() as tasks:

            async def outlast() -> None:
                await anyio.sleep(0.05)
                open_store.clock.now += rules.PATIENCE + 1

            tasks.start_soon(outlast)
            taken = await second.claim_shared(LAKE)
        assert (taken.owner, taken.epoch) == (second.process, mine.epoch + 1)


async def test_a_suspect_shared_step_is_owned_before_it_is_believed(open_store: Store) -> None:
    async with open_store.open() as first, open_store.open() as second:
        mine = await first.claim_shared(LAKE)
        await first.write(record(replace(mine, status=RunStatus.DONE, suspect=True), done("base"), with_run=True))
        assert (await second.claim_shared(LAKE)).owner == second.process


async def test_processes_that_change_the_same_runs_do_not_block_each_other(open_store: Store) -> None:
    names = [f"{number:02}" for number in range(30)]

    async def write(journal: Journal, run: RunState) -> None:
        with contextlib.suppress(Fenced):
            await journal.write(record(run, intent("a"), with_run=True))

    async def work(journal: Journal) -> None:
        for _ in range(20):
            async with anyio.create_task_group() as tasks:
                for run in await read_all(journal):
                    tasks.start_soon(write, journal, run)

    async def enlist(journal: Journal) -> None:
        for turn in range(20):
            batch = await journal.new_batch()
            await journal.register(batch, [new_run(name, inputs_print=f"print-{turn}") for name in names[::-1]])
            await journal.enroll(batch, tuple(RunStatus))
            await journal.claim(batch, begun=False, after=0, limit=20)

    async with open_store.open() as first, open_store.open() as second:
        await enter(first, *[new_run(name) for name in names])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work, first)
            tasks.start_soon(enlist, second)
        assert len(await read_all(first)) == 30
