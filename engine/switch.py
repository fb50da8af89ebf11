"""Switching what a run made off and on again: an effect with its intent (rule 10).

The journal says first how the object is to be, then one conditional request is sent; a lost answer is resolved by
reading how it is, and a late request meets another etag than it asks for.
"""

from __future__ import annotations

from functools import partial

from engine import upkeep
from engine.active import Active
from engine.alter import Alteration
from engine.model import Attempt, Failure, Receipt, RunState, StepState, Verb
from engine.resource import SWITCH, View
from engine.retry import next_delay
from engine.sentinel import look_at


async def switch(run: Active, *, on: bool) -> RunState:
    """Switch on or off every object of the run that can be and is nobody else's. Raises `StepFailed` for one that
    cannot be now."""
    for name in run.plan.steps:
        if run.owns(name) and run.made_by_us(name) and hasattr(run.resource(name), "switch"):
            await switch_step(run, name, on=on)
    return run.state


async def keep_switched(run: Active, *, sure: bool) -> None:
    """What took the place of an object that was switched off is switched off, too; the journal says so before it is, so
    it is looked at. What was begun is finished. A suspect run knows nothing better than another journal, until it is
    `sure`. Raises `StepFailed` for one that cannot be now."""
    if run.state.suspect and not sure:
        return
    for name, step in list(run.steps.items()):
        if step.ours and (step.off or upkeep.open_switches(step)):
            await switch_step(run, name, on=not step.off)


async def switch_step(run: Active, name: str, *, on: bool) -> None:
    """Switch one object on or off. Raises `StepFailed` when it cannot be now."""
    await _Switching(run, name, on=on).go()


class _Switching(Alteration):
    """The way of one object to being on, or off."""

    verb = Verb.SWITCH

    def __init__(self, run: Active, name: str, *, on: bool) -> None:
        super().__init__(run, name)
        self.on = on

    async def go(self) -> None:
        """Until it is. Raises `StepFailed`."""
        run, name = self.run, self.name
        while True:
            await self.catch_up(upkeep.open_switches(run.step(name)))
            asked_at = run.session.clock.boot()
            view = await self._look()
            if view.data.get(SWITCH) is not self.on:
                receipt: Receipt | None = await self.once(
                    self._intent, partial(self.resource.switch, view, self.on), self.condition(view)
                )
                if receipt is not None and receipt.etag is not None:
                    return
            elif not self.fresh and view.etag != run.receipts[name].etag:
                await self.look_again()  # perhaps it is of before our last request
            elif await self.settled(upkeep.open_switches(run.step(name)), view, asked_at):
                await self.write(upkeep.switched(run.step(name), view.etag, on=self.on))
                return

    async def _look(self) -> View:
        """How the object is now; while it is between two states, wait."""
        run, name, looks = self.run, self.name, 0
        while True:
            view, _ = await look_at(run, name)
            if view is None:
                hint = "run again with --refresh to make it anew"
                message = f"there is no {run.receipts[name].id} on the platform"
                await run.fail(name, Failure(kind="gone", message=message, hint=hint))
            if SWITCH in view.data:
                return view
            looks += 1
            await run.sleep(next_delay(run.plan.steps[name].retry, looks, run.session.rng))

    def _intent(self, attempt: Attempt) -> StepState:
        self.run.note(self.name, "intent", verb="switch", to=self._to)
        return upkeep.switching(self.run.step(self.name), attempt, on=self.on)

    async def applied(self, answer: Receipt) -> None:
        self.run.note(self.name, "switched", to=self._to)
        await self.write(upkeep.switched(self.run.step(self.name), answer.etag, on=self.on))

    @property
    def _to(self) -> str:
        return "on" if self.on else "off"

    async def write(self, step: StepState) -> None:
        """A run that is done is not begun by this."""
        await self.run.write(step, status=self.run.state.status)
