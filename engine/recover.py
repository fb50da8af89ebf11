"""Finding again what a lost journal knew, and a person's answer to a doubt."""

from __future__ import annotations

from engine import labels, machine, upkeep
from engine.active import Active, Shared, StepFailed
from engine.bodies import rivals
from engine.ensure import ensure
from engine.errors import Rejected
from engine.evidence import look, read_hits, take
from engine.machine import Verdict
from engine.model import Failure, Origin, Receipt, RunStatus, StepStatus, replace
from engine.resource import Adopt
from engine.retry import pause_between_looks
from engine.work import Finish, Work


async def recover(run: Active, shared: Shared) -> None:
    """Find the run's objects by their markers, the sentinel first, since it knows the generation. Creates nothing.

    What is found is taken, and the run marked suspect, so that running it takes it over and looks again (rule 7).
    """
    sentinel = run.plan.sentinel
    before = run.plan.before(sentinel) if sentinel else set()
    order = sorted(run.plan.steps, key=lambda name: (name not in before, name != sentinel))
    for name in order:
        if name not in run.receipts and not await _recover_step(run, name, shared):
            run.session.tell("step_missing", run.state, name)
    if run.steps or run.receipts:
        whole = all(name in run.receipts for name in run.plan.steps)
        now = run.session.clock.wall()
        status, finished = (RunStatus.DONE, now) if whole else (RunStatus.PENDING, None)
        begun_by = run.state.begun_by or "recover"
        await run.write(suspect=True, status=status, finished_at=finished, begun_by=begun_by)


async def _recover_step(run: Active, name: str, shared: Shared) -> bool:
    """Whether the step's object is there; what refers to something that is missing cannot exist."""
    needs = {*run.workflow.steps[name].needs, *run.plan.guards[:1]}
    if not all(need in run.receipts for need in run.plan.needs[name] if need in needs):
        return False
    try:
        if name in run.plan.shared:
            run.receipts[name] = await shared(run, name)
        else:
            await find_again(run, name, run.write)
    except StepFailed as failed:
        if failed.failure.kind != "missing":
            raise
        return False
    return True


async def recover_departed(run: Active) -> None:
    """Find also what a run may have made under inputs that it had before, for steps that it does not have any more: it
    is to be deleted. Raises `StepFailed`."""
    today = run.plan
    for inputs in reversed(run.earlier_inputs):
        if run.workflow.plan(run.workflow.decode(inputs)) is today:
            continue
        with run.as_before(inputs):
            for name, step in run.plan.steps.items():
                possible = (
                    run.owns(name) and name not in today.steps and not step.reads_only and name not in run.receipts
                )
                if not possible or any(need not in run.receipts for need in run.plan.needs[name]):
                    continue  # what refers to something that is not there cannot exist
                if isinstance(run.spec(name), Adopt):
                    continue
                try:
                    await find_again(run, name, run.write)
                except StepFailed as failed:
                    if failed.failure.kind != "missing":
                        raise


async def find_again(run: Active, name: str, finish: Finish) -> None:
    """Take the step's object if the platform shows it. Raises `StepFailed`, of kind `missing` when it does not."""
    spec = run.spec(name)
    if run.plan.steps[name].reads_only or isinstance(spec, Adopt):
        await ensure(run, name, finish)
        return
    work = Work(run=run, name=name, spec=spec, resource=run.resource(name), finish=finish)
    looks = 0
    while (seen := await look(work, doubted=False))[0] is Verdict.WAIT:  # until settle: a newer one may be listed yet
        await run.sleep(pause_between_looks(looks))
        looks += 1
    if seen[1] is None:
        raise StepFailed(_missing(name), name)
    await take(work, seen[1])


