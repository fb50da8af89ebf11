"""Restate: a handler of ten `ctx.run` steps and its server, whose binary is RESTATE_SERVER in the environment."""

import asyncio
import json
import os
import socket
import sys
import time
from pathlib import Path

import aiohttp
import hypercorn
import hypercorn.asyncio
import restate

bench = restate.Service("bench")


async def step() -> str:
    """Does nothing."""
    await asyncio.sleep(0)
    return "done"


@bench.handler()
async def ten_steps(ctx: restate.Context, number: int) -> int:
    """Ten steps, one after the other."""
    for at in range(10):
        await ctx.run_typed(f"step_{at}", step)
    return number


async def serve(port: int, stop: asyncio.Event) -> None:
    """The handler, over HTTP/2."""
    config = hypercorn.Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "ERROR"
    config.h2_max_concurrent_streams = 100_000
    await hypercorn.asyncio.serve(restate.app([bench]), config, shutdown_trigger=stop.wait)


async def drive(session: aiohttp.ClientSession, url: str, runs: int, at_once: int) -> float:
    """Seconds that so many runs take."""
    numbers = iter(range(runs))

    async def work() -> None:
        for number in numbers:
            async with session.post(f"{url}/bench/ten_steps", json=number) as answer:
                answer.raise_for_status()
                await answer.read()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return time.perf_counter() - began


async def until_up(session: aiohttp.ClientSession, url: str) -> None:
    """Wait for a server to answer."""
    for _ in range(600):
        try:
            async with session.get(url) as answer:
                if answer.status < 500:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def main(folder: Path, runs: int, at_once: int) -> None:
    """Start the server, register, warm up, drive, print."""
    ingress, admin, node, handler = free_ports(4)
    settings = {
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
        "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{node}",
        "RESTATE_BASE_DIR": str(folder),
        "RESTATE_LISTEN_MODE": "tcp",
        "DO_NOT_TRACK": "1",
    }
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(handler, stop))
    with (folder / "restate.log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            os.environ["RESTATE_SERVER"], "--node-name", "bench", stdout=log, stderr=log, env={**os.environ, **settings}
        )
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                await until_up(session, f"http://127.0.0.1:{admin}/health")
                uri = {"uri": f"http://127.0.0.1:{handler}", "use_http_11": False}
                async with session.post(f"http://127.0.0.1:{admin}/deployments", json=uri) as answer:
                    if answer.status >= 300:
                        raise RuntimeError(await answer.text())
                url = f"http://127.0.0.1:{ingress}"
                await until_up(session, f"{url}/restate/health")
                await drive(session, url, 20, 10)
                seconds = await drive(session, url, runs, at_once)
        finally:
            server.terminate()
            await server.wait()
            stop.set()
            await serving
    print(json.dumps({"steps": runs * 10, "seconds": seconds, "store": "its server, its own settings"}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
