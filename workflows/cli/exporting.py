"""`export`: the requests of a run, for people who want to see or repeat them by other means."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
from typer import Argument, Option

from workflows.cli.calling import run_async
from workflows.cli.options import Looking


class Form(StrEnum):
    """How the requests are written."""

    CURL = "curl"
    POSTMAN = "postman"


def export(
    run: Annotated[str, Argument(metavar="RUN", help="A source name or a run id.")],
    options: Looking,
    form: Annotated[Form, Option("--format", help="A shell script, or a Postman collection (2.1).")] = Form.CURL,
    output: Annotated[Path | None, Option("-o", "--output", metavar="FILE", help="Write it there.")] = None,
) -> int:
    """Write the requests of a run as a script for curl and jq, or as a Postman collection.

    Sends nothing. What it writes makes new objects, and hands their ids on: use it to see what headway sends, or in
    another sandbox (SANDBOX_NAME). In the same one, titles are taken. Who asks, and secrets, are variables.

    Example:
      headway export acme-accounts
      headway export acme-accounts --format postman -o acme-accounts.json
    """
    text = run_async(_text, options.store, run, form)
    if output is None:
        print(text, end="")
    else:
        output.write_text(text)
    return 0


async def _text(store: str, name: str, form: Form) -> str:
    from workflows.cli.compose import find_run, looking
    from workflows.cli.requests import as_curl, as_postman, requests_of

    async with looking(store) as engine:
        run = await find_run(engine, name)
        workflow, shared = await engine.wanted.declared(run)
        requests = await requests_of(workflow, run, shared, time.time())
    if form is Form.CURL:
        return as_curl(requests)
    return orjson.dumps(as_postman(requests), option=orjson.OPT_INDENT_2).decode() + "\n"
