"""What the engine's branches write of one run at the same time."""

from pathlib import Path
from random import Random

import anyio
import pytest

from engine.active import Active
from engine.errors import StorageError
from engine.journal import MemoryStore, open_journal
from engine.machine import Timing
from engine.model import RunState, RunStatus, replace
from engine.pacing import Pacing
from engine.ports import Journal
from engine.session import Session
from engine.workflow import Workflow
from tests.journal.helpers import StillClock, enter, intent, new_run

CLOCK = StillClock()


def driven(journal: Journal, state: RunState) -> Active:
    """A run as it is being driven."""
    gate, workflow = Pacing(boot=CLOCK.boot, rng=Random(1)), Workflow("cs-onboarding", inputs=dict)
    session = Session(journal=journal, gate=gate, clock=CLOCK, rng=Random(1), timing=Timing(), resources={})
    return Active(session, workflow=workflow, plan=workflow.plan({}), inputs={}, state=state)


async def test_what_two_branches_change_of_a_run_at_once_is_all_kept(tmp_path: Path) -> None:
    async with open_journal(str(tmp_path / "headway.db"), command="headway run", clock=CLOCK) as journal:
        _, (state,) = await enter(journal, new_run("acme"))
        run = driven(journal, state)
        async with anyio.create_task_group() as branches:
            branches.start_soon(run.write, intent("a"))  # begins the run
            branches.start_soon(lambda: run.write(intent("b"), suspect=True))
            branches.start_soon(lambda: run.write(generation=1))
        kept = replace(await journal.load(state.run_id), steps={})
        assert (kept.begun_by, kept.status) == (journal.process, RunStatus.RUNNING)
        assert (kept.suspect, kept.generation) == (True, 1)
        assert kept == replace(run.state, steps={})


async def test_that_a_run_has_begun_is_said_again_until_it_is_durable() -> None:
    torn, waiting = anyio.Event(), list[str]()

    async def hook(when: str) -> None:
        if when == "before" and waiting and waiting.pop():
            await torn.wait()
            raise StorageError("disk full")

    async def first() -> None:
        with pytest.raises(StorageError, match="disk full"):
            await run.write(intent("a"))

    journal = MemoryStore().open(CLOCK, hook=hook)
    _, (state,) = await enter(journal, new_run("acme"))
    run = driven(journal, state)
    waiting.append("the record that says so first")
    async with anyio.create_task_group() as branches:
        branches.start_soon(first)
        await anyio.wait_all_tasks_blocked()
        await run.write(intent("b"))
        torn.set()
    assert (await journal.load(state.run_id)).begun_by == journal.process
