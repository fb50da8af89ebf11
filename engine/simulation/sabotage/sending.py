"""Breaking rule 1: the intent goes first, and allows sending only for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Unpack

from engine import effect
from engine.active import Active
from engine.model import RunChanges, StepState, StepStatus, replace
from engine.simulation.clocks import Clock
from engine.simulation.platform import Answer, Request
from engine.simulation.sabotage.switch import FROZEN, Patch, Switch
from engine.simulation.wire import Wire
from engine.work import Work


def effect_before_intent() -> list[Patch]:
    return unwritten(lambda step: step.status is StepStatus.INTENT and step.receipt is None and step.failure is None)


def unwritten(forgotten: Callable[[StepState], bool]) -> list[Patch]:
    """Such states are believed, but not made durable."""
    write = Active.write

    async def lazy(self: Active, *steps: StepState, **changes: Unpack[RunChanges]) -> None:
        self.steps |= {step.name: step for step in steps if forgotten(step)}
        kept = [step for step in steps if not forgotten(step)]
        if kept or changes:
            await write(self, *kept, **changes)

    return [(Active, "write", lazy)]


def permit_after_intent() -> list[Patch]:
    async def late(work: Work) -> effect.Intended:
        run, resource = work.run, work.resource
        await run.ask(work.name, lambda: resource.prepare(work.spec))
        intended = effect.draft(run, work.name, work.spec)
        await run.write(intended.state)
        await effect.admit(run, work.name)
        return intended

    return [(effect, "_intend", late)]


def age_ignored() -> list[Patch]:
    """Before a create goes to the wire; lease and pauses are looked at all the same."""
    fresh = effect.fresh

    def ageless(run: Active, name: str, intended: effect.Intended) -> bool:
        return fresh(run, name, replace(intended, at=run.session.clock.boot()))

    return [(effect, "fresh", ageless)]


def whenever(verb: str) -> list[Patch]:
    """Such a request leaves, however late it is."""
    send = Wire.send

    async def unbounded(self: Wire, request: Request, within: float = inf) -> tuple[Answer, float]:
        return await send(self, request, inf if request.verb == verb else within)

    return [(Wire, "send", unbounded)]


def window_from_acknowledgment() -> list[Patch]:
    intend = effect._intend  # noqa: SLF001 - sabotage

    async def late(work: Work) -> effect.Intended:
        return replace(await intend(work), at=work.run.session.clock.boot())

    return [(effect, "_intend", late)]


def sleepy(self: Clock) -> float:
    return self.world.now - self.slept


SWITCHES: Mapping[str, Switch] = {
    "effect_before_intent": Switch(
        rule="1: the request leaves before its intent is durable", patches=effect_before_intent
    ),
    "permit_after_intent": Switch(
        rule="1: the permit comes after the intent (which is then old, and renewed, before it is sent)",
        patches=permit_after_intent,
        harmless=True,
    ),
    "no_send_window": Switch(
        rule="1: the age of a create's intent is looked at nowhere",
        patches=lambda: [*age_ignored(), *whenever("POST")],
        weather=FROZEN,
    ),
    "no_window_before_wire": Switch(
        rule="1: the age of a create's intent is not looked at before it goes to the wire (but where it leaves it)",
        patches=age_ignored,
        weather=FROZEN,
        harmless=True,
    ),
    "no_window_at_wire": Switch(
        rule="1: a create leaves the wire, however old its intent is", patches=lambda: whenever("POST"), weather=FROZEN
    ),
    "no_window_of_change": Switch(
        rule="1: a change leaves the wire, however old its intent is",
        patches=lambda: whenever("PATCH"),
        weather=FROZEN.but(scripts=[("run", "change", "change")], freeze_rate=[0.01], hurry=[1.0]),
    ),
    "no_window_of_delete": Switch(
        rule="1: a DELETE leaves the wire, however old its intent is",
        patches=lambda: whenever("DELETE"),
        weather=FROZEN.but(
            scripts=[("run", "destroy")],
            servers=[False],
            freeze_rate=[0],
            disaster=[0.6],
            disasters=["deleted"],
            freezes=[400],
            stall_rate=[0.3],
            stalls=["DELETE"],
            permits=[0],
            calm_at=[60],
            regret=[1.0],
            runs=[1],
        ),
    ),
    "sleepy_clock": Switch(
        rule="1: the clock stands still while the machine sleeps",
        patches=lambda: [(Clock, "boot", sleepy)],
        weather=FROZEN,
    ),
    "window_from_acknowledgment": Switch(
        rule="1: the age counts from the acknowledgment of the write",
        patches=window_from_acknowledgment,
        weather=FROZEN.but(adopts=["schema"]),  # else the lease is over, too, and the sentinel is looked at first
    ),
}
