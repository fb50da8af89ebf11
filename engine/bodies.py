"""Whether an object is what was asked for, now or at some time; one that bears our marker and is not is for a person to
see (rule 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import orjson

from engine import codec, labels
from engine.active import Active
from engine.model import Failure, Receipt, replace
from engine.resource import Adopt, Difference, Hit, View
from engine.work import Work

OTHERWISE = (
    "if it was made with other inputs, put those back in the manifest and headway run FILE --only state:in_doubt, "
    "then the new ones, and headway run FILE"
)
"""What brings a batch to its end that was half changed when its journal was lost: the other half is left alone."""


async def check_body(work: Work, view: View) -> str:
    """Returns the print of what a hit is. It must be what was asked for: now, by the open intent, or under inputs that
    the run had before. Raises `StepFailed` otherwise: a conflict, shown field by field."""
    run, name = work.run, work.name
    if labels.source_of(run.state, name, view.name, unique=work.resource.unique) is None:
        await run.accuse(
            name,
            Failure(
                kind="conflict",
                message=f"{view.id} has our title but is called {view.name!r}: another kind of object",
                hint="rename or delete it, then run again",
            ),
        )
    print_of, differing = compared(work, view)
    return print_of if print_of is not None else await _accuse_of_differing(work, view, differing)


async def check_rivals(work: Work) -> None:
    """Ask a person about the first rival, if there is one. Raises `StepFailed` then."""
    run, name = work.run, work.name
    async for hit in rivals(run, name):
        answer = f"headway resume --resolve {run.state.source} {name}"
        await run.accuse(
            name,
            Failure(
                kind="conflict",
                message=f"{hit.id} has what this one needs for itself, but is called {hit.name!r}: "
                "a second one would do the same again",
                hint=f"call it {run.names(name)[-1]!r} again or delete it, then run again; or "
                f"{answer} adopt={hit.id}; or, if it is another's and is to stay beside ours, {answer} recreate",
            ),
        )


async def rivals(run: Active, name: str) -> AsyncIterator[Hit]:
    """Objects that may be the run's own under another name. What somebody renamed does not bear our marker any more;
    where the journal is lost, only what it stands on tells of it. What stands on nothing that the run made is not the
    run's."""
    resource = run.resource(name)
    if not run.suspect or not hasattr(resource, "rivals"):
        return
    for hit in await run.ask(name, lambda: resource.rivals(run.spec(name))):
        if hit.id in run.step(name).tombstones:
            continue
        view = await run.ask(name, lambda: resource.read(hit.id))  # noqa: B023 - awaited at once
        if view is not None and _on_ours(run, name, view):  # a list may still show what is gone
            yield hit


def _on_ours(run: Active, name: str, view: View) -> bool:
    """Whether an object refers to something that the run made, and not only to what it adopts, or shares."""
    said = orjson.dumps(view.content).decode()
    made = [need for need in run.plan.steps[name].needs if run.owns(need) and run.made_by_us(need)]
    return any(run.receipts[need].id in said for need in made)


def compared(work: Work, view: View) -> tuple[str | None, Sequence[Difference]]:
    """The print of what a hit is; None: it is nothing that was ever asked for, but differs in these fields."""
    run, name, step, resource = work.run, work.name, work.step, work.resource
    source = labels.source_of(run.state, name, view.name, unique=resource.unique) or run.state.source
    differing = _differing(run, name, work.spec, view)
    if not differing:
        return run.printed(name, source=source), ()
    if step.attempts and step.body and not resource.differences(orjson.loads(step.body), view):
        return step.spec or "", ()
    return print_found(run, name, view, source), differing


def _differing(run: Active, name: str, spec: Any, view: View) -> Sequence[Difference]:
    """In which fields an object is not what this spec asks for."""
    resource = run.resource(name)
    label = labels.label(run.state, name, "compare", unique=resource.unique, sentinel_of=None)
    found: Sequence[Difference] = resource.differences(
        codec.plain(resource.body(spec, label, run.session.clock.wall())), view
    )
    return found


def print_found(run: Active, name: str, view: View, source: str) -> str | None:
    """The print of what an object is, if the run asked for that at some time."""
    for inputs in (run.inputs, *map(run.workflow.decode, reversed(run.earlier_inputs))):
        for receipts in _receipts_before(run, name):
            spec = run.workflow.spec(run.workflow.steps[name], inputs, receipts)
            if not isinstance(spec, Adopt) and not _differing(run, name, spec, view):
                return run.printed(name, source=source, inputs=inputs, receipts=receipts)
    return None


def _receipts_before(run: Active, name: str) -> Iterator[Mapping[str, Receipt]]:
    """What the step may refer to: what there is, or what that has superseded."""
    yield run.receipts
    for need in run.workflow.steps[name].needs:
        if need in run.receipts and getattr(run.resource(need), "superseding", False):
            for id in run.step(need).tombstones:
                yield {**run.receipts, need: replace(run.receipts[need], id=id)}


async def _accuse_of_differing(work: Work, view: View, differing: Sequence[Difference]) -> NoReturn:
    shown = "; ".join(_shown(d) for d in differing[:5])
    await work.run.accuse(
        work.name,
        Failure(
            kind="conflict",
            message=f"{view.id} bears our marker, but differs: {shown}",
            hint=f"{OTHERWISE}; if somebody changed it by hand, change it back and run again; or resolve it: "
            f"headway resume --resolve {work.run.state.source} {work.name} adopt={view.id}, "
            f"or delete {view.id} by hand and answer recreate",
        ),
    )


def _shown(difference: Difference) -> str:
    wanted, found = (orjson.dumps(v).decode()[:80] for v in (difference.wanted, difference.found))
    return f"{difference.path}: wanted {wanted}, found {found}"
