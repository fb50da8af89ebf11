"""Changing in place what a run has made, so that it is what its inputs say now (rule 10).

What new objects are to stand on is changed before the walk, as a mapping may lead to fields that the schema is to get
now; all the rest is changed after it. Changing is an effect: its intent goes first, and it is sent on the condition
that the object is still as it was seen. So a lost answer is settled by reading again, a late request comes to nothing,
and what somebody else changed is not overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from engine import changes, codec, labels, upkeep
from engine.active import Active, StepFailed
from engine.changes import Asked
from engine.effect import admit
from engine.errors import Answer, Conflict, Halt, InDoubt, NotApplied, Rejected
from engine.model import Attempt, Failure, Json, Origin, Receipt, Verb, replace
from engine.refresh import lose
from engine.resource import SWITCH, Change, View
from engine.retry import next_delay
from engine.sentinel import leased, look_at, overtaken
from engine.switch import switch_step

AGAIN = 2
"""How often a change that met somebody else's is tried."""


def ground(run: Active) -> list[str]:
    """What the steps that are still to be made stand on, as far as it is there."""
    receipts, plan = run.receipts, run.plan
    below = {name for step in plan.steps if step not in receipts for name in plan.before(step)}
    return [name for name in plan.steps if name in below & receipts.keys() and receipts.keys() >= set(plan.needs[name])]


async def revise(run: Active, among: Iterable[str]) -> bool:
    """Change the objects of these steps in place where they are not as they are wanted, the sentinel's first. Returns
    whether all of them are there: what turns out to be gone is for another walk. Raises `StepFailed` for what cannot be
    changed."""
    sentinel = run.plan.sentinel
    names = [name for name in among if run.owns(name) and not run.plan.steps[name].reads_only]
    for name in sorted(names, key=lambda name: name != sentinel):
        if not await revise_step(run, name):
            return False
    return True


async def revise_step(run: Active, name: str) -> bool:
    """Change one step's object in place, if it is not as it is wanted. Whether it is there."""
    step = run.step(name)
    if step.receipt is None:
        return False
    as_asked = step.spec == run.printed(name) and not upkeep.changing(step)
    if step.receipt.origin is Origin.ADOPTED:
        if not as_asked:
            await run.write(replace(step, spec=run.printed(name)))
        return True
    resource = run.resource(name)
    outdated = hasattr(resource, "current") and not await resource.current(step.receipt)
    if as_asked and name not in run.seen and not outdated:
        return True
    there = await _Revision(run, name, [resource.renewal] if outdated else []).go()
    seen, on = run.seen.pop(name, None), step.receipt.data.get(SWITCH)
    if there and seen is not None and isinstance(on, bool) and seen.data.get(SWITCH) not in (on, None):
        await switch_step(run, name, on=on)
    return there


