"""What a journal costs: bytes per finished source, and memory that does not grow with the number of runs."""

import json
import tracemalloc
from pathlib import Path

import anyio

from engine.journal import open_journal
from engine.model import Event, NewRun, Receipt, RunStatus, StepState, replace
from tests.journal.helpers import StillClock, done, intent, new_run, record

BUDGET = 6 * 1024
STEPS = (
    "adhoc_class", "adhoc_schema", "source_connection", "target_schema", "dataset", "target_connection", "mapping_set",
    "flow_spec", "flow",
)  # fmt: skip


UUID = "4cb0c374-d3bb-4557-b139-5712880adc55"
PRINT = "a1b2c3d4e5" * 2


def realistic(number: int) -> NewRun:
    """A source like those of the reference manifest: ten columns, five of them mapped."""
    name = f"acme-incidents-{number:05}"
    inputs = {
        "source": name, "connector": "servicenow", "base_connection": UUID, "table": "incident",
        "delta_column": "sys_updated_on", "target": {"title": name, "class": "profile"},
        "columns": [{"name": f"column_{n}", "type": "string"} for n in range(10)],
        "mappings": [{"source": f"column_{n}", "destination": f"_tenant.case.field_{n}"} for n in range(5)],
        "schedule": {"interval": 60, "frequency": "minute"},
    }  # fmt: skip
    text = json.dumps(inputs)
    return new_run(name, run_id=f"{number:032x}", inputs=text, inputs_print=PRINT, definition=PRINT)


def finished(name: str, number: int) -> StepState:
    schema = "schema" in name or "class" in name
    id = f"https://ns.adobe.com/tenant/schemas/{number:040x}" if schema else UUID
    receipt = Receipt(id=id, etag='"5d02211d-0000-0200-0000-5e9a5c7d0000"')
    return replace(done(name), spec=PRINT, receipt=receipt, started_at=1.9e9, finished_at=1.9e9 + 0.123)


async def test_a_finished_source_costs_at_most_six_kilobytes(path: Path) -> None:
    number = 300
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        batch = await journal.new_batch()
        await journal.register(batch, [realistic(n) for n in range(number)])
        runs = await journal.claim(batch, begun=False, after=0, limit=number)
        empty = path.stat().st_size  # noqa: ASYNC240
        for run in runs:
            state = replace(run, begun_by=journal.process, status=RunStatus.RUNNING)
            await journal.write(record(state, intent(STEPS[0], body="x" * 900), with_run=True))
        for before, after in zip(STEPS, [*STEPS[1:], None], strict=True):
            event = Event(step=before, at=1.9e9 + 0.456, name="created", detail={"id": UUID})
            opened = (intent(after, body="x" * 900),) if after else ()
            async with anyio.create_task_group() as tasks:
                for run in runs:
                    state = replace(run, begun_by=journal.process, status=RunStatus.DONE, finished_at=1.9e9)
                    steps = (finished(before, run.key), *opened)
                    tasks.start_soon(journal.write, record(state, *steps, events=(event,), with_run=not after))
    assert (path.stat().st_size - empty) / number <= BUDGET  # noqa: ASYNC240


async def test_streaming_holds_a_page_in_memory_not_a_journal(path: Path) -> None:
    async with open_journal(str(path), command="headway run", clock=StillClock()) as journal:
        batch = await journal.new_batch()
        for start in range(0, 6000, 1000):
            await journal.register(batch, [realistic(n) for n in range(start, start + 1000)])
        peaks = []
        for statuses in ([RunStatus.DONE], None):
            tracemalloc.start()
            async for _ in journal.stream(statuses=statuses):
                pass
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] - peaks[0] < 2_000_000, "6,000 runs are 9 MB"
