"""The store for simulations: faults at will, one process at a time, the same names for the same seed."""

from random import Random
from typing import Literal

import pytest

from engine.errors import JournalLocked, StorageError
from engine.journal import MemoryStore
from tests.journal.helpers import StillClock, done, enter, intent, new_run, record


class Weather:
    """Lets commits through until it is told to tear one."""

    def __init__(self) -> None:
        self.tear: str | None = None
        self.seen: list[str] = []

    async def __call__(self, when: Literal["before", "after"]) -> None:
        self.seen.append(when)
        if when == self.tear:
            raise StorageError(f"torn {when} the commit")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_commit_is_torn_on_either_side(when: str) -> None:
    weather = Weather()
    journal = MemoryStore().open(StillClock(), hook=weather)
    _, (run,) = await enter(journal, new_run("acme"))
    weather.tear = when
    with pytest.raises(StorageError, match=f"torn {when}"):
        await journal.write(record(run, done("a")))
    weather.tear = None
    kept = (await journal.load("id-acme")).steps
    assert kept == ({} if when == "before" else {"a": done("a")})
    assert weather.seen[-1] == when


async def test_an_exclusive_store_is_for_one_process_until_that_ends() -> None:
    store = MemoryStore()
    first = store.open(StillClock())
    with pytest.raises(JournalLocked):
        store.open(StillClock())
    store.open(StillClock(), read_only=True)
    first.close()
    assert store.open(StillClock()).name == first.name


async def test_a_snapshot_does_not_change_any_more() -> None:
    store = MemoryStore()
    journal = store.open(StillClock())
    _, (run,) = await enter(journal, new_run("acme"))
    backup = store.snapshot()
    await journal.write(record(run, intent("a")))
    for _ in range(2):
        store.restore(backup)
        again = store.open(StillClock())
        assert (await again.load("id-acme")).steps == {}
        await again.write(record(await again.claim_one("id-acme"), done("a")))
        again.close()


def test_a_seed_gives_the_same_names_again() -> None:
    names = []
    for _ in range(2):
        store = MemoryStore(rng=Random(7), exclusive=False)
        names.append(
            [(journal.name, journal.process) for journal in (store.open(StillClock()), store.open(StillClock()))]
        )
    assert names[0] == names[1]
    assert len(set(names[0])) == 2
