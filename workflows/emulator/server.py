"""Ways to run an emulator: in the foreground, inside this process, or as a child process that dies with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import importlib
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import orjson
import uvicorn

from workflows.emulator.app import Emulator
from workflows.emulator.config import EmulatorConfig
from workflows.emulator.report import as_text, report
from workflows.emulator.wire import TransportProtocol

BACKLOG = 2048


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to whoever runs it and ends at once when it is told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def stop(self) -> None:
        """End serving."""
        self._told.set()

    async def main_loop(self) -> None:
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=1)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(emulator: Emulator) -> _Server:
    config = uvicorn.Config(
        emulator,
        http=TransportProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
    )
    return _Server(config)


def _listen(config: EmulatorConfig) -> socket.socket:
    """A listening socket: who connects from now on is served, however soon the server starts.

    The protocol is named because asyncio turns Nagle's algorithm off only where it is: without it, answers take 40 ms.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((config.host, config.port))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def serving(config: EmulatorConfig) -> AsyncIterator[tuple[str, Emulator]]:
    """An emulator inside this process, on this loop; gives its URL and the emulator itself."""
    emulator = Emulator(config)
    listener = _listen(config)
    server = _server(emulator)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield _url(listener), emulator
    finally:
        emulator.end()
        server.stop()
        await task


async def spawn_emulator(config: EmulatorConfig) -> tuple[str, Process]:
    """An emulator in a process of its own; gives its URL and the process.

    It ends with `process.terminate()`, and by itself when this process is gone or `process.stdin` is closed. Raises
    RuntimeError with what it said when it could not start.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workflows.emulator", "--config", "-", stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None  # noqa: S101 - both were asked for
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(orjson.dumps(dataclasses.asdict(config)) + b"\n")
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError(f"the emulator did not start: exit code {await process.wait()}")
    return str(orjson.loads(line)["url"]), process


async def serve(config: EmulatorConfig, *, announce: bool, guarded: bool = False) -> None:
    """Serve until cancelled; then write the account to stderr.

    `announce` prints the URL and the variables to set for people, otherwise one JSON line for a parent process;
    `guarded` is for a child: it ends with its stdin, and its parent asks for the account if it wants it.
    """
    emulator = Emulator(config)
    listener = _listen(config)
    server = _server(emulator)
    url = _url(listener)
    said = welcome(config, url) if announce else orjson.dumps({"url": url, "seed": emulator.seed}).decode()
    with contextlib.suppress(BrokenPipeError):  # nobody wants to know: a guarded one ends by itself
        sys.stdout.write(said + "\n")
        sys.stdout.flush()
    serving_task = asyncio.create_task(server.serve(sockets=[listener]))
    waiting = {serving_task}
    if guarded:
        waiting.add(asyncio.create_task(_end_of_stdin()))
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        emulator.end()
        server.stop()
        await serving_task
        if not guarded:
            sys.stderr.write(as_text(report(emulator.platform)) + "\n")


async def _end_of_stdin() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one, in a process that does nothing else; SIGTERM ends it like Ctrl-C."""
    # What exists only grows, and requests leave no cycles: passes over all of it would be pauses for nothing.
    gc.set_threshold(100_000, 50, 50)
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        factory = importlib.import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_stoppable(main))


async def _stoppable(main: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def welcome(config: EmulatorConfig, url: str) -> str:
    """What a person is told at the start: where it is, and what to set to use it."""
    org = config.orgs[0]
    variables = {
        "AEP_BASE_URL": url,
        "AEP_IMS_URL": url,
        "AEP_IMS_ORG": org.id,
        "AEP_API_KEY": org.client_id,
        "AEP_CLIENT_SECRET": org.client_secret,
        "AEP_SCOPES": org.scopes,
        "AEP_SANDBOX_NAME": org.sandboxes[0].name,
    }
    exports = "\n".join(f"export {name}={value}" for name, value in variables.items())
    account = f"# account: {url}/__emulator/report?form=text"
    return f"# Adobe Experience Platform, emulated on {url}; Ctrl-C ends it\n{exports}\n{account}"
