"""What the engine's branches write of one run at the same time."""

from pathlib import Path
from random import Random

import anyio

from engine.active import Active
from engine.journal import open_journal
from engine.machine import Timing
from engine.model import RunStatus, replace
from engine.pacing import Pacing
from engine.session import Session
from engine.workflow import Workflow
from tests.journal.helpers import StillClock, enter, intent, new_run


async def test_what_two_branches_change_of_a_run_at_once_is_all_kept(tmp_path: Path) -> None:
    clock, workflow = StillClock(), Workflow("cs-onboarding", inputs=dict)
    async with open_journal(str(tmp_path / "headway.db"), command="headway run", clock=clock) as journal:
        session = Session(
            journal=journal,
            gate=Pacing(boot=clock.boot, rng=Random(1)),
            clock=clock,
            rng=Random(1),
            timing=Timing(),
            resources={},
        )
        _, (state,) = await enter(journal, new_run("acme"))
        run = Active(session, workflow=workflow, plan=workflow.plan({}), inputs={}, state=state)
        async with anyio.create_task_group() as branches:
            branches.start_soon(run.write, intent("a"))  # begins the run
            branches.start_soon(lambda: run.write(intent("b"), suspect=True))
            branches.start_soon(lambda: run.write(generation=1))
        kept = replace(await journal.load(state.run_id), steps={})
        assert (kept.begun_by, kept.status) == (journal.process, RunStatus.RUNNING)
        assert (kept.suspect, kept.generation) == (True, 1)
        assert kept == replace(run.state, steps={})
