"""What every journal does, whatever it is stored in."""

from collections.abc import Awaitable, Callable

import pytest

from engine.errors import StorageError, UnknownRun
from engine.model import Event, RunStatus, replace
from engine.ports import Standing
from tests.journal.helpers import Store, done, enter, intent, new_run, read_all, record


async def test_streams_sort_by_source_and_choose(store: Store) -> None:
    names = ["Zeta", "a", "ä", "a-b", "aB", "_x", "10", "9", "日本"]
    async with store.open() as journal:
        _, runs = await enter(journal, *[new_run(name) for name in names])
        shared = await journal.claim_shared(new_run("data-lake", shared=True))
        await journal.write(record(replace(runs[1], status=RunStatus.FAILED), with_run=True))
        assert [run.source for run in await read_all(journal)] == sorted(names)
        assert [run.source for run in await read_all(journal, statuses=[RunStatus.FAILED])] == ["a"]
        chosen = await read_all(journal, run_ids=["id-ä", "id-9", "id-x", "id-data-lake"])
        assert [run.source for run in chosen] == ["9", "ä"]
        assert await read_all(journal, run_ids=["id-ä", "id-a"], statuses=[RunStatus.FAILED]) == [
            await journal.load("id-a")
        ]
        assert await read_all(journal, run_ids=[]) == []
        assert await read_all(journal, statuses=[]) == []
        assert await read_all(journal, shared=True) == [shared]
        assert sum((await journal.counts()).values()) == len(names)


async def test_a_stream_goes_on_while_runs_are_written_and_may_be_left(store: Store) -> None:
    async with store.open() as journal:
        _, runs = await enter(journal, *[new_run(f"{number:03}") for number in range(450)])
        seen = []
        async for run in journal.stream():
            seen.append(run.source)
            if len(seen) % 50 == 0:
                await journal.write(record(runs[int(run.source)], done("a")))
        assert seen == [run.source for run in runs]
        async for run in journal.stream():
            if run.steps:
                assert (run.source, run.steps) == ("049", {"a": done("a")})
                break
        assert len(await read_all(journal, run_ids=[run.run_id for run in runs])) == 450


async def test_history_keeps_its_order_and_can_be_asked_for_one_step(store: Store) -> None:
    events = [
        Event(step="ab"[number % 2], at=float(-number), name=f"e{number}", detail={"n": number})
        for number in range(450)
    ]
    async with store.open() as journal:
        _, (run, other) = await enter(journal, new_run("acme"), new_run("bolt"))
        for start in range(0, 450, 50):
            await journal.write(record(run, events=tuple(events[start : start + 50])))
            await journal.write(record(other, events=(Event(step="a", at=0.0, name="foreign"),)))
        assert [event async for event in journal.history(run.key)] == events
        assert [event async for event in journal.history(run.key, "b")] == events[1::2]
        assert [event async for event in journal.history(run.key, "c")] == []


async def test_an_unknown_run_is_said_to_be_unknown(store: Store) -> None:
    async with store.open() as journal:
        for ask in (journal.load, journal.claim_one):
            with pytest.raises(UnknownRun, match="id-nobody"):
                await ask("id-nobody")


async def test_definitions_are_kept_by_their_fingerprint(store: Store) -> None:
    async with store.open() as journal:
        await journal.define("print", "text")
        await journal.define("print", "text")
        assert await journal.definition("print") == "text"
        assert await journal.definition("other") is None


async def test_pauses_are_remembered_until_they_pass(store: Store) -> None:
    async with store.open() as journal:
        await journal.pause("flow", 5)
        await journal.pause("catalog", 50)
        await journal.pause("flow", 10)
        assert await journal.pauses() == {"flow": 10, "catalog": 50}
        store.clock.now += 20
        assert await journal.pauses() == {"catalog": 30}
        await journal.pause("registry", 60)
        assert await journal.pauses() == {"catalog": 30, "registry": 60}


async def test_a_clock_that_is_set_back_draws_no_pause_out(store: Store) -> None:
    async with store.open() as journal:
        await journal.pause("flow", 10)
        store.clock.set -= 3600
        assert await journal.pauses() == {"flow": 10}


