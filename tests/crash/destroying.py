"""Deleting what runs made, through the engine: what a `destroy` command will call."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import RunStatus
from workflows.cli.calling import run_async
from workflows.cli.compose import read_credentials, working
from workflows.cli.failures import tell
from workflows.cli.options import Driving


def destroy(arguments: Sequence[str]) -> int:
    """`destroy STORE SETTLE`: everything that the journal knows; 0 when all is destroyed."""
    _, store, settle = arguments
    try:
        return run_async(_destroy, Driving(store=store, settle=float(settle)))
    except Exception as error:  # noqa: BLE001 - the outermost place, as in the command line
        return tell(error, command="destroy", debug=True)


async def _destroy(options: Driving) -> int:
    async with working(options, read_credentials(None), observer=lambda _notice: None) as app:
        runs = [run.run_id async for run in app.engine.journal.stream()]
        counts = await app.engine.destroy(runs, delete_data=True)
        return 0 if counts[RunStatus.DESTROYED] == len(runs) else 1
