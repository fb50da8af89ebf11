"""DBOS: a workflow of ten steps, its system database in an SQLite file."""

import asyncio
import json
import sys
import time
from pathlib import Path

from dbos import DBOS


@DBOS.step()
async def step(number: int, after: str) -> str:
    """Does nothing."""
    await asyncio.sleep(0)
    return f"{number}-{len(after)}"


@DBOS.workflow()
async def ten_steps(number: int) -> str:
    """Ten steps, each of which needs the one before."""
    after = ""
    for _ in range(10):
        after = await step(number, after)
    return after


async def drive(runs: int, at_once: int) -> float:
    """Seconds that so many runs take."""
    numbers = iter(range(runs))

    async def work() -> None:
        for number in numbers:
            await ten_steps(number)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return time.perf_counter() - began


async def main(folder: Path, runs: int, at_once: int) -> None:
    """Warm up, drive, print."""
    DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{folder}/dbos.db", "log_level": "ERROR"})
    DBOS.launch()
    await drive(2, 2)
    seconds = await drive(runs, at_once)
    DBOS.destroy()
    print(json.dumps({"steps": runs * 10, "seconds": seconds, "store": "SQLite, its own settings"}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
