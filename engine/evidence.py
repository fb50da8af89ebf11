"""Resolving a doubt by evidence, never by time alone (rules 4 and 5): look, and take what is proven ours.

`confirm` goes on from here where a request was sent again without proof.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import orjson

from engine import labels, machine
from engine.active import Active
from engine.bodies import check_body, check_rivals, compared, print_found
from engine.machine import Sighting, Verdict
from engine.model import Failure, StepState, replace
from engine.resource import SWITCH, Hit, View
from engine.retry import pause_between_looks
from engine.session import Witness
from engine.work import Work

CLOCKS_APART = 0.01
"""Seconds by which a sleep may end early by the clock that evidence goes by."""
AHEAD = 8
"""How many generations beyond the run's own are searched for where no sentinel tells which one is the latest."""


async def look(work: Work, *, doubted: bool) -> tuple[Verdict, View | None]:
    """Ask the other side once for every object that bears one of the step's names, and judge what it shows. The view is
    of the object to take, if there is one. `doubted`: an earlier request may have had an effect.

    Raises `StepFailed` when a hit bears our marker and another body: that is for a person to see (rule 5).
    """
    run, name = work.run, work.name
    sighting = await _see(work, doubted=doubted)
    shown = len(sighting.live)
    if work.resource.superseding and shown:
        sighting = await _of_this_life(work, _newest(run, name, sighting))
    verdict = machine.judge(sighting, doubted=doubted)
    run.note(name, "looked", hits=shown, verdict=verdict.value, fresh=_freshness(sighting))
    run.session.tell("step_looked", run.state, name, hits=shown, verdict=verdict.value)
    if verdict is not Verdict.FOUND:
        if verdict is not Verdict.WAIT:
            await check_rivals(work)
        return verdict, None
    for view in sighting.live:
        await check_body(work, view)
    return verdict, await _choose(run, name, sighting.live)


def stranger(run: Active, name: str) -> bool:
    """Whether another process may have sent the step without this journal's knowing, so that one look is due: it is on
    the frontier of a run that another process began, or that has no sentinel (rule 7). What refers to something that
    this process made for the first time cannot exist yet; what was made anew may have old dependents."""
    if outlives(run, name):
        return True
    begun_here = run.state.begun_by in (None, run.session.journal.process)
    if begun_here and run.plan.sentinel is not None and not run.state.shared:
        return False
    needs = run.workflow.steps[name].needs
    return not any(need in run.made and not run.step(need).tombstones for need in needs)


def outlives(run: Active, name: str) -> bool:
    """Whether destroying the run leaves the step's object behind, for its data, and with it nothing that has a title of
    the run's own: then no sentinel tells that it is there."""
    if not getattr(run.resource(name), "holds_data", False):
        return False
    needs = run.workflow.steps[name].needs
    return not any(run.owns(need) and getattr(run.resource(need), "unique", False) for need in needs)


async def wait_to_look(run: Active, name: str, looks: int) -> float:
    """Wait after so many looks, longer each time, but not beyond the end of settle: from then on a look can tell.
    Returns the seconds."""
    session = run.session
    pause = session.rng.uniform(0.5, 1.0) * pause_between_looks(looks)
    unsettled = run.last_possible_send(name) + session.timing.settle - session.clock.boot()
    if 0 < unsettled < pause:
        pause = unsettled + CLOCKS_APART
    await run.sleep(pause)
    return pause


async def _see(work: Work, *, doubted: bool) -> Sighting:
    """Search for the step's names and for a witness in one query, and read every hit that may be taken."""
    run, name, step, resource = work.run, work.name, work.step, work.resource
    session, timing, clock = run.session, run.session.timing, run.session.clock
    since = run.last_possible_send(name) if doubted else run.taken_over + timing.send_window
    asked = clock.boot()
    witness = session.witness(resource.kind, since + timing.gateway)
    back = min((a.at for a in step.attempts), default=None) if not run.suspect else None
    hits = await _find(run, name, witness, back)
    names = run.names(name)
    views = await read_hits(run, name, [hit for hit in hits if hit.name in names and hit.id not in step.tombstones])
    fresh = witness is not None and any(hit.id == witness.id for hit in hits)
    return Sighting(
        live=sorted((view for view in views if view is not None), key=lambda view: view.created),
        gone=None in views,
        # A second object of a superseding kind does no harm: nobody waits for a list that does not show the witness.
        witness=witness is not None and (fresh or not resource.superseding),
        fresh=fresh,
        asked=asked,
        due=since + timing.settle,
    )


async def _find(run: Active, name: str, witness: Witness | None, back: float | None) -> list[Hit]:
    """Everything listed under one of the step's names, and the witness. `back`: how far back the list must be read
    (epoch seconds, None: all of it).

    Where no sentinel tells the latest generation, or did when it was raised, the objects tell it: names of the next
    generations are searched for in the same query. Where objects supersede each other, they are searched for one after
    the other, since each name may cost a query of its own.
    """
    resource = run.resource(name)
    telling = not resource.unique and (run.untold or outlives(run, name))
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


async def learn_generation(run: Active, name: str) -> None:
    """Learn from the names of a step's objects which generation is the latest, where no sentinel tells it."""
    await _find(run, name, None, None)


