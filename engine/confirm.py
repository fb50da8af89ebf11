"""Looking after an object that was sent again without proof, until it is clear that it is the only one (rule 4).

`evidence` serves a step that has no receipt yet. Here the step has one, and another of its attempts may still show up
as a twin.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine import labels, machine
from engine.active import Active
from engine.evidence import leave, read_hits, wait_to_look
from engine.model import Failure, Origin, Receipt, StepState, value
from engine.session import Witness


@value
class _Look:
    """What one look showed: the ids that are `listed`, the live `twins` of the receipt's object, a younger object of
    ours to judge the list by, and whether the last possible send lay further back than settle."""

    listed: Collection[str]
    twins: Sequence[str]
    witness: Witness | None
    settled: bool


async def confirm(run: Active, name: str) -> None:
    """Look until our own object is listed, or until it is clear that nothing else will be, and confirm the receipt.

    Raises `StepFailed` for twins, or when the evidence does not come.
    """
    session, resource, looks, waited = run.session, run.resource(name), 0, 0.0
    while (receipt := run.step(name).receipt) is not None and not receipt.confirmed:
        seen = await _look(run, name, receipt)
        if seen.twins and resource.superseding:  # nobody can delete them, and they do no harm
            leave(run, name, seen.twins, "twins")
        elif seen.twins:
            await run.accuse(name, _twins(receipt, seen.twins))
        step = run.step(name)
        if _sure(step, receipt, seen):
            run.note(name, "confirmed", id=receipt.id)
            await run.write(machine.confirmed(step, session.clock.wall()))
            return
        if seen.settled and (resource.superseding or (run.state.shared and receipt.id in seen.listed)):
            run.note(name, "unproven", id=receipt.id)  # a second one would be reported when it shows up (rule 7)
            await run.write(machine.confirmed(step, session.clock.wall()))
            return
        hopeless = receipt.origin is Origin.RECOVERED and seen.settled and seen.witness is None
        if hopeless or waited > session.timing.patience:
            await run.accuse(name, _unproven(run, name, receipt))
        waited += await wait_to_look(run, name, looks)
        looks += 1


async def twins(run: Active, name: str) -> Sequence[str]:
    """The ids of other live objects that bear the marker of the one that the step has."""
    receipt = run.step(name).receipt
    return (await _look(run, name, receipt)).twins if receipt else ()


async def _look(run: Active, name: str, receipt: Receipt) -> _Look:
    """Search for the step's names and for a witness in one query."""
    session, resource, step, asked = run.session, run.resource(name), run.step(name), run.session.clock.boot()
    names, sent = run.names(name), run.last_possible_send(name)
    if resource.superseding:
        names = tuple(n for n in names if labels.generation_of(run.state, name, n) == step.generation)
    witness = session.witness(resource.kind, sent + session.timing.gateway)
    wanted = (*names, witness.name) if witness and witness.name not in names else names
    back = min((a.at for a in step.attempts), default=None)
    hits = await run.ask(name, lambda: resource.find(wanted, back))
    known = {receipt.id, *step.tombstones}
    others = await read_hits(run, name, [hit for hit in hits if hit.name in names and hit.id not in known])
    return _Look(
        listed={hit.id for hit in hits},
        twins=[view.id for view in others if view is not None],
        witness=witness,
        settled=asked >= sent + session.timing.settle,
    )


def _sure(step: StepState, receipt: Receipt, seen: _Look) -> bool:
    """Our own new object is listed. A recovered one with a later attempt open needs settle and a witness."""
    if receipt.origin is Origin.RECOVERED and step.attempts:
        return seen.settled and seen.witness is not None and seen.witness.id in seen.listed
    return receipt.id in seen.listed


def _twins(receipt: Receipt, twins: Sequence[str]) -> Failure:
    return Failure(
        kind="twins",
        message=f"sent again without proof, or by another journal, and both exist: {receipt.id}, {', '.join(twins)}",
        hint=f"delete the one that you do not need, then run again; {receipt.id} is the one in use",
    )


def _unproven(run: Active, name: str, receipt: Receipt) -> Failure:
    return Failure(
        kind="in_doubt",
        message=f"only {receipt.id} is seen, but another may have been made, as no younger object of ours shows that "
        "the list is complete",
        hint="run again later, or look in the platform's own interface for a second one: if there is none, "
        f"headway resume --resolve {run.state.source} {name} adopt={receipt.id}",
    )
