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
from engine.alter import Alteration, calm
from engine.changes import Asked
from engine.errors import Rejected
from engine.model import Attempt, Failure, Json, Origin, Receipt, StepState, Verb, replace
from engine.refresh import lose
from engine.resource import SWITCH, Change, View
from engine.sentinel import look_at, overtaken
from engine.switch import switch_step


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


class _Revision(Alteration):
    """The way of one object to what it is to be. `renewals`: what must be sent again, whatever the object shows."""

    verb = Verb.UPDATE

    def __init__(self, run: Active, name: str, renewals: Sequence[Change]) -> None:
        super().__init__(run, name)
        self.renewals = renewals
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
        run, name = self.run, self.name
        while True:
            await self.catch_up(upkeep.changing(run.step(name)))
            asked_at = run.session.clock.boot()
            view, _ = await look_at(run, name)
            if view is None:
                await lose(run, [name])
                return False
            if name == run.plan.sentinel and labels.parse(view.note).journal != run.session.journal.name:
                await overtaken(run, name, name, view)
                continue
            todo = await self._todo(view)
            if todo and frees_title(run, name, todo):
                await calm(run, name)  # what was sent to make it and may still arrive would no longer be refused
            elif todo:
                receipt = await self._change(view, todo)
                if receipt is not None and receipt.etag is not None:
                    return True
            elif todo is None or self._stale(view):
                await self.look_again()
            elif await self.settled(upkeep.changing(run.step(name)), view, asked_at):
                await self._done(view)
                return True

    def _stale(self, view: View) -> bool:
        """Whether the object is not in the state that we left it in, as far as one read tells: perhaps it is of before
        our last change."""
        receipt = self.run.step(self.name).receipt
        known = receipt and (receipt.etag, receipt.version)
        return not self.fresh and (view.etag, view.version) != known

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
        elif not self.asked.known:  # it grows, and what we gave it changes; nothing else is taken for a mistake
            todo = [c for c in found.values() if c.path != "name" and (_grows(c) or self._given(c))]
        for change in todo:
            there = by_hand.get(change.path) or found[change.path]
            put_back = self.name in run.seen or not self.asked.known
            if not (put_back or change.hidden or _adds(there) or self._ours(change.path, there.before)):
                if self._stale(view):
                    return None
                await run.fail(
                    self.name,
                    Failure(
                        kind="changed_by_hand",
                        message=f"{change.path} was {_shown(change.before)} and is to be {_shown(change.after)}, "
                        f"but somebody made it {_shown(there.before)}",
                        hint="make the manifest say what is wanted, or put it back with headway run --refresh; "
                        "headway drift shows all of it",
                    ),
                )
            if not change.in_place or not there.in_place:
                message, hint = f"{change.path} cannot be changed in place", "allow it with headway run --replace"
                await run.fail(self.name, Failure(kind="needs_replace", message=message, hint=hint))
        todo = [*todo, *self.renewals]
        run.note(self.name, "compared", to_change=[change.path for change in todo])
        return todo

    def _ours(self, path: str, found: Json) -> bool:
        """Whether a value is one that this run gave the field at some time."""
        known = self.asked.before.get(path, ())
        if any(found in step.tombstones for step in self.run.steps.values()):
            return True
        return any(_same(found, value) for value in known)

    def _given(self, change: Change) -> bool:
        return change.in_place and self._ours(change.path, change.before)

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
        run, name, paths = self.run, self.name, [change.path for change in todo]
        await run.ask(name, lambda: self.resource.prepare(run.spec(name)))

        def intend(attempt: Attempt) -> StepState:
            amendment = self.resource.amendment(view, self._body(attempt.tag), paths)
            return upkeep.amending(run.step(name), attempt, orjson.dumps(amendment).decode())

        async def send(send_within: float) -> Receipt:
            receipt: Receipt = await self.resource.amend(view, run.step(name).body, send_within)
            run.note(name, "changed", fields={change.path: [change.before, change.after] for change in todo})
            return receipt

        return await self.once(intend, send, self.condition(view))

    def condition(self, view: View) -> str:
        """What the resource makes its changes depend on."""
        return str(self.resource.condition(view))

    async def applied(self, answer: Receipt) -> None:
        if answer.etag is not None:  # else it is still to be read
            await self._done(answer)

    async def _done(self, as_it_is: View | Receipt) -> None:
        run, now = self.run, self.run.session.clock.wall()
        if isinstance(as_it_is, View) and self.resource.superseding:
            as_it_is = replace(as_it_is, version=None)  # ours is the version that we made, whatever came after it
        await run.write(upkeep.amended(run.step(self.name), as_it_is, run.printed(self.name), now))
        if fields := [change.path for change in (*self.asked.fields, *self.renewals)]:
            run.session.tell("step_changed", run.state, self.name, fields=fields)


def frees_title(run: Active, name: str, todo: Iterable[Change]) -> bool:
    """Whether these changes give up a title that may have to keep a request of ours away that is still on its way."""
    open = run.unique(name) and upkeep.creating(run.step(name))
    return bool(open) and any(change.path == "name" for change in todo)


def _grows(change: Change) -> bool:
    return _adds(change) or (change.in_place and (change.hidden or change.before is None))


def _adds(change: Change) -> bool:
    """A list that changes in place gets longer, whoever made it what it is."""
    return change.in_place and isinstance(change.before, list)


def _same(one: Json, other: Json) -> bool:
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)


def _shown(value: Json) -> str:
    return "none" if value is None else orjson.dumps(value).decode()[:80]
