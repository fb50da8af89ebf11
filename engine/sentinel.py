"""The sentinel: a run's uniquely titled schema, whose note is a lease (rule 7).

No effect leaves when the sentinel was last seen to name this journal more than `lease` ago. A sentinel that names
another journal makes the run suspect; it is taken over by a conditional change of the note, and then everything may be
in doubt until the other journal's last request can have settled.
"""

from __future__ import annotations

from collections.abc import Iterable

import anyio

from engine import labels, upkeep
from engine.active import Active
from engine.errors import Answer
from engine.evidence import learn_generation
from engine.model import Failure, Receipt, replace
from engine.resource import View

OVERTAKEN = (
    "go on with that journal (--store), as this one has lost the run; if it is gone, rebuild it: "
    "headway recover FILE --store NEW, then headway run FILE --store NEW"
)


def leased(run: Active, name: str) -> bool:
    """Whether the sentinel lets an effect of this step leave. Effects of the sentinel itself always may, and so may all
    others while the run has none. Where one was met that names another journal, and is still to be signed, the steps
    that go first may still be made: their titles guard them."""
    if run.session.clock.boot() - run.lease_seen <= run.session.timing.lease:
        return True
    if name == run.plan.sentinel or run.holder in (None, name):
        return True
    met = run.state.suspect and run.holder not in run.named_since
    return met and name in run.plan.first and run.step(name).receipt is None


def others_fresh(run: Active, sent: float) -> bool:
    """Whether the sentinel, for which the request left at `sent` (boot clock), came soon enough after the other guards.
    By one that was made earlier another journal, of other inputs, may hold the run by now."""
    others = filter(run.made_by_us, run.plan.guards[1:])
    return all(run.guard_sent.get(name, float("-inf")) >= sent - run.session.timing.lease for name in others)


async def lease(run: Active, name: str) -> None:
    """Look at the sentinel when the last look is too old. Raises `StepFailed` when it is gone or names another."""
    while not leased(run, name):
        if run.state.suspect:
            await _hold_others(run)  # another journal may have made one of them since
        elif run.lease_seen < 0:
            await _watch_others(run)
        sentinel = run.holder or ""
        view, asked = await look_at(run, sentinel)
        if view is None:
            await run.fail(
                name,
                Failure(
                    kind="sentinel_gone",
                    message=f"the run's {sentinel.replace('_', ' ')} no longer exists on the platform",
                    hint="somebody deleted it; run again to make it anew",
                ),
            )
        note = labels.parse(view.note)
        ours = note.journal == run.session.journal.name
        if not ours and (note.journal or not await _names_us(run, run.earlier_sentinels)):
            await overtaken(run, name, sentinel, view)
        elif not ours or note.generation < run.state.generation:  # what was found told of a later one
            await sign(run, sentinel, view, run.state.generation)
        else:
            run.lease_seen, run.told_generation = asked, note.generation
            await keep_up(run, sentinel, view)


async def look_at(run: Active, name: str) -> tuple[View | None, float]:
    """Read a step's object, twice if the first read, which may be stale, says that it is gone; and when the request
    left (boot clock). Its wait in a queue does not count: at the end of a long one every look would be too old, for
    ever."""
    receipt, resource = run.step(name).receipt, run.resource(name)
    if receipt is None:
        raise ValueError(f"step {name} has nothing to look at")
    asked = run.session.clock.boot()
    view: View | None = await run.ask(name, lambda: resource.read(receipt.id))
    if view is None:
        await run.sleep(run.session.timing.read_lag)
        asked = run.session.clock.boot()
        view = await run.ask(name, lambda: resource.read(receipt.id))
    return view, asked if view is None or view.left is None else view.left


async def overtaken(run: Active, name: str, guard: str, view: View) -> None:
    """Stop at step `name`, as another journal holds the run by what was seen of `guard`; or, where none is named, as
    somebody removed the name by hand. Raises `StepFailed`, unless a second look shows that the first was older than our
    own signing."""
    await run.sleep(run.session.timing.read_lag)
    resource = run.resource(guard)
    again: View | None = await run.ask(guard, lambda: resource.read(view.id))
    journal = labels.parse((again or view).note).journal
    if journal == run.session.journal.name:
        return
    if not journal:
        message = f"somebody changed the description of {view.id}, which tells whose it is"
        await run.fail(name, Failure(kind="unsigned", message=message, hint="run again: it is signed anew"))
    message = f"another journal ({journal}) has taken this run over"
    await run.fail(name, Failure(kind="overtaken", message=message, hint=OVERTAKEN))


