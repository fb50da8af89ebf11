"""`import`: chains built by hand become sources of a manifest, and runs of the journal; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from typer import Argument, Option

from workflows.cli.calling import run_async
from workflows.cli.options import Calling
from workflows.cli.render import say
from workflows.cli.words import amount

if TYPE_CHECKING:
    from workflows.aep import AepClient
    from workflows.cli.sketching import Sketch
    from workflows.onboarding.manifest.insert import Source
    from workflows.onboarding.manifest.schema import DefaultsEntry
    from workflows.resources import BuiltChain


@dataclass(slots=True)
class Known:
    """What must not be there twice: names, and flows with the source that has each."""

    names: set[str] = field(default_factory=set)
    flows: dict[str, str] = field(default_factory=dict)


def import_(
    flows: Annotated[list[str], Argument(metavar="FLOW", help="Flows by their ids.")],
    options: Calling,
    *,
    write: Annotated[
        Path | None, Option("--write", metavar="FILE", help="Add the sources to this manifest, and adopt them.")
    ] = None,
    json: Annotated[
        bool, Option("--json", help="One source a line; with --write the events of adopting them.")
    ] = False,
) -> int:
    """Write manifest entries for chains that were built by hand: each flow, and all that it stands on, adopted.

    Without --write a manifest is printed. With it, the sources go to the end of the manifest's list, everything else
    as it is, and what they name is adopted at once: `headway plan` has nothing to do afterwards. Only reads; what is
    adopted is never changed, switched off or deleted.

    Example:
      headway import 1b2c3d4e-5f60-4718-8a9b-0c1d2e3f4a5b
      headway import 1b2c3d4e-5f60-4718-8a9b-0c1d2e3f4a5b --write sources.yaml
    """
    from workflows.cli.sketching import Sketch

    sketch = Sketch.of(write)
    known = _named_in(sketch)
    sources = run_async(_sources, list(dict.fromkeys(flows)), options, sketch, known)
    if write is None:
        _print(sources, json=json)
        return 0
    sketch.save(sources)
    if not json:
        for source, _ in sources:
            print(f"{source['name']}   {source['table']}, {amount(len(source['existing']) + 3, 'object')} to adopt")
        print(f"{amount(len(sources), 'source')} added to {write}")
    return _adopt(str(write), [source["name"] for source, _ in sources], options, json=json)


def _named_in(sketch: Sketch) -> Known:
    """What a manifest names already. Raises `ManifestErrors`: nothing is added to one with mistakes."""
    from workflows.onboarding.manifest import check_and_spool

    known = Known(names=set(sketch.names))
    if sketch.names:
        with check_and_spool(str(sketch.file), None) as spool:
            for inputs in (said.inputs for batch in spool.batches(500) for said in batch):
                known.flows.update({inputs.existing["flow"]: inputs.source} if "flow" in inputs.existing else {})
    return known


async def _sources(flows: Sequence[str], options: Calling, sketch: Sketch, known: Known) -> list[Source]:
    """A source for each flow. Raises `Refusal` with all that cannot be."""
    from engine.api import masked
    from workflows.aep import AepClient
    from workflows.cli.compose import looking, read_credentials, scope_of
    from workflows.cli.failures import Refusal
    from workflows.cli.preparing import find_sandbox

    credentials = read_credentials(options.credentials)
    again = f"in {sketch.file} already: `{options.headway('run', str(sketch.file))}` adopts it"
    wrong = {flow: f"is the flow of {known.flows[flow]} {again}" for flow in flows if flow in known.flows}
    async with AepClient(credentials) as client, looking(options.store) as engine:
        scope = scope_of(credentials, (await find_sandbox(client, credentials)).created)
        await engine.check_scope(scope)
        async for run in engine.journal.stream():
            if run.scope.same_sandbox(scope):
                known.names.add(run.source)
                receipt = run.receipts.get("flow")
                if receipt and receipt.id in flows:
                    wrong[receipt.id] = f"is the flow of {run.source} in the journal {masked(engine.store)} already"
        chains = await _chains(client, [flow for flow in flows if flow not in wrong], wrong)
    sources = [_source(chains[flow], sketch, known, wrong) for flow in flows if flow in chains]
    for flow in (flow for flow in flows if flow in chains and chains[flow].ours):
        say(f"flow {flow} was made by headway: with the manifest that made it, `headway recover` rebuilds the journal")
    if wrong:
        lines = [f"flow {flow}: {wrong[flow]}" for flow in flows if flow in wrong]
        raise Refusal("\n".join(lines), "nothing was written, nothing was adopted")
    return sources


def _source(chain: BuiltChain, sketch: Sketch, known: Known, wrong: dict[str, str]) -> Source:
    """The source that adopts a chain; why the manifest would not take it goes into `wrong`."""
    from workflows.onboarding.adopting import adopting, free_name
    from workflows.onboarding.manifest import examined

    source, comments = adopting(chain, free_name(chain.name, known.names), sketch.defaults)
    known.names.add(source["name"])
    _, problems = examined(source, cast("DefaultsEntry", sketch.defaults), "the source")
    if problems:
        wrong[chain.flow_id] = "; ".join(problem.message for problem in problems)
    return source, comments


async def _chains(client: AepClient, flows: Sequence[str], wrong: dict[str, str]) -> dict[str, BuiltChain]:
    """The chains of flows, read side by side; why one cannot be goes into `wrong`."""
    from engine.errors import Rejected
    from engine.together import together
    from workflows.resources import read_chain

    found: dict[str, BuiltChain] = {}

    async def read(flow: str) -> None:
        try:
            found[flow] = await read_chain(client, flow)
        except Rejected as refused:
            hint = refused.failure.hint
            wrong[flow] = refused.failure.message + (f". {hint}" if hint else "")

    await together(*(partial(read, flow) for flow in flows))
    return found


def _print(sources: Sequence[Source], *, json: bool) -> None:
    from workflows.cli.events import print_json
    from workflows.onboarding.manifest.insert import written

    if json:
        for source, _ in sources:
            print_json(dict(source))
    else:
        print(written(sources, {}), end="")


def _adopt(file: str, names: Sequence[str], options: Calling, *, json: bool) -> int:
    """Enter the sources into the journal, and run them: all their steps only read."""
    from workflows.cli.batch_commands import RunManifest
    from workflows.cli.compose import read_credentials
    from workflows.cli.driving import drive
    from workflows.cli.options import Driving
    from workflows.onboarding.manifest import check_and_spool

    driving: Any = Driving(
        store=options.store, credentials=options.credentials, debug=options.debug, only=list(names), yes=True, json=json
    )
    with check_and_spool(file, None) as spool:
        command = RunManifest(
            options=driving,
            credentials=read_credentials(options.credentials),
            stop_at=lambda _failed: False,
            again=driving.headway("run", file),
            manifest=file,
            spool=spool,
        )
        return run_async(drive, command)
