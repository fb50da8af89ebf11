"""Owning, the same over every store: each run of a batch is claimed once."""

from engine.model import RunStatus, replace
from tests.journal.helpers import Store, enter, intent, new_run, record


async def test_claiming_hands_out_each_run_of_a_batch_once(store: Store) -> None:
    async with store.open() as journal:
        batch = await journal.new_batch()
        await journal.register(batch, [new_run(name) for name in "abcde"])
        first = await journal.claim(batch, begun=False, after=0, limit=2)
        second = await journal.claim(batch, begun=False, after=first[-1].key, limit=9)
        assert await journal.claim(batch, begun=False, after=0, limit=9) == []
    assert [run.source for run in (*first, *second)] == ["a", "b", "c", "d", "e"]
    assert {(run.owner, run.epoch) for run in (*first, *second)} == {(journal.process, 1)}


async def test_begun_runs_are_claimed_apart_from_fresh_ones(store: Store) -> None:
    async with store.open() as journal:
        _, runs = await enter(journal, *[new_run(name) for name in "abc"])
        await journal.write(record(replace(runs[1], begun_by=journal.process), intent("flow"), with_run=True))
        batch = await journal.new_batch()
        await journal.register(batch, [new_run(name) for name in "abcd"])
        begun = await journal.claim(batch, begun=True, after=0, limit=9)
        fresh = await journal.claim(batch, begun=False, after=0, limit=9)
    assert [(run.source, run.epoch, run.begun_by) for run in begun] == [("b", 2, journal.process)]
    assert begun[0].steps == {"flow": intent("flow")}
    assert [run.source for run in fresh] == ["a", "c", "d"]


async def test_only_the_runs_of_the_batch_are_claimed(store: Store) -> None:
    async with store.open() as journal:
        first, second = await journal.new_batch(), await journal.new_batch()
        await journal.register(first, [new_run("a"), new_run("b")])
        await journal.register(second, [new_run("b"), new_run("c")])
        mine = await journal.claim(first, begun=False, after=0, limit=9)
    assert first != second
    assert [run.source for run in mine] == ["a"]


async def test_enrolling_chooses_by_state_and_id(store: Store) -> None:
    async with store.open() as journal:
        _, runs = await enter(journal, *[new_run(name) for name in "abcd"])
        for run, status in zip(
            runs, (RunStatus.FAILED, RunStatus.FAILED, RunStatus.DONE, RunStatus.RUNNING), strict=True
        ):
            await journal.write(record(replace(run, status=status), with_run=True))
        batch = await journal.new_batch()
        assert await journal.enroll(batch, [RunStatus.FAILED, RunStatus.DONE], ["id-b", "id-c", "id-d", "id-x"]) == 2
        assert [run.source for run in await journal.claim(batch, begun=False, after=0, limit=9)] == ["b", "c"]
        assert await journal.enroll(batch, [RunStatus.FAILED]) == 2
        assert [run.source for run in await journal.claim(batch, begun=False, after=0, limit=9)] == ["a", "b"]
        assert await journal.enroll(batch, []) == 0
