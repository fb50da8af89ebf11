"""Calling a command: its options by typer, its exit code, and what happens on Ctrl-C or when nobody reads on."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from inspect import cleandoc
from pathlib import Path
from shutil import which
from textwrap import indent
from types import FrameType
from typing import Any, TypeVar

from workflows.cli.failures import Exit, tell
from workflows.cli.options import flattened

T = TypeVar("T")
_words: list[str] = []
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def call(name: str, command: Any, rest: Sequence[str]) -> int:
    """Run a command and return its exit code; whatever goes wrong is said on stderr, in words."""
    _open_standard_files()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that knows no "…" is no reason to fail
    _words[:] = [name, *rest]
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = _invoke(name, command, rest)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the outermost place: it says what happened, and leaves
        return tell(error, command=f"headway {name}", debug="--debug" in rest)
    finally:
        signal.signal(signal.SIGTERM, before)
    return code


def called() -> str:
    """This command as it was called, for "continue with"."""
    from engine.api import masked

    return masked(shlex.join(["headway", *_words]))


def called_briefly() -> str:
    """The command without its options, for whoever finds the journal locked."""
    return " ".join(["headway", *_words[:1]])


def program() -> str:
    """What to type to call this program: its name where the shell finds it under that, else its path."""
    path = Path(sys.argv[0])
    found = which("headway")
    if path.name != "headway" or (found is not None and Path(found).samefile(path)):
        return "headway"
    return os.path.relpath(path)


def unknown(name: str, commands: Mapping[str, Any]) -> int:
    """Say that there is no such command, and which one was probably meant."""
    from difflib import get_close_matches

    meant = get_close_matches(name, commands, n=1)
    question = f"; did you mean `headway {meant[0]}`?" if meant else ""
    print(f"headway has no command {name!r}{question}\n`headway --help` lists them.", file=sys.stderr)
    return Exit.USAGE


def _invoke(name: str, command: Any, rest: Sequence[str]) -> int:
    import typer

    function = getattr(import_module(f"workflows.cli.{command.module}"), command.function)
    text, _, example = cleandoc(function.__doc__).partition("Example:\n")
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    epilog = f"\b\nExample:\n{indent(example, '  ')}"
    asking = {"help_option_names": ["-h", "--help"]}
    app.command(name, help=text, epilog=epilog, context_settings=asking)(_told(flattened(function)))
    try:
        outcome = typer.main.get_command(app).main(list(rest), prog_name=f"headway {name}", standalone_mode=False)
    except _Escaped as escaped:
        raise escaped.__cause__ or escaped from None
    return outcome if isinstance(outcome, int) else Exit.DONE


class _Escaped(Exception):
    """Carries an error past typer, which has opinions on some of them."""


def _told(function: Callable[..., T]) -> Callable[..., T]:
    @wraps(function)
    def call(**values: Any) -> T:
        try:
            return function(**values)
        except BaseException as error:
            raise _Escaped from error

    return call


def _open_standard_files() -> None:
    """A file that is closed (`>&-`) is a place where nobody reads; left closed, the next one opened would be in it."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run_async(function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Run an async function to its end, on the fastest loop there is."""
    import anyio

    return anyio.run(function, *arguments, backend_options={"use_uvloop": find_spec("uvloop") is not None})


class Interrupt:
    """What became of Ctrl-C and SIGTERM: `seen` after the first one. While `asking`, it ends the question at once."""

    def __init__(self) -> None:
        self.seen = self.asking = False

    def ask(self, question: str) -> str:
        """Ask the person at the terminal. Nothing else goes on meanwhile."""
        self.asking = True
        try:
            print(question, end="", file=sys.stderr, flush=True)
            return sys.stdin.readline().strip()
        finally:
            self.asking = False


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[Interrupt]:
    """The first signal calls `stop` in the event loop; the second leaves at once, which is safe, too (rule 1)."""
    import asyncio

    loop, interrupt = asyncio.get_running_loop(), Interrupt()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if interrupt.asking:
            raise KeyboardInterrupt
        if interrupt.seen:
            os._exit(Exit.INTERRUPTED)
        interrupt.seen = True
        loop.call_soon_threadsafe(stop)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
