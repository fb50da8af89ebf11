"""Records, the same over every store: written whole, in their order, and only by whoever owns the run."""

import anyio
import pytest

from engine.errors import Fenced
from engine.model import (
    Attempt,
    Event,
    Failure,
    Origin,
    Receipt,
    RunState,
    RunStatus,
    StepState,
    StepStatus,
    Verb,
    replace,
)
from engine.ports import Journal
from tests.journal.helpers import Store, done, enter, intent, new_run, read_all, record


async def test_a_record_is_read_back_as_it_was_written(store: Store) -> None:
    run_changes = {
        "status": RunStatus.IN_DOUBT,
        "generation": 3,
        "suspect": True,
        "doomed": ("flow", "dataset"),
        "begun_by": "somebody",
        "failure": Failure(
            kind="rejected", message="no “such” field\n", code="1521", status=400, hint="h", request_id="r"
        ),
        "finished_at": 99.5,
        "definition": "definition-9",
        "inputs": '{"x":1}',
        "inputs_print": "print-9",
    }
    attempts = (
        Attempt(tag="t1", by="p1", at=1.125),
        Attempt(tag="t2", by="p2", at=2.0, verb=Verb.UPDATE),
        Attempt(tag="t3", by="p2", at=3.0, verb=Verb.DELETE),
    )
    receipt = Receipt(
        id="https://ns.adobe.com/x/1", etag='W/"1"', version="1.2", origin=Origin.ADOPTED, confirmed=False,
        data={"alt": {"ids": [1, 2.5, None, True, "ü\ud83d"]}},
    )  # fmt: skip
    full = StepState(
        name="flow", status=StepStatus.IN_DOUBT, attempts=attempts, tries=4, body='{"b":"\u2028"}', spec="s.1",
        generation=2, receipt=receipt, failure=Failure(kind="in_doubt", message=""), due=5.5,
        tombstones=("a", "b"), started_at=0.5, finished_at=6.5,
    )  # fmt: skip
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        written = replace(run, **run_changes)  # type: ignore[arg-type]
        await journal.write(record(written, full, StepState(name="bare"), with_run=True))
    async with store.open() as journal:
        read = await journal.load("id-acme")
    assert read == replace(written, steps={"flow": full, "bare": StepState(name="bare")})


async def test_a_step_is_replaced_as_a_whole_and_its_neighbours_stay(store: Store) -> None:
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        await journal.write(record(run, intent("a"), intent("b")))
        await journal.write(record(run, done("a")))
        read = await journal.load("id-acme")
    assert read.steps == {"a": done("a"), "b": intent("b")}
    assert read.steps["a"].body is None


async def test_without_the_run_only_steps_are_written(store: Store) -> None:
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        await journal.write(record(replace(run, status=RunStatus.DONE, generation=5), intent("a")))
        read = await journal.load("id-acme")
    assert (read.status, read.generation, read.steps) == (RunStatus.PENDING, 0, {"a": intent("a")})


async def test_a_stale_epoch_writes_nothing(store: Store) -> None:
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        taken = await journal.claim_one("id-acme")
        event = Event(step="a", at=1.0, name="created")
        with pytest.raises(Fenced) as caught:
            await journal.write(record(replace(run, status=RunStatus.DONE), done("a"), events=(event,), with_run=True))
        assert "acme" in str(caught.value)
        assert caught.value.hint
        assert await journal.load("id-acme") == taken
        assert [event async for event in journal.history(run.key)] == []
        await journal.write(record(taken, done("a"), events=(event,)))
        assert [event async for event in journal.history(run.key)] == [event]


async def test_an_empty_record_still_asks_whether_the_writer_owns_the_run(store: Store) -> None:
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        await journal.write(record(run))
        await journal.claim_one("id-acme")
        with pytest.raises(Fenced):
            await journal.write(record(run))


async def test_records_of_one_moment_are_written_in_their_order(store: Store) -> None:
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(journal.write, record(run, intent("a", tag=f"tag-{number}")))
        assert (await journal.load("id-acme")).steps["a"].attempts[0].tag == "tag-49"


async def test_one_stale_record_does_not_take_the_others_along(store: Store) -> None:
    fenced: list[str] = []

    async def write(journal: Journal, run: RunState) -> None:
        try:
            await journal.write(record(run, done("a", id=run.source)))
        except Fenced:
            fenced.append(run.source)

    async with store.open() as journal:
        _, runs = await enter(journal, *[new_run(f"{number:02}") for number in range(40)])
        await journal.claim_one("id-07")
        async with anyio.create_task_group() as tasks:
            for run in runs:
                tasks.start_soon(write, journal, run)
        states = await read_all(journal)
    assert fenced == ["07"]
    assert [run.steps["a"].receipt for run in states if run.steps] == [
        done("a", id=run.source).receipt for run in runs if run.source != "07"
    ]