async def find_sent(run: Active, name: str) -> bool:
    """Take what an open attempt has made, though what it refers to is there no more, perhaps by hand: nothing can be
    sent again, and what was made must not be left behind. Whether there is any."""
    await run.sleep(run.last_possible_send(name) + run.session.timing.settle - run.session.clock.boot())
    step, names, resource = run.step(name), run.names(name), run.resource(name)
    hits = await run.ask(name, lambda: resource.find(names, None))
    tags = [attempt.tag for attempt in step.attempts]
    for view in await read_hits(run, name, [hit for hit in hits if hit.id not in step.tombstones]):
        if view is not None and (tag := labels.parse(view.note).attempt) in tags:
            run.note(name, "recovered", id=view.id, created=view.created)
            await run.write(machine.take(step, view, tag, run.session.clock.wall(), unique=run.unique(name)))
            return True
    return False


def _missing(name: str) -> Failure:
    return Failure(kind="missing", message=f"the platform shows no {name.replace('_', ' ')} with this marker")


async def resolve(run: Active, name: str, adopt: str | None) -> None:
    """Write a person's answer to a doubt. Raises `Rejected` for one that cannot be."""
    if name not in run.plan.steps:
        raise Rejected(f"{run.state.source} has no step {name!r}; it has {', '.join(run.plan.steps)}")
    if run.plan.steps[name].reads_only:
        raise Rejected(f"the {name.replace('_', ' ')} is only read: run again, and it is read again")
    step = run.step(name)
    if step.receipt and step.receipt.confirmed and not step.attempts and step.failure is None:
        raise Rejected(f"the {name.replace('_', ' ')} is {step.status.value}: there is no doubt to answer")
    if adopt is not None:
        await _adopt(run, name, adopt)
    else:
        await _recreate(run, name)


async def _adopt(run: Active, name: str, id: str) -> None:
    resource, now = run.resource(name), run.session.clock.wall()
    view = await run.ask(name, lambda: resource.read(id))
    if view is None:
        raise Rejected(f"there is no {id} on the platform")
    if not resource.superseding:
        await _refuse_second(run, name, view.id)
    origin, step = Origin.RECOVERED if view.name in run.names(name) else Origin.ADOPTED, run.step(name)
    receipt = Receipt(id=view.id, etag=view.etag, version=view.version, origin=origin, data=view.data)
    run.note(name, "resolved", adopt=id, origin=origin.value)
    if origin is Origin.RECOVERED and not resource.unique:
        step = replace(step, generation=labels.generation_of(run.state, name, view.name))
    await run.write(machine.read(replace(step, attempts=()), receipt, step.spec or "", now))


async def _refuse_second(run: Active, name: str, id: str) -> None:
    """Of two that bear the step's marker the other one would live on, and nothing would tell of it any more."""
    resource, settled = run.resource(name), (id, *run.step(name).tombstones)
    for hit in await run.ask(name, lambda: resource.find(run.names(name), None)):
        if hit.id not in settled and await run.ask(name, lambda: resource.read(hit.id)) is not None:  # noqa: B023
            raise Rejected(f"{hit.id} bears the same marker: delete the one that you do not need, then answer again")


async def _recreate(run: Active, name: str) -> None:
    """Forget what may be there and make another one, under a name of the next generation; under the same one, where
    nothing of the step ever was."""
    step, resource = run.step(name), run.resource(name)
    if resource.unique:
        raise Rejected(f"the platform refuses a second {name.replace('_', ' ')} of that title: adopt the one it has")
    dependent = [other for other in run.plan.following[name] if other in run.receipts]
    if step.receipt and dependent:
        raise Rejected(f"{', '.join(dependent)} refer to {step.receipt.id}: it cannot be made anew under them")
    hits = await run.ask(name, lambda: resource.find(run.names(name), None))
    hits += [hit async for hit in rivals(run, name)]
    known = [step.receipt.id] if step.receipt else []
    gone = tuple(dict.fromkeys((*step.tombstones, *known, *(hit.id for hit in hits))))
    run.note(name, "resolved", recreate=True)
    doubted = run.state.suspect or step.status is StepStatus.IN_DOUBT or bool(step.attempts or known or hits)
    generation = run.state.generation + doubted
    await run.write(upkeep.recreated(step, gone), generation=generation, status=RunStatus.PENDING)