async def test_a_clock_that_is_set_forward_cuts_no_pause_short(store: Store) -> None:
    async with store.open() as journal:
        await journal.pause("flow", 10)
        store.clock.set += 3600
        store.clock.now += 4
        assert await journal.pauses() == {"flow": 6}
        await journal.pause("catalog", 1)
        store.clock.now += 7
        assert await journal.pauses() == {}


async def test_a_pause_outlives_a_restart_of_the_machine(store: Store) -> None:
    async with store.open() as journal:
        await journal.pause("flow", 10)
        store.clock.now += 4
        store.clock.booted = store.clock.now
        assert await journal.pauses() == {"flow": 6}


async def test_a_shared_step_is_owned_like_a_run_but_counted_apart(store: Store) -> None:
    async with store.open() as journal:
        first = await journal.claim_shared(new_run("data-lake", shared=True))
        assert (first.shared, first.owner, first.epoch) == (True, journal.process, 1)
        await journal.write(record(replace(first, status=RunStatus.FAILED), intent("base"), with_run=True))
        again = await journal.claim_shared(new_run("data-lake", shared=True, inputs="{}", inputs_print="print-2"))
        assert (again.epoch > first.epoch, again.inputs, again.steps) == (True, "{}", {"base": intent("base")})
        assert sum((await journal.counts()).values()) == 0
        assert await journal.enroll(await journal.new_batch(), tuple(RunStatus)) == 0


async def test_names_tell_journals_and_openings_apart(store: Store) -> None:
    async with store.open() as journal:
        name, process = journal.name, journal.process
        assert not journal.replaced
    async with store.open() as journal:
        assert (journal.name, journal.replaced) == (name, False)
        assert journal.process != process
    assert name.startswith("j")
    assert (len(name), len(process)) == (9, 8)


async def test_everything_is_there_after_closing(store: Store) -> None:
    async with store.open() as journal:
        batch, (run,) = await enter(journal, new_run("acme"))
        await journal.write(record(run, done("a"), events=(Event(step="a", at=1.0, name="created"),)))
        before = await journal.load("id-acme")
    async with store.open() as journal:
        assert await journal.load("id-acme") == before
        assert await journal.new_batch() > batch
        (again,) = await journal.claim(batch, begun=False, after=0, limit=9)
    assert (again.owner, again.epoch) == (journal.process, before.epoch + 1)


async def test_reading_only_reads(store: Store) -> None:
    async with store.open() as journal:
        batch, (run,) = await enter(journal, new_run("acme"))
        async with store.open(read_only=True) as reader:
            assert (reader.name, reader.replaced) == (journal.name, False)
            assert await reader.load("id-acme") == run
            await journal.write(record(run, intent("a")))
            assert (await reader.load("id-acme")).steps == {"a": intent("a")}
            assert await reader.compare([new_run("acme")]) == await journal.compare([new_run("acme")])
            refused: list[Callable[[], Awaitable[object]]] = [
                reader.new_batch,
                lambda: reader.register(batch, [new_run("bolt")]),
                lambda: reader.enroll(batch, [RunStatus.PENDING]),
                lambda: reader.claim(batch, begun=False, after=0, limit=1),
                lambda: reader.claim_one("id-acme"),
                lambda: reader.claim_shared(new_run("data-lake", shared=True)),
                lambda: reader.write(record(run, done("a"))),
                lambda: reader.define("print", "text"),
                lambda: reader.pause("flow", 9e9),
            ]
            for ask in refused:
                with pytest.raises(StorageError, match="reading only"):
                    await ask()
        assert (await journal.load("id-acme")).steps == {"a": intent("a")}
        await journal.write(record(run, done("a")))


async def test_reading_where_nothing_is_yet_finds_nothing(store: Store) -> None:
    async with store.open(read_only=True) as reader:
        assert reader.name == ""
        assert await read_all(reader) == []
        assert await reader.compare([new_run("acme")]) == [(Standing.NEW, None)]
