"""Prefect: a flow of ten tasks against a server of its own, which keeps its state in an SQLite file."""

import asyncio
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def settle(folder: Path) -> str:
    """Prefect reads its settings when it is imported; the URL of the server to start."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    os.environ |= {
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    return f"http://127.0.0.1:{port}"


async def main(folder: Path, runs: int, at_once: int) -> None:
    """Start the server, warm up, drive, print."""
    url = settle(folder)
    command = ("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--no-ui")
    with (folder / "server.log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=log, stderr=log)
        try:
            await until_up(f"{url}/api/health")
            seconds = await measured(runs, at_once)
        finally:
            server.terminate()
            await server.wait()
    print(json.dumps({"steps": runs * 10, "seconds": seconds, "store": "its server on SQLite, its own settings"}))


async def until_up(url: str) -> None:
    """Wait for the server to answer."""
    for _ in range(1200):
        try:
            with await asyncio.to_thread(urllib.request.urlopen, url):
                return
        except (urllib.error.URLError, ConnectionError):
            await asyncio.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")


async def measured(runs: int, at_once: int) -> float:
    """Seconds that so many runs take."""
    from prefect import flow, task

    @task(persist_result=True)
    async def step(number: int, after: str) -> str:
        await asyncio.sleep(0)
        return f"{number}-{len(after)}"

    @flow(persist_result=True)
    async def ten_steps(number: int) -> str:
        after = ""
        for _ in range(10):
            after = await step(number, after)
        return after

    async def drive(count: int, width: int) -> float:
        numbers = iter(range(count))

        async def work() -> None:
            for number in numbers:
                await ten_steps(number)

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(width)))
        return time.perf_counter() - began

    await drive(1, 1)
    return await drive(runs, at_once)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