class _Revision:
    """The way of one object to what it is to be. `renewals`: what must be sent again, whatever the object shows.
    `tries` and `conflicts` count requests that failed; `fresh`: a stale read was ruled out by waiting."""

    def __init__(self, run: Active, name: str, renewals: Sequence[Change]) -> None:
        self.run, self.name, self.resource, self.renewals = run, name, run.resource(name), renewals
        self.tries = self.conflicts = 0
        self.fresh = False
        try:
            self.asked: Asked = changes.amendment(
                run.workflow,
                run.now(),
                run.inputs,
                name,
                resource=self.resource,
                receipts=run.receipts,
                now=run.session.clock.wall(),
            )
        except Rejected as refusal:
            raise StepFailed(refusal.failure, name) from refusal

    async def go(self) -> bool:
        """Until the object is as it is wanted (True), or found to be gone (False). Raises `StepFailed`."""
        run, name, clock = self.run, self.name, self.run.session.clock
        while True:
            if upkeep.changing(run.step(name)):
                # A read may be stale: it must show at least what an open change could have met.
                await run.sleep(run.last_possible_send(name) + run.session.timing.read_lag - clock.boot())
            asked_at = clock.boot()
            view, _ = await look_at(run, name)
            if view is None:
                await lose(run, [name])
                return False
            if name == run.plan.sentinel and labels.parse(view.note).journal != run.session.journal.name:
                await overtaken(run, name, view)
            todo = await self._todo(view)
            if todo:
                receipt = await self._change(view, todo)
                if receipt is not None and receipt.etag is not None:
                    return await self._done(receipt)
            elif todo is None or self._stale(view):
                await run.sleep(run.session.timing.read_lag)
                self.fresh = True
            elif self._settled(view, asked_at):
                return await self._done(view)
            else:
                await run.sleep(run.last_possible_send(name) + run.session.timing.settle - clock.boot())

    def _stale(self, view: View) -> bool:
        """Whether the object is not in the state that we left it in, as far as one read tells: perhaps it is of before
        our last change."""
        receipt = self.run.step(self.name).receipt
        known = receipt and (receipt.etag, receipt.version)
        return not self.fresh and (view.etag, view.version) != known

    def _settled(self, view: View, asked_at: float) -> bool:
        """Whether no change can have an effect any more: each depends on what the object was like, or is too old."""
        step = self.run.step(self.name)
        if not any(attempt.condition == self._condition(view) for attempt in upkeep.changing(step)):
            return True
        return asked_at >= self.run.last_possible_send(self.name) + self.run.session.timing.settle

    def _condition(self, view: View) -> str:
        return str(self.resource.condition(view))

    # what is to be done

    async def _todo(self, view: View) -> Sequence[Change] | None:
        """What the object does not have yet; None: look again, nobody is accused for what a stale read may show. Raises
        `StepFailed` for what somebody else made of it."""
        run, now = self.run, self.run.session.clock.wall()
        body = self._body("")
        found: Mapping[str, Change] = {c.path: c for c in self.resource.changes(view.content, body, now)}
        by_hand = {c.path: c for c in changes.restoring(self.resource, run.spec(self.name), view.content, body, now)}
        todo = [change for change in self.asked.fields if change.path in found]
        asked = {change.path for change in self.asked.fields}
        if upkeep.changing(run.step(self.name)):  # one of other inputs may have come between
            todo += [c for c in found.values() if c.path not in asked and self._ours(c.path, c.before)]
        if self.name in run.seen:
            todo += [change for path, change in by_hand.items() if path not in {one.path for one in todo}]
        elif not self.asked.known:  # it grows, but nothing of it is taken for a mistake
            todo = [change for change in found.values() if change.path != "name" and _grows(change)]
        for change in todo:
            there = by_hand.get(change.path) or found[change.path]
            put_back = self.name in run.seen or not self.asked.known
            if not (put_back or change.hidden or _adds(there) or self._ours(change.path, there.before)):
                if self._stale(view):
                    return None
                await self._fail(
                    "changed_by_hand",
                    f"{change.path} was {_shown(change.before)} and is to be {_shown(change.after)}, but somebody made "
                    f"it {_shown(there.before)}",
                    "make the manifest say what is wanted, or put it back with headway run --refresh; "
                    "headway drift shows all of it",
                )
            if not change.in_place or not there.in_place:
                await self._fail(
                    "needs_replace", f"{change.path} cannot be changed in place", "allow it with headway run --replace"
                )
        todo = [*todo, *self.renewals]
        run.note(self.name, "compared", to_change=[change.path for change in todo])
        return todo

    def _ours(self, path: str, found: Json) -> bool:
        """Whether a value is one that this run gave the field at some time."""
        known = self.asked.before.get(path, ())
        if any(found in step.tombstones for step in self.run.steps.values()):
            return True
        return any(_same(found, value) for value in known)

    def _body(self, tag: str) -> Any:
        """What the object is to be, by the name that it has or is to have."""
        run, resource, name = self.run, self.resource, self.name
        sentinel_of = run.session.journal.name if name == run.plan.sentinel else None
        made = replace(run.state, generation=run.step(name).generation)
        label = labels.label(made, name, tag, unique=resource.unique, sentinel_of=sentinel_of)
        if sentinel_of:  # what the sentinel says of the generation is the run's
            note = labels.label(run.state, name, tag, unique=resource.unique, sentinel_of=sentinel_of).note
            label = replace(label, note=note)
        return codec.plain(resource.body(run.spec(name), label, run.session.clock.wall()))

    # doing it

    async def _change(self, view: View, todo: Sequence[Change]) -> Receipt | None:
        """Try once to change the object. The receipt says the new etag; None: look again."""
        run, name, session = self.run, self.name, self.run.session
        await run.ask(name, lambda: self.resource.prepare(run.spec(name)))
        await admit(run, name)
        try:
            attempt, started = replace(run.attempt(Verb.UPDATE), condition=self._condition(view)), session.clock.boot()
            paths = [change.path for change in todo]
            patch = orjson.dumps(self.resource.amendment(view, self._body(attempt.tag), paths)).decode()
            await run.write(upkeep.amending(run.step(name), attempt, patch))
            send_within = session.timing.send_window - (session.clock.boot() - started)
            if send_within <= 0 or not leased(run, name):
                late = Failure(kind="late", message="the request was not sent: its intent was too old")
                await run.write(upkeep.not_amended(run.step(name), attempt.tag, late))
                return None
            run.sends[name] = started + session.timing.send_window
            answer = await self._send(view, patch, send_within, attempt)
        finally:
            session.gate.leave(self.resource.family)
        if isinstance(answer, Receipt):
            run.note(name, "changed", fields={c.path: [c.before, c.after] for c in todo})
            return answer
        await self._weigh(answer, attempt)
        return None

    async def _send(self, view: View, patch: str, send_within: float, attempt: Attempt) -> Receipt | Answer:
        """Exactly one request."""
        answer: Receipt | Answer = InDoubt("interrupted")
        with self.run.session.sending():
            try:
                answer = await self.resource.amend(view, patch, send_within)
            except Answer as refused:
                answer = refused
            except Halt as halt:
                failure = Failure(kind="halt", message=str(halt))
                await self.run.write(upkeep.not_amended(self.run.step(self.name), attempt.tag, failure))
                raise
        return answer

    async def _weigh(self, answer: Answer, attempt: Attempt) -> None:
        """Journal what an answer other than success means, and wait. Raises `StepFailed` when it is to end here."""
        run, name, session, failure = self.run, self.name, self.run.session, answer.failure
        run.note(name, answer.kind, verb="update", **failure.details)
        if not isinstance(answer, InDoubt):
            await run.write(upkeep.not_amended(run.step(name), attempt.tag, failure))
        if isinstance(answer, Rejected):
            run.session.tell("step_failed", run.state, name, kind=failure.kind, message=failure.message)
            raise StepFailed(failure, name)
        if isinstance(answer, Conflict):
            self.conflicts += 1
            if self.conflicts >= AGAIN:
                hint = "somebody is changing it at the same time: run again later"
                await self._fail("conflict_of_changes", failure.message, hint)
            await run.sleep(session.timing.read_lag)  # what is read next is what the condition met
            return
        step = run.workflow.steps[name]
        self.tries += session.charges(answer, self.resource.family)
        if self.tries >= session.policy(step).max_attempts:
            await self._fail(answer.kind, failure.message, failure.hint or "run again to go on trying")
        floor = answer.retry_after if isinstance(answer, NotApplied) else None
        await run.sleep(next_delay(step.retry, self.tries + 1, session.rng, floor))

    async def _fail(self, kind: str, message: str, hint: str) -> None:
        run = self.run
        failure = Failure(kind=kind, message=message, hint=hint)
        run.note(self.name, kind, **failure.details)
        await run.write(replace(run.step(self.name), failure=failure))  # a stale owner may not tell
        run.session.tell("step_failed", run.state, self.name, kind=kind, message=message)
        raise StepFailed(failure, self.name)

    async def _done(self, as_it_is: View | Receipt) -> bool:
        run, now = self.run, self.run.session.clock.wall()
        if isinstance(as_it_is, View) and self.resource.superseding:
            as_it_is = replace(as_it_is, version=None)  # ours is the version that we made, whatever came after it
        await run.write(upkeep.amended(run.step(self.name), as_it_is, run.printed(self.name), now))
        if fields := [change.path for change in (*self.asked.fields, *self.renewals)]:
            run.session.tell("step_changed", run.state, self.name, fields=fields)
        return True


def _grows(change: Change) -> bool:
    return _adds(change) or (change.in_place and (change.hidden or change.before is None))


def _adds(change: Change) -> bool:
    """A list that changes in place gets longer, whoever made it what it is."""
    return change.in_place and isinstance(change.before, list)


def _same(one: Json, other: Json) -> bool:
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)


def _shown(value: Json) -> str:
    return "none" if value is None else orjson.dumps(value).decode()[:80]
