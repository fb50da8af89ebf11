"""Registering, the same over every store: what is new, what goes on, what takes new inputs."""

import pytest

from engine.errors import Fenced
from engine.model import RunState, RunStatus, Scope, StepState, StepStatus, replace
from engine.ports import Standing
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
async def test_a_run_changes_its_variant_with_its_inputs(store: Store, begun_by: str | None) -> None:
    changed = new_run("acme", variant="tabular", inputs="{}", inputs_print="print-2")
    async with store.open() as journal:
        _, (run,) = await enter(journal, new_run("acme"))
        await journal.write(record(replace(run, status=RunStatus.FAILED, begun_by=begun_by), with_run=True))
        await journal.register(2, [changed])
        after = await journal.load(run.run_id)
    assert (after.variant, after.inputs) == ("tabular", "{}")
    assert after.was == ((run.inputs,) if begun_by else ())


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
