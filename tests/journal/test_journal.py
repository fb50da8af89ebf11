"""What every journal does, whatever it is stored in."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import anyio
import pytest

from engine.errors import Fenced, StorageError, UnknownRun, WorkflowChanged
from engine.model import (
    Attempt,
    Event,
    Failure,
    Origin,
    Receipt,
    RunState,
    RunStatus,
    Scope,
    StepState,
    StepStatus,
    Verb,
    replace,
)
from engine.ports import Journal, Standing
from tests.journal.helpers import SCOPE, Store, done, enter, intent, new_run, read_all, record


async def test_a_new_run_says_what_was_registered(store: Store) -> None:
    async with store.open() as journal:
        batch = await journal.new_batch()
        ((standing, known),) = await journal.register(batch, [new_run("acme")])
        run = await journal.load("id-acme")
    assert (standing, known.run_id, known.status, known.source) == (Standing.NEW, "id-acme", RunStatus.PENDING, "acme")
    assert run == RunState(
        key=known.key,
        run_id="id-acme",
        workflow="cs-onboarding",
        variant="adhoc",
        scope=SCOPE,
        source="acme",
        inputs='{"table":"incident"}',
        inputs_print="print-1",
        definition="definition-1",
        created_at=store.clock.now,
    )


async def test_registering_answers_in_the_order_of_its_question(store: Store) -> None:
    async with store.open() as journal:
        await enter(journal, new_run("b"), new_run("d"))
        names = ["d", "a", "b", "c"]
        answers = await journal.register(await journal.new_batch(), [new_run(name) for name in names])
    assert [known.source for _, known in answers] == names
    assert [standing for standing, _ in answers] == [Standing.CONTINUED, Standing.NEW, Standing.CONTINUED, Standing.NEW]


async def test_thousands_are_registered_at_once(store: Store) -> None:
    runs = [new_run(f"source-{number:04}") for number in range(1201)]
    async with store.open() as journal:
        batch = await journal.new_batch()
        first = await journal.register(batch, runs)
        second = await journal.register(batch, runs)
        assert await journal.counts() == dict.fromkeys(RunStatus, 0) | {RunStatus.PENDING: 1201}
    assert {standing for standing, _ in first} == {Standing.NEW}
    assert {standing for standing, _ in second} == {Standing.CONTINUED}
    assert [known.key for _, known in first] == [known.key for _, known in second]


async def test_unfinished_runs_take_the_new_inputs_and_are_enrolled(store: Store) -> None:
    unfinished = {status.value: status for status in RunStatus if status is not RunStatus.DONE}
    changed = {"inputs": "{}", "inputs_print": "print-2", "definition": "definition-2"}
    async with store.open() as journal:
        _, runs = await enter(journal, *[new_run(name) for name in unfinished])
        for run in runs:
            began = replace(run, status=unfinished[run.source], begun_by="x")
            await journal.write(record(began, done("dataset"), with_run=True))
        batch = await journal.new_batch()
        answers = await journal.register(batch, [new_run(name, **changed) for name in unfinished])
        again = await journal.claim(batch, begun=True, after=0, limit=9)
    for standing, known in answers:
        assert (standing, known.inputs_print) == (Standing.CONTINUED, "print-1")
        assert known.status is unfinished[known.source]
    assert [run.source for run in again] == list(unfinished)
    for run in again:
        begun_anew = "definition-2" if run.source == "destroyed" else "definition-1"
        assert (run.inputs, run.inputs_print, run.definition) == ("{}", "print-2", begun_anew)
        assert run.status.value == ("pending" if run.source == "destroyed" else run.source)
        assert run.steps == {"dataset": done("dataset")}


async def test_a_destroyed_run_begins_again_and_keeps_its_tombstones(store: Store) -> None:
    grave = StepState(name="dataset", status=StepStatus.DESTROYED, tombstones=("id-1", "id-2"))
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        ended = replace(run, status=RunStatus.DESTROYED, finished_at=7.0, generation=2)
        await journal.write(record(ended, grave, with_run=True))
        await journal.register(await journal.new_batch(), [new_run("acme")])
        again = await journal.load("id-acme")
    assert (again.status, again.finished_at, again.generation) == (RunStatus.PENDING, None, 2)
    assert again.steps == {"dataset": grave}


async def test_a_destroyed_run_begins_again_with_the_definition_of_today(store: Store) -> None:
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        await journal.write(record(replace(run, status=RunStatus.DESTROYED, begun_by="me"), with_run=True))
        await journal.register(2, [new_run("acme", variant="tabular", definition="definition-2")])
        again = await journal.load(run.run_id)
    assert (again.variant, again.definition) == ("tabular", "definition-2")


@pytest.mark.parametrize("begun_by", [None, "me"])
async def test_a_run_changes_its_variant_only_before_it_is_begun(store: Store, begun_by: str | None) -> None:
    changed = new_run("acme", variant="tabular", inputs="{}", inputs_print="print-2")
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        await journal.write(record(replace(run, status=RunStatus.FAILED, begun_by=begun_by), with_run=True))
        with nullcontext() if begun_by is None else pytest.raises(WorkflowChanged, match="begun as 'adhoc'"):
            await journal.register(2, [new_run("other"), changed])
        after = await journal.load(run.run_id)
        there = [run.source for run in await read_all(journal)]
    assert (after.variant, after.inputs) == (("tabular", "{}") if begun_by is None else ("adhoc", run.inputs))
    assert there == (["acme", "other"] if begun_by is None else ["acme"])


@pytest.mark.parametrize(("begun_by", "suspect"), [(None, False), ("me", False), (None, True)])
async def test_inputs_that_a_run_may_have_been_begun_with_are_remembered(
    store: Store, begun_by: str | None, *, suspect: bool
) -> None:
    """A journal that was replaced may have forgotten that it was."""
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme", inputs='{"a":1}'))
        await journal.write(record(replace(run, begun_by=begun_by, suspect=suspect), with_run=True))
        await journal.register(2, [new_run("acme", inputs='{"a":2}', inputs_print="print-2")])
        after = await journal.load(run.run_id)
    assert after.was == (('{"a":1}',) if begun_by or suspect else ())


async def test_finished_runs_are_left_alone_unless_their_receipts_are_in_question(store: Store) -> None:
    cases = {
        "same": (False, "print-1", Standing.UNCHANGED),
        "changed": (False, "print-2", Standing.CHANGED),
        "suspect": (True, "print-1", Standing.CONTINUED),
        "suspect and changed": (True, "print-2", Standing.CONTINUED),
    }
    async with store.open() as journal:
        _, runs = await enter(journal, *[new_run(name) for name in cases])
        for run in runs:
            finished = replace(run, status=RunStatus.DONE, suspect=cases[run.source][0], begun_by="x", finished_at=3.0)
            await journal.write(record(finished, with_run=True))
        again = [new_run(name, inputs_print=print_) for name, (_, print_, _) in cases.items()]
        compared = await journal.compare([*again, new_run("other")])
        batch = await journal.new_batch()
        registered = await journal.register(batch, again)
        claimed = await journal.claim(batch, begun=True, after=0, limit=9)
        kept = await read_all(journal)
    assert {known.source: standing for standing, known in registered} == {
        name: standing for name, (_, _, standing) in cases.items()
    }
    assert compared == [*registered, (Standing.NEW, None)]
    assert [run.source for run in claimed] == ["suspect", "suspect and changed"]
    assert {run.source: (run.inputs_print, run.status, run.finished_at) for run in kept} == {
        "same": ("print-1", RunStatus.DONE, 3.0),
        "changed": ("print-1", RunStatus.DONE, 3.0),
        "suspect": ("print-1", RunStatus.DONE, 3.0),
        "suspect and changed": ("print-2", RunStatus.PENDING, None),
    }


async def test_comparing_writes_nothing(store: Store) -> None:
    async with store.open() as journal:
        assert await journal.compare([new_run("acme")]) == [(Standing.NEW, None)]
        assert await read_all(journal) == []
        assert await journal.scopes() == []


async def test_new_inputs_fence_whoever_works_on_the_old_ones(store: Store) -> None:
    async with store.open() as journal:
        batch, (run,) = await enter(journal, new_run("acme"))
        await journal.register(batch, [new_run("acme")])
        await journal.write(record(run, intent("dataset")))
        await journal.register(batch, [new_run("acme", inputs="{}", inputs_print="print-2")])
        with pytest.raises(Fenced, match="acme"):
            await journal.write(record(run, done("dataset")))


async def test_the_scope_of_a_run_may_become_better_known(store: Store) -> None:
    unknown = replace(SCOPE, created=None)
    async with store.open() as journal:
        batch, _ = await enter(journal, new_run("acme", scope=unknown), new_run("bolt", scope=unknown))
        assert await journal.scopes() == [unknown]
        await journal.register(batch, [new_run("acme")])
        assert sorted(await journal.scopes(), key=str) == sorted([SCOPE, unknown], key=str)
        assert (await journal.load("id-acme")).scope == SCOPE
        other = Scope(gateway="https://other.example", org="B@AdobeOrg", sandbox="prod")
        await journal.register(batch, [new_run("acme"), new_run("bolt"), new_run("core", scope=other)])
        assert set(await journal.scopes()) == {SCOPE, other}


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
        store.clock.now -= 3600
        assert await journal.pauses() == {"flow": 10}


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