async def hold(run: Active) -> None:
    """Make sure that the sentinel, once it was made, names this journal and tells the run's generation, before anything
    of that generation is made (rule 2); `run.named_since` knows it then.

    A sentinel that is gone loses its receipt, so that it is made anew. Raises `StepFailed` when another journal holds
    the run.
    """
    if _held(run):
        return
    if run.state.suspect:
        await _hold_others(run)
    journal, handed_over = (
        run.session.journal.name,
        not run.state.suspect and await _names_us(run, run.earlier_sentinels),
    )
    if run.holder is None:
        await _watch_others(run)
    while (sentinel := run.holder) is not None and not _held(run):
        view, asked = await look_at(run, sentinel)
        if view is None:
            await _watch_others(run)  # perhaps it is gone since the target moved in another journal
            run.note(sentinel, "gone")
            await run.write(upkeep.lost(run.step(sentinel)))
            return
        note = labels.parse(view.note)
        if note.journal == journal and note.generation >= run.state.generation:
            run.lease_seen, run.told_generation = asked, note.generation
            run.named_since.setdefault(sentinel, asked)
            await keep_up(run, sentinel, view)
            return
        if not (note.journal or handed_over or run.state.suspect):  # a hand removed the name, and nobody knows which
            run.note(sentinel, "unsigned")
            run.named_since.clear()
            await run.write(suspect=True)
        free = sentinel not in run.named_since if run.state.suspect else handed_over and not note.journal
        if note.journal != journal and not free:
            await overtaken(run, sentinel, sentinel, view)
            continue
        await sign(run, sentinel, view, max(run.state.generation, note.generation))


def _held(run: Active) -> bool:
    return not run.state.suspect and leased(run, "") and run.told_generation >= run.state.generation


async def _watch_others(run: Active) -> None:
    """Stop where another journal, of other inputs, holds the run by a guard other than the sentinel. Raises
    `StepFailed`."""
    await _names_us(run, run.plan.guards[1:])


async def _names_us(run: Active, names: Iterable[str]) -> bool:
    """Whether one of these steps, which would be the sentinel under other inputs, names this journal: then today's
    sentinel names none only because it was not signed yet. Raises `StepFailed` when one names another journal."""
    for name in filter(run.made_by_us, names):
        view, _ = await look_at(run, name)
        journal = labels.parse(view.note).journal if view else ""
        if view and journal and journal != run.session.journal.name:
            await overtaken(run, name, name, view)
        if journal:
            return True
    return False


async def _hold_others(run: Active) -> None:
    """Sign also what would be the sentinel under other inputs: a journal that has those inputs may hold the run by it.
    One that named no journal gives nothing to wait for."""
    journal = run.session.journal.name
    for name in run.workflow.sentinels:
        another = False
        while name != run.holder:
            view, asked = await _other(run, name)
            if view is None:
                break
            note = labels.parse(view.note)
            if note.journal == journal:
                run.named_since.setdefault(name, asked if another else run.taken_over)
                await keep_up(run, name, view)
                break
            if note.journal and name in run.named_since:
                await overtaken(run, name, name, view)
                continue
            another |= bool(note.journal)
            await sign(run, name, view, max(run.state.generation, note.generation))


