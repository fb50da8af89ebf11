"""Resolving a doubt by evidence, never by time alone (rules 4 and 5): look, take what is proven ours, confirm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import orjson

from engine import labels, machine
from engine.active import Active
from engine.bodies import check_body, check_rivals, compared, print_found
from engine.machine import Sighting, Verdict
from engine.model import Failure, Origin, StepState, replace
from engine.resource import SWITCH, Hit, View
from engine.retry import pause_between_looks
from engine.session import Witness
from engine.work import Work

AHEAD = 8
"""How many generations beyond the known one are looked for where no sentinel tells which there are."""


async def look(work: Work, *, doubted: bool) -> tuple[Verdict, View | None]:
    """Ask the other side once for every object that bears one of the step's names, and judge what it shows.

    Raises `StepFailed` when a hit bears our marker and another body: that is for a person to see (rule 5).
    """
    run, name, step, resource = work.run, work.name, work.step, work.resource
    session, timing, clock = run.session, run.session.timing, run.session.clock
    since = run.last_possible_send(name) if doubted else run.taken_over + timing.send_window
    asked = clock.boot()
    witness = session.witness(resource.kind, since + timing.gateway)
    back = min((a.at for a in step.attempts), default=None) if not run.suspect else None
    hits = await _find(run, name, witness, back)
    names = run.names(name)
    views = await _read_hits(run, name, [hit for hit in hits if hit.name in names and hit.id not in step.tombstones])
    live, gone = [view for view in views if view is not None], None in views
    fresh = witness is not None and any(hit.id == witness.id for hit in hits)
    sighting = Sighting(
        live=sorted(live, key=lambda view: view.created),
        gone=gone,
        witness=witness is not None
        and (fresh or not resource.superseding),  # for what does no harm nobody waits longer
        fresh=fresh,
        asked=asked,
        due=since + timing.settle,
    )
    if resource.superseding and live:
        sighting = await _of_this_life(work, _newest(run, name, sighting))
    verdict = machine.judge(sighting, doubted=doubted)
    run.note(name, "looked", hits=len(live), verdict=verdict.value, fresh=_freshness(sighting))
    session.tell("step_looked", run.state, name, hits=len(live), verdict=verdict.value)
    if verdict is not Verdict.FOUND:
        if verdict is not Verdict.WAIT:
            await check_rivals(work)
        return verdict, None
    for view in sighting.live:
        await check_body(work, view)
    return verdict, await _choose(run, name, sighting.live)


async def _find(run: Active, name: str, witness: Witness | None, back: float | None) -> list[Hit]:
    """Everything listed under one of the step's names, and the witness.

    Where no sentinel tells the generation, or told it, what is found does: the next ones are looked for, too, in the
    same query; of objects that supersede each other one after the other, as each name may be a query of its own."""
    resource = run.resource(name)
    telling = not resource.unique and (run.untold or run.outlives(name))
    ahead = 0 if not telling else 1 if resource.superseding else AHEAD
    first, last, hits = 0, run.state.generation + (0 if resource.superseding else ahead), list[Hit]()
    while True:
        asked = replace(run.state, generation=last)
        names = labels.names(asked, name, unique=resource.unique, since=first)
        wanted = (*names, witness.name) if witness and witness.name not in names else names
        hits += await run.ask(name, lambda: resource.find(wanted, back))  # noqa: B023 - awaited at once
        newest = max((labels.generation_of(asked, name, hit.name) for hit in hits), default=-1)
        if telling and newest > run.state.generation:
            run.note(name, "another generation", generation=newest)
            await run.write(generation=newest)
        if not telling or newest < last:
            return hits
        first, last = last + 1, last + ahead


def _newest(run: Active, name: str, seen: Sighting) -> Sighting:
    """Of objects that supersede each other the one of the highest generation counts; the others are never taken. As
    long as one of a higher generation may still show up, this one is not the last word."""
    generation = {view.id: labels.generation_of(run.state, name, view.name) for view in seen.live}
    newest = max(generation.values())
    older = [view.id for view in seen.live if generation[view.id] < newest]
    step = run.step(name)
    run.steps[name] = replace(step, tombstones=tuple(dict.fromkeys((*step.tombstones, *older))))
    return replace(
        seen,
        live=[view for view in seen.live if generation[view.id] == newest],
        gone=seen.gone or (run.state.suspect and newest < run.state.generation),
    )


async def _of_this_life(work: Work, seen: Sighting) -> Sighting:
    """What cannot be deleted outlives its run with its name. So one that is not what was asked for, and of none of our
    open attempts, is left where it is; of the others, the one counts that a dependent refers to, else the newest.
    Where none is, the next one gets a name of the next generation, which none of them has."""
    run, name, tags = work.run, work.name, {attempt.tag for attempt in work.step.attempts}
    mine = [view for view in seen.live if labels.parse(view.note).attempt in tags]
    fitting = [view for view in seen.live if view in mine or compared(work, view)[0] is not None]
    if len(fitting) > 1:
        fitting = await _used(run, name, fitting) or fitting[-1:]
    left = [view.id for view in seen.live if view not in fitting]
    if left:
        _leave(run, name, left, "of an earlier life")
    if not fitting:
        newest = max(labels.generation_of(run.state, name, view.name) for view in seen.live)
        run.lease_seen = float("-inf")
        await run.write(generation=max(run.state.generation, newest + 1))
    return replace(seen, live=fitting)


def _leave(run: Active, name: str, ids: Sequence[str], why: str) -> None:
    """Objects that cannot be deleted stay where they are, and are told; they are never taken."""
    run.note(name, why, ids=ids)
    for id in ids:
        run.session.tell("step_left", run.state, name, id=id, kept=False)
    step = run.step(name)
    run.steps[name] = replace(step, tombstones=tuple(dict.fromkeys((*step.tombstones, *ids))))


async def _used(run: Active, name: str, views: Sequence[View]) -> list[View]:
    """Those of the objects to which a live dependent refers."""
    text = ""
    for other in run.plan.following[name]:
        resource, names = run.resource(other), run.names(other)
        if run.owns(other) and name in run.plan.steps[other].needs and hasattr(resource, "find"):
            hits = await run.ask(other, lambda: resource.find(names, None))  # noqa: B023 - awaited at once
            found = await _read_hits(run, other, [hit for hit in hits if hit.name in names])
            text += " ".join(orjson.dumps(view.content).decode() for view in found if view is not None)
    return [view for view in views if view.id in text]


async def _read_hits(run: Active, name: str, hits: Sequence[Hit]) -> list[View | None]:
    """What the hits are now, each object once; a list may show what is gone, and one that moves while it is read shows
    an object on two pages."""
    resource = run.resource(name)

    def reading(id: str) -> Callable[[], Awaitable[View | None]]:
        return lambda: resource.read(id)

    return [await run.ask(name, reading(id)) for id in dict.fromkeys(hit.id for hit in hits)]


def _freshness(seen: Sighting) -> str:
    if not seen.witness:
        return "no younger object of ours to judge by"
    return "shows a younger object of ours" if seen.fresh else "does not show our younger object yet"


async def _choose(run: Active, name: str, live: Sequence[View]) -> View:
    """Several hits: the oldest is used, the others are reported, nothing is deleted (rule 5)."""
    if len(live) > 1 and not run.state.shared:
        ids = ", ".join(view.id for view in live)
        await run.accuse(
            name,
            Failure(
                kind="twins",
                message=f"the platform has {len(live)} objects with this marker: {ids}",
                hint="decide which to keep, delete the other by hand, then run again; or "
                f"headway resume --resolve {run.state.source} {name} adopt=ID",
            ),
        )
    if len(live) > 1:
        run.note(name, "twins", ids=[view.id for view in live])
        run.session.tell("step_twins", run.state, name, ids=[view.id for view in live])
    return live[0]


async def believe(run: Active) -> None:
    """What a replaced journal says of its objects are claims, too: another one may have changed them (rule 7).
    Raises `StepFailed` for what this process has taken though it is not what was asked for (rule 5)."""
    for name, step in list(run.steps.items()):
        if not run.owns(name) or run.plan.steps[name].reads_only or step.receipt is None:
            continue
        if step.receipt.origin is Origin.ADOPTED:
            continue
        view = (await _read_hits(run, name, [Hit(id=step.receipt.id, name="")]))[0]
        if view is None:
            continue
        source = labels.source_of(run.state, name, view.name, unique=run.resource(name).unique)
        if source is None:
            continue
        print_of = print_found(run, name, view, source)
        if print_of is None and name in run.taken:  # by a read that was stale
            work = Work(run=run, name=name, spec=run.spec(name), resource=run.resource(name), finish=run.write)
            await check_body(work, view)
        elif print_of is not None and print_of != step.spec:
            await run.write(replace(step, spec=print_of))


async def take(work: Work, view: View) -> None:
    """Take a hit as the step's receipt; an object of an attempt that this journal does not remember, or a
    sentinel that names another journal, makes the run suspect (rule 7)."""
    run, name, journal = work.run, work.name, work.run.session.journal.name
    note, tags = labels.parse(view.note), [attempt.tag for attempt in work.step.attempts]
    if name != run.plan.sentinel and note.generation > run.state.generation:
        # it was the sentinel under other inputs, and knows more than today's, also if it is not what was asked for
        run.note(name, "another generation", generation=note.generation)
        run.lease_seen = float("-inf")
        await run.write(generation=note.generation)
    print_of = await check_body(work, view)
    tag = note.attempt
    if work.resource.superseding and tags and not tag:
        tag = tags[-1]  # the other side does not show which attempt made it; one more of them would do no harm
    state = machine.take(work.step, view, tag, run.session.clock.wall(), unique=run.unique(name))
    generation = work.step.generation if work.resource.unique else labels.generation_of(run.state, name, view.name)
    state = replace(state, spec=print_of, generation=generation)
    if tag not in tags and SWITCH in view.data:  # whoever made it may have switched it, too
        state = replace(state, off=not view.data[SWITCH])
    if state.receipt and hasattr(
        work.resource, "sealed"
    ):  # what was sent nobody knows: from now on a change is noticed
        data = {**state.receipt.data, **await work.resource.sealed(work.spec)}
        state = replace(state, receipt=replace(state.receipt, data=data))
    run.taken.add(name)
    run.note(name, "recovered", id=view.id, created=view.created)
    run.session.tell("step_recovered", run.state, name, id=view.id)
    sentinel = name == run.plan.sentinel
    forgotten = tag not in tags or (name in run.plan.guards and note.journal not in ("", journal))
    if sentinel and note.journal != journal:
        run.lease_seen = float("-inf")  # another may have been leased until now; one of other inputs names nobody yet
    if forgotten and not run.state.shared and (sentinel or not run.state.suspect):
        run.note(name, "another journal", journal=note.journal, generation=note.generation)
        run.session.tell("run_suspect", run.state, name, journal=note.journal)
        run.session.another_journal = True
        await run.write(state, suspect=True, generation=max(run.state.generation, note.generation))
    else:
        await work.finish(state)


async def confirm(run: Active, name: str) -> None:
    """Sent again without proof: look until our own object is listed, or it is clear that nothing else will be (rule 4).

    Raises `StepFailed` for twins, or when the evidence does not come.
    """
    session, resource, looks, waited = run.session, run.resource(name), 0, 0.0
    while (receipt := run.step(name).receipt) is not None and not receipt.confirmed:
        step, asked = run.step(name), session.clock.boot()
        names = run.names(name)
        if resource.superseding:
            names = tuple(n for n in names if labels.generation_of(run.state, name, n) == step.generation)
        due = run.last_possible_send(name) + session.timing.settle
        witness = session.witness(resource.kind, run.last_possible_send(name) + session.timing.gateway)
        wanted = (*names, witness.name) if witness and witness.name not in names else names
        back = min((a.at for a in step.attempts), default=None)
        hits = await run.ask(name, lambda: resource.find(wanted, back))  # noqa: B023 - awaited at once
        listed = {hit.id for hit in hits}
        kept = {receipt.id, *step.tombstones}
        others = await _read_hits(run, name, [hit for hit in hits if hit.name in names and hit.id not in kept])
        twins = [view.id for view in others if view is not None]
        if twins and resource.superseding:  # nobody can delete them, and they do no harm
            _leave(run, name, twins, "twins")
        elif twins:
            await run.accuse(
                name,
                Failure(
                    kind="twins",
                    message=f"sent again without proof, and both exist: {receipt.id}, {', '.join(twins)}",
                    hint=f"delete the one that you do not need, then run again; {receipt.id} is the one in use",
                ),
            )
        step = run.step(name)
        if _sure(receipt.origin, step, listed, receipt.id, witness, settled=asked >= due):
            run.note(name, "confirmed", id=receipt.id)
            await run.write(machine.confirmed(step, session.clock.wall()))
            return
        if asked >= due and (resource.superseding or (run.state.shared and receipt.id in listed)):
            run.note(name, "unproven", id=receipt.id)  # a second one would be reported when it shows up (rule 7)
            await run.write(machine.confirmed(step, session.clock.wall()))
            return
        if waited > session.timing.patience or (
            receipt.origin is Origin.RECOVERED and asked >= due and witness is None
        ):
            await run.accuse(
                name,
                Failure(
                    kind="in_doubt",
                    message=f"sent more than once, only {receipt.id} is seen, and no younger object "
                    "of ours shows that the list is complete",
                    hint="run again later, or look in the platform's own interface for a second one",
                ),
            )
        pause = session.rng.uniform(0.5, 1.0) * pause_between_looks(looks)
        await run.sleep(pause)
        looks, waited = looks + 1, waited + pause


def _sure(
    origin: Origin, step: StepState, listed: set[str], id: str, witness: Witness | None, *, settled: bool
) -> bool:
    """Our own new object is listed; for a recovered one with a later attempt open, settle and a witness, as ever."""
    if origin is Origin.RECOVERED and step.attempts:
        return settled and witness is not None and witness.id in listed
    return id in listed
