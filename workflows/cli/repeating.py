"""Reads that are repeated for minutes, told where nothing else is shown meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from engine.api import Engine
from engine.together import cause
from workflows.cli.render import say

PAUSE = 5.0
"""Seconds between two looks at what is not answered."""


@asynccontextmanager
async def telling_repeats(engine: Engine) -> AsyncIterator[None]:
    """Says once on stderr, of each reason, why something is asked again and again."""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_tell, engine)
            yield
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as errors:
        raise cause(errors) from errors


async def _tell(engine: Engine) -> None:
    told = set[str]()
    while True:
        await anyio.sleep(PAUSE)
        for reason in set(engine.session.unanswered.values()) - told:
            told.add(reason)
            say(f"waiting  asked again, for some minutes at most: {reason}")
