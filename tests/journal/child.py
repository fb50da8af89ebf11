"""A process of its own with a journal: `python -m tests.journal.child DEED PATH`. Tells what it does on stdout."""

import asyncio
import json
import resource
import sys

from engine.errors import StorageError
from engine.journal import open_journal
from engine.model import RunState, RunStatus, replace
from engine.ports import Journal
from tests.journal.helpers import StillClock, done, enter, intent, new_run, record


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def hold(path: str) -> None:
    """Keep the journal open until stdin ends."""
    async with open_journal(path, command="headway run", clock=StillClock()) as journal:
        say(name=journal.name)
        await asyncio.to_thread(sys.stdin.read)


async def write(path: str) -> None:
    """Write until killed, and say what was acknowledged."""

    async def work(journal: Journal, run: RunState) -> None:
        number = 0
        while True:
            number += 1
            await journal.write(record(run, intent("a", tag=str(number)), done("b", id=str(number))))
            say(run=run.source, number=number)

    async with open_journal(path, command="headway run", clock=StillClock()) as journal:
        batch, _ = await enter(journal, *[new_run(name) for name in "abcdefgh"])
        await journal.enroll(batch, tuple(RunStatus))
        runs = await journal.claim(batch, begun=False, after=0, limit=99)
        await asyncio.gather(*[work(journal, run) for run in runs])


async def fill(path: str) -> None:
    """Write while the disk takes ever less, then while it takes everything again."""
    async with open_journal(path, command="headway run", clock=StillClock()) as journal:
        _, runs = await enter(journal, *[new_run(f"{number:02}") for number in range(20)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        kept: dict[str, int] = {}
        failed: set[str] = set()

        async def work(run: RunState, numbers: range) -> None:
            for number in numbers:
                try:
                    await journal.write(
                        record(replace(run, generation=number), intent("a", body="x" * 4000), with_run=True)
                    )
                except StorageError as error:
                    failed.add(f"{type(error).__name__}: {error} / {error.hint}")
                else:
                    kept[run.source] = number

        await asyncio.gather(*[work(run, range(1, 20)) for run in runs])
        on_disk = {run.source: run.generation async for run in journal.stream()}
        say(kept=kept, failed=sorted(failed), on_disk={name: number for name, number in on_disk.items() if number})
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await asyncio.gather(*[work(run, range(50, 51)) for run in runs])
        say(kept=kept, on_disk={run.source: run.generation async for run in journal.stream()})


if __name__ == "__main__":
    deeds = {deed.__name__: deed for deed in (hold, write, fill)}
    asyncio.run(deeds[sys.argv[1]](sys.argv[2]))
