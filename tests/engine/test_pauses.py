"""What a service asked for outlives the process that was asked, also when no run is under way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

import anyio
import anyio.lowlevel
import pytest

from engine import Engine
from engine.clock import SystemClock
from engine.errors import StorageError
from engine.pacing import Pacing

CLOCK = SystemClock()


def pacing() -> Pacing:
    return Pacing(boot=CLOCK.boot, rng=Random(1))


async def restored(store: str, *, read_only: bool = False) -> float:
    """For how long the next process waits, in seconds."""
    gate = pacing()
    async with Engine(store, gate=gate, read_only=read_only):
        return gate.paused("flow")


async def kept(engine: Engine) -> Mapping[str, float]:
    """What a process that is killed now leaves behind, once it is there."""
    with anyio.fail_after(10):
        while not (found := await engine.journal.pauses()):
            await anyio.lowlevel.checkpoint()
    return found


async def test_a_pause_before_the_first_run_is_written_down_at_once(tmp_path: Path) -> None:
    """Sources are checked against the platform before any run begins."""
    async with Engine(str(tmp_path / "j.db")) as engine:
        engine.pause("flow", 60)
        assert "flow" in await kept(engine)


async def test_a_pause_of_the_last_moment_is_written_down_before_the_end(tmp_path: Path) -> None:
    store = str(tmp_path / "j.db")
    async with Engine(store) as engine:
        engine.pause("flow", 60)
    assert await restored(store) > 0


async def test_who_only_reads_the_journal_waits_too(tmp_path: Path) -> None:
    """`plan` and `drift` ask the services as well."""
    store = str(tmp_path / "j.db")
    async with Engine(store) as engine:
        engine.pause("flow", 60)
    assert await restored(store, read_only=True) > 0


async def test_a_journal_that_is_only_read_keeps_no_pause(tmp_path: Path) -> None:
    store = str(tmp_path / "j.db")
    async with Engine(store):
        pass
    async with Engine(store, read_only=True) as engine:
        engine.pause("flow", 60)
    assert await restored(store) == 0


async def test_a_mistake_meanwhile_is_raised_as_itself(tmp_path: Path) -> None:
    async def err() -> None:
        async with Engine(str(tmp_path / "j.db")) as engine:
            engine.pause("flow", 60)
            raise KeyError("mistake")

    with pytest.raises(KeyError, match="mistake"):
        await err()


async def test_a_pause_that_cannot_be_written_ends_the_work(tmp_path: Path) -> None:
    store = tmp_path / "j.db"

    async def work() -> None:
        async with Engine(str(store)) as engine:
            store.rename(tmp_path / "elsewhere.db")
            engine.pause("flow", 60)
            await anyio.sleep_forever()

    with pytest.raises(StorageError):
        await work()