def _newest(run: Active, name: str, seen: Sighting) -> Sighting:
    """Of objects that supersede each other only those of the highest generation count; older ones are never taken. As
    long as one of a higher generation may still show up, the look proves nothing (`gone`)."""
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
    """An object that cannot be deleted outlives its run and keeps its name, so a hit may be of an earlier life of the
    run. Hits that are not what was asked for, and that none of our open attempts made, are left where they are. Of the
    others, the one counts that a dependent refers to, else the newest. If there are none, the run's generation is
    raised, so that the next object gets a name that none of these has."""
    run, name, tags = work.run, work.name, {attempt.tag for attempt in work.step.attempts}
    mine = [view for view in seen.live if labels.parse(view.note).attempt in tags]
    fitting = [view for view in seen.live if view in mine or compared(work, view)[0] is not None]
    if len(fitting) > 1:
        fitting = await _used(run, name, fitting) or fitting[-1:]
    left = [view.id for view in seen.live if view not in fitting]
    if left:
        leave(run, name, left, "of an earlier life")
    if not fitting:
        newest = max(labels.generation_of(run.state, name, view.name) for view in seen.live)
        run.lease_seen = float("-inf")
        await run.write(generation=max(run.state.generation, newest + 1))
    return replace(seen, live=fitting)


def leave(run: Active, name: str, ids: Sequence[str], why: str) -> None:
    """Report objects that cannot be deleted and stay where they are; they are never taken."""
    run.note(name, why, ids=ids)
    for id in ids:
        run.session.tell("step_left", run.state, name, id=id, kept=False)
    step = run.step(name)
    run.steps[name] = replace(step, tombstones=tuple(dict.fromkeys((*step.tombstones, *ids))))


async def _used(run: Active, name: str, views: Sequence[View]) -> list[View]:
    """Those of the objects that a live dependent refers to."""
    text = ""
    for other in run.plan.following[name]:
        resource, names = run.resource(other), run.names(other)
        if run.owns(other) and name in run.plan.steps[other].needs and hasattr(resource, "find"):
            hits = await run.ask(other, lambda: resource.find(names, None))  # noqa: B023 - awaited at once
            found = await read_hits(run, other, [hit for hit in hits if hit.name in names])
            text += " ".join(orjson.dumps(view.content).decode() for view in found if view is not None)
    return [view for view in views if view.id in text]


async def read_hits(run: Active, name: str, hits: Sequence[Hit]) -> list[View | None]:
    """The hits as they are now, None for what is gone. Each object once: a list that changes while it is read may show
    one on two pages."""
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
    """Correct what a replaced journal says its objects were asked for: another journal may have changed them (rule 7).

    Raises `StepFailed` for an object that this process took by a stale read, and that is not what was asked for (5).
    """
    for name, step in list(run.steps.items()):
        if not run.owns(name) or run.plan.steps[name].reads_only or not run.made_by_us(name) or step.receipt is None:
            continue
        view = (await read_hits(run, name, [Hit(id=step.receipt.id, name="")]))[0]
        if view is None:
            continue
        source = labels.source_of(run.state, name, view.name, unique=run.resource(name).unique)
        if source is None:
            continue
        print_of = print_found(run, name, view, source)
        if print_of is None and name in run.taken:
            work = Work(run=run, name=name, spec=run.spec(name), resource=run.resource(name), finish=run.write)
            await check_body(work, view)
        elif print_of is not None and print_of != step.spec:
            await run.write(replace(step, spec=print_of))


async def take(work: Work, view: View) -> None:
    """Take a hit as the step's receipt. The run becomes suspect when this journal does not remember the attempt that
    made the object, or when it is a sentinel that names another journal (rule 7). Raises `StepFailed` when the object
    is not what was asked for."""
    run, name, journal = work.run, work.name, work.run.session.journal.name
    note, tags = labels.parse(view.note), [attempt.tag for attempt in work.step.attempts]
    if name != run.plan.sentinel and note.generation > run.state.generation:
        # It was the sentinel under other inputs, and knows more than today's, even if it is not what was asked for.
        run.note(name, "another generation", generation=note.generation)
        run.lease_seen = float("-inf")
        await run.write(generation=note.generation)
    print_of = await check_body(work, view)
    tag = note.attempt
    if work.resource.superseding and tags and not tag:
        tag = tags[-1]  # the other side does not show which attempt made it; a second object would do no harm
    remembered = tag in tags
    state = await _taken(work, view, tag, print_of, remembered=remembered)
    run.taken.add(name)
    run.note(name, "recovered", id=view.id, created=view.created)
    run.session.tell("step_recovered", run.state, name, id=view.id)
    sentinel = name == run.plan.sentinel
    forgotten = not remembered or (name in run.plan.guards and note.journal not in ("", journal))
    if sentinel and note.journal != journal:
        run.lease_seen = float("-inf")  # another journal may have held the lease until now
    if forgotten and not run.state.shared and (sentinel or not run.state.suspect):
        run.note(name, "another journal", journal=note.journal, generation=note.generation)
        run.session.tell("run_suspect", run.state, name, journal=note.journal)
        run.session.another_journal = True
        await run.write(state, suspect=True, generation=max(run.state.generation, note.generation))
    else:
        await work.finish(state)


async def _taken(work: Work, view: View, tag: str, print_of: str, *, remembered: bool) -> StepState:
    """The step with this object as its own. Its switch and its secrets are taken as they are found, since nobody knows
    what another journal did or sent."""
    run, name, resource = work.run, work.name, work.resource
    state = machine.take(work.step, view, tag, run.session.clock.wall(), unique=run.unique(name))
    generation = work.step.generation if resource.unique else labels.generation_of(run.state, name, view.name)
    state = replace(state, spec=print_of, generation=generation)
    if not remembered and SWITCH in view.data:
        state = replace(state, off=not view.data[SWITCH])
    if state.receipt and hasattr(resource, "sealed"):  # from now on a change of the secrets is noticed
        data = {**state.receipt.data, **await resource.sealed(work.spec)}
        state = replace(state, receipt=replace(state.receipt, data=data))
    return state