async def _other(run: Active, name: str) -> tuple[View | None, float]:
    """What may be the sentinel under other inputs, and when it was looked for (boot clock). Inputs that were lost with
    a journal may have made what the run shares or adopts now: that is searched for by its title, left behind, and told.
    Another journal may have made what the run is still to make: whatever is finished before that must know of it.
    """
    if run.made_by_us(name):
        return await look_at(run, name)
    sentinels, resource, asked = run.workflow.sentinels, run.resource(name), run.session.clock.boot()
    sentinel, own = run.plan.sentinel, name in run.plan.guards
    if sentinel and not own and sentinels.index(name) > sentinels.index(sentinel):
        return None, asked  # who made it made what is the sentinel today, too
    for hit in await run.ask(name, lambda: resource.find(run.names(name), None)):
        view: View | None = await run.ask(name, lambda: resource.read(hit.id))  # noqa: B023 - awaited at once
        if view is not None and view.id not in run.step(name).tombstones:
            if not own and name not in run.left_behind:
                run.left_behind.add(name)
                run.note(name, "left", id=view.id)
                run.session.tell("step_left", run.state, name, id=view.id, kept=True)
            return view, asked
    return None, asked


async def keep_up(run: Active, name: str, view: View) -> None:
    """Keep the receipt's etag and version what the platform says: the answer to a signing may have been lost. What is
    known gives way only to what is still there after `read_lag`: one read may be older than our last change."""
    told: View | None = view
    if _outdated(run, name, view) and (receipt := run.step(name).receipt) and receipt.etag is not None:
        await run.sleep(run.session.timing.read_lag)
        told, _ = await look_at(run, name)
    step = run.step(name)
    if told and step.receipt and _outdated(run, name, told):
        await run.write(replace(step, receipt=replace(step.receipt, etag=told.etag, version=told.version)))


def _outdated(run: Active, name: str, view: View) -> bool:
    """Whether the receipt of what was seen says something else."""
    receipt = run.step(name).receipt
    said = (view.etag, view.version)
    return receipt is not None and receipt.id == view.id and (receipt.etag, receipt.version) != said


async def sign(run: Active, sentinel: str, view: View, generation: int) -> None:
    """Write this journal and the generation into the sentinel, on condition that it is unchanged.

    The change is an effect: its intent goes first. Whatever the answer, the caller looks again.
    """
    session, resource = run.session, run.resource(sentinel)
    await session.gate.enter(resource.family, run.turn(sentinel))
    try:
        while True:
            started = session.clock.boot()
            run.note(sentinel, "intent", verb="sign", journal=session.journal.name, generation=generation)
            await run.write(generation=generation, begun_by=run.state.begun_by or run.state.owner)
            send_within = session.timing.send_window - (session.clock.boot() - started)
            if send_within > 0:
                break
        note = labels.signed(view.note, session.journal.name, generation)
        with run.stopping.sending():
            await _signed(run, sentinel, view, note=note, send_within=send_within)
    finally:
        session.gate.leave(resource.family)
    await anyio.sleep(min(1.0, session.timing.read_lag))


async def _signed(run: Active, sentinel: str, view: View, *, note: str, send_within: float) -> None:
    try:
        receipt: Receipt = await run.resource(sentinel).sign(view, note, send_within)
    except Answer as answer:
        run.note(sentinel, answer.kind, verb="sign", **answer.failure.details)
        return
    run.note(sentinel, "signed", journal=run.session.journal.name)
    step = run.step(sentinel)
    if step.receipt and step.receipt.id == view.id:
        await run.write(replace(step, receipt=replace(step.receipt, etag=receipt.etag, version=receipt.version)))


async def verify(run: Active, name: str) -> None:
    """A replaced journal's receipts are claims: believe the platform (rule 7). What is gone is made anew."""
    step, resource = run.step(name), run.resource(name)
    if step.receipt is None or not hasattr(resource, "read"):
        return
    if resource.superseding:
        if run.unguarded:
            await learn_generation(run, name)
        if step.generation < run.state.generation or _on_nothing(run, name):
            await run.write(upkeep.lost(step))  # it stays there when it is superseded: only names tell whether it was
            return
    view, _ = await look_at(run, name)
    if view is None:
        run.note(name, "gone", id=step.receipt.id)
        await run.write(upkeep.lost(step))
    else:
        await keep_up(run, name, view)
        if (known := upkeep.believed(run.step(name), view)) is not run.step(name):
            await run.write(known)


def _on_nothing(run: Active, name: str) -> bool:
    """Whether what a step's object stands on is gone: nothing forbids to delete that under one that only refers."""
    return any(need not in run.receipts for need in run.plan.steps[name].needs if run.owns(need))
