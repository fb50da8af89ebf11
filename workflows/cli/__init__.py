"""The command line: for people and scripts; how a step is executed is the engine's business.

__init__     main: which command is meant; imports no more than it needs (`headway --help` is instant)
calling      a command's options, its exit code, Ctrl-C     failures     what is said, and left with, on an error
options      options that commands share                    compose      THE place where everything is wired

apply        run, resume, recover: their options            batch_commands   which runs they are about
takedown     destroy                                        drifting     drift
switching    pause, unpause                                 exporting    export (requests)
graphing     graph (drawing)                                following    --wait, --flows
driving      from the first look to the summary             survey       a manifest compared with the journal
preparing    sandbox, consent                               selecting    --only, --exclude
preflight    (asking, findings) a manifest compared with live tables, fields, rules
exploring    (sketching) explore                            importing    import
render, summary, events, tally, words: progress, outcome    planning     (saved) plan
outlook (foreseen): what a source comes to
inspect      status                                         story        why
doctor (permissions), init, demo (demo_day, audit), bench (noop): as they are called   serve: emulator   prove: simulate
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workflows import __version__

GARBAGE = 50_000
"""New objects before cycles are looked for among them: imports and steps leave none, and looking takes a tenth of a
start's time and a twentieth of a step's."""


class Command(NamedTuple):
    """Where a command lives, and what it does in a few words."""

    module: str
    function: str
    does: str


COMMANDS: Mapping[str, Command] = {
    "demo": Command("demo", "demo", "Onboard a batch on this machine alone: under faults, killed twice, continued."),
    "init": Command("init", "init", "Write a commented sources.yaml, and say what to do next."),
    "explore": Command(
        "exploring", "explore", "List tables and columns behind a base connection; add them to a manifest."
    ),
    "import": Command(
        "importing", "import_", "Write manifest entries for chains that were built by hand, and adopt them."
    ),
    "plan": Command("planning", "plan", "Show what `run` would create, change and leave; sends nothing."),
    "run": Command("apply", "run", "Onboard every source of a manifest; continue what an earlier call left."),
    "resume": Command("apply", "resume", "Continue unfinished runs from the journal alone; settle a doubt."),
    "recover": Command("apply", "recover", "Rebuild a lost journal from the markers on the platform; creates nothing."),
    "pause": Command("switching", "pause", "Switch the flows of sources off, until they are switched on again."),
    "unpause": Command("switching", "unpause", "Switch the flows of sources on again."),
    "drift": Command("drifting", "drift", "Compare the platform with the journal, field by field."),
    "destroy": Command("takedown", "destroy", "Delete what the runs of a manifest made, in safe order; asks first."),
    "status": Command("inspect", "status", "Show what is done, running, failed, in doubt."),
    "why": Command("story", "why", "Tell the history of a run or a step, and what to do about it."),
    "export": Command("exporting", "export", "Write the requests of a run as curl, or as a Postman collection."),
    "graph": Command("graphing", "graph", "Draw the steps of a chain, or a run in time."),
    "doctor": Command("doctor", "doctor", "Check credentials, sandbox, permissions, clock and journal."),
    "emulator": Command("serve", "emulator", "Serve a local, strict Adobe Experience Platform, with faults on demand."),
    "simulate": Command("prove", "simulate", "Prove the promise: seeded fault schedules against a simulated platform."),
    "bench": Command("bench", "bench", "Measure durable steps per second on this machine and store."),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code is the result (`failures.Exit`)."""
    name, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name == "help" and rest:
        name, rest = rest[0], ["--help"]
    if name in ("-h", "--help", "help"):
        return _say(_help())
    if name in ("-V", "--version"):
        return _say(f"headway {__version__}")
    gc.set_threshold(GARBAGE)
    atexit.register(gc.freeze)  # else the interpreter looks for cycles, at its end, in all that is about to go: 0.1 s
    # httpx loads a command line of its own with itself (click, rich, pygments), a third of the time that it takes: None
    # says that it cannot be imported.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    try:
        from workflows.cli.calling import call, unknown

        return call(name, COMMANDS[name], rest) if name in COMMANDS else unknown(name, COMMANDS)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _say(text: str) -> int:
    try:
        print(text, flush=True)
    except BrokenPipeError as error:
        from workflows.cli.failures import tell

        return tell(error, command="headway", debug=False)
    return 0


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {command.does}" for name, command in COMMANDS.items())
    return f"""\
Usage: headway COMMAND [OPTIONS] …

Onboards customer-success sources into Adobe Experience Platform: one live flow per source, every id and etag in a
journal. Interrupted at any moment, the same command continues; nothing is created twice.

Commands:
{commands}

Begin with   headway demo        a minute that shows all of it, without an account
             headway init        your own sources
Every command explains itself, with an example: headway COMMAND --help

Exit codes   0 all done   1 some failed   2 changes (plan --detailed-exitcode), drift   3 needs --yes   4 in doubt
             5 the journal is in use   64 wrong usage or manifest   74 the journal cannot be used   77 not authorised
             130 interrupted: the same command continues"""
