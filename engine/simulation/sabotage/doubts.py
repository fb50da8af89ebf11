"""Breaking rules 3, 4 and 5: what an answer settles, what evidence proves, what is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine import ensure, evidence, labels, machine
from engine.active import Active
from engine.machine import Move, Sighting, Timing, Verdict
from engine.model import Attempt, Receipt, StepState, replace
from engine.resource import Hit, View
from engine.simulation.clocks import Clock
from engine.simulation.kinds import Kind
from engine.simulation.loop import OWNER
from engine.simulation.sabotage.switch import FROZEN, RENAMING, TAIL, Patch, Switch
from engine.simulation.weather import ANY
from engine.work import Work


def rejection_closes_doubt() -> list[Patch]:
    rejected = machine.rejected
    return [(machine, "rejected", lambda step, tag, *rest: rejected(replace(step, attempts=()), tag, *rest))]


def settle_from_intent() -> list[Patch]:
    def by_the_wall(self: Active, name: str) -> float:
        clock = self.session.clock
        return max((a.at - clock.wall() + clock.boot() for a in self.step(name).attempts), default=float("-inf"))

    return [(Active, "last_possible_send", by_the_wall)]


def no_freshness() -> list[Patch]:
    judge = machine.judge

    def hasty(seen: Sighting, *, doubted: bool) -> Verdict:
        verdict = judge(replace(seen, witness=False), doubted=doubted)
        return Verdict.ABSENT if verdict is Verdict.UNPROVEN else verdict

    return [(machine, "judge", hasty)]


def mismatch_filtered() -> list[Patch]:
    look = evidence.look

    class Differs(Exception):
        pass

    async def differs(work: Work, view: View) -> None:
        body = work.resource.body(work.spec, labels.label(
            work.run.state, work.name, "x", unique=work.resource.unique, sentinel_of=None
        ), 0.0)  # fmt: skip
        if work.resource.differences(body, view):
            raise Differs

    async def blind(work: Work, *, doubted: bool) -> tuple[Verdict, View | None]:
        try:
            return await look(work, doubted=doubted)
        except Differs:
            return Verdict.ABSENT, None

    return [(evidence, "check_body", differs), (ensure, "look", blind)]


def gone_is_absence() -> list[Patch]:
    judge = machine.judge
    return [(machine, "judge", lambda seen, *, doubted: (
        Verdict.ABSENT if seen.gone and not seen.live else judge(replace(seen, gone=False), doubted=doubted)
    ))]  # fmt: skip


def two_queries() -> list[Patch]:
    find = Kind.find

    async def one_by_one(self: Kind, names: Sequence[str], since: float | None) -> Sequence[Hit]:
        return [hit for name in names for hit in await find(self, [name], since)]

    return [(Kind, "find", one_by_one)]


def unique_once(run: Active, name: str) -> bool:
    return bool(run.resource(name).unique)


def created_closes_doubt() -> list[Patch]:
    created = machine.created

    def sure(step: StepState, tag: str, receipt: Receipt, now: float, *, proven: bool) -> StepState:
        del proven
        return created(replace(step, attempts=()), tag, receipt, now, proven=True)

    return [(machine, "created", sure)]


def take(settled: Callable[[tuple[Attempt, ...], str], tuple[Attempt, ...]]) -> list[Patch]:
    take = machine.take

    def careless(step: StepState, view: View, tag: str, now: float, *, unique: bool) -> StepState:
        return take(replace(step, attempts=settled(step.attempts, tag)), view, tag, now, unique=unique)

    return [(machine, "take", careless)]


def look_from_answer() -> list[Patch]:
    def answered(**seen: Any) -> Sighting:
        process: Any = OWNER.get()
        return Sighting(**{**seen, "asked": process.clock.boot()})

    return [(evidence, "Sighting", answered)]


def claim_is_opening() -> list[Patch]:
    init = Active.__init__

    def early(self: Active, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        self.taken_over = self.session.clock.opened  # type: ignore[attr-defined]
        self.sends = dict.fromkeys(self.sends, self.taken_over + self.session.timing.send_window)

    clock = Clock.__init__

    def started(self: Clock, world: Any, name: str) -> None:
        clock(self, world, name)
        self.opened = world.now  # type: ignore[attr-defined]

    return [(Active, "__init__", early), (Clock, "__init__", started)]


def own_sends_forgotten() -> list[Patch]:
    init = Active.__init__

    def forgetful(self: Active, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        us = self.session.journal.process
        self.sends = {n: until for n, until in self.sends.items() if any(a.by != us for a in self.steps[n].attempts)}

    return [(Active, "__init__", forgetful)]


def always_create(step: StepState, *, unique: bool, suspect: bool, stranger: bool) -> Move:
    del step, unique, suspect, stranger
    return Move.CREATE


SWITCHES: Mapping[str, Switch] = {
    "rejection_closes_doubt": Switch(
        rule="3: a rejection closes earlier attempts, too",
        patches=rejection_closes_doubt,
        weather=ANY.but(
            scripts=[("run", "destroy")],
            fates=["late", "lost", "rejected", "rejected"],
            fault_rate=[0.5],
            hurry=[1.0],
            freeze_rate=[0],
            calm_at=[200, 600],
        ),
    ),
    "created_closes_doubt": Switch(
        rule="3: a created object closes earlier attempts, too", patches=created_closes_doubt, weather=TAIL
    ),
    "send_again_blindly": Switch(
        rule="4: a doubt is sent again at once", patches=lambda: [(machine, "decide", always_create)]
    ),
    "settle_from_intent": Switch(
        rule="4: settle counts from the intent, by the wall clock", patches=settle_from_intent
    ),
    "no_freshness": Switch(rule="4: after settle, not listed is absent", patches=no_freshness, weather=TAIL),
    "look_from_answer": Switch(
        rule="4: what a list shows is as old as its answer, not as the look that asked for it",
        patches=look_from_answer,
        weather=FROZEN.but(
            servers=[False],
            freeze_rate=[0],
            stall_rate=[0.3],
            stalls=["LIST"],
            fates=["late", "lost"],
            fault_rate=[0.3],
            late=[59],
            lists=["fresh"],
        ),
    ),
    "younger_than_send": Switch(
        rule="4: the witness need only be younger than the send",
        patches=lambda: [(Timing, "gateway", property(lambda _self: 0.0))],
        weather=TAIL,
    ),
    "claim_is_opening": Switch(
        rule="4: a successor counts from its own start, not from its take-over of the run",
        patches=claim_is_opening,
        weather=FROZEN.but(crash_rate=[0.002], freeze_rate=[0.008], lists=["ordered"], lag=[59], relaunch=[0.2, 3]),
    ),
    "own_sends_forgotten": Switch(
        rule="4: a run that is driven again in one opening of the journal forgets what was sent in it before",
        patches=own_sends_forgotten,
        weather=ANY.but(
            scripts=[("run",)],
            fates=["late", "lost"],
            late=[59],
            fault_rate=[0.3],
            expiry_rate=[1.0],  # what is common to all runs ends a command while requests may still have an effect
            storage_rate=[0],
            stay_rate=[0.9],
            relaunch=[0.2],
            permits=[0],
            crash_rate=[0],
            kill_rate=[0],
            freeze_rate=[0],
            rivals=[""],
            disaster=[0],
            calm_at=[600],
        ),
    ),
    "mismatch_filtered": Switch(rule="5: a hit with our marker and another body is ignored", patches=mismatch_filtered),
    "two_queries": Switch(
        rule="4: the witness is looked for by a query of its own",
        patches=two_queries,
        weather=TAIL.but(runs=[2], lag=[0, 1]),
    ),
    "foreign_hit_settles": Switch(
        rule="5: a hit that another journal made settles our attempts, too",
        patches=lambda: take(lambda attempts, tag: attempts if tag in {a.tag for a in attempts} else ()),
        weather=TAIL.but(rivals=["second"], fates=["late"], fault_rate=[0.5], permits=[0], lag=[0], scripts=[("run",)]),
    ),
    "gone_is_absence": Switch(rule="5: a listed hit that answers 404 is absence at once", patches=gone_is_absence),
    "hit_settles_all": Switch(
        rule="5: a hit settles every attempt of its step",
        patches=lambda: take(lambda _attempts, _tag: ()),
        weather=TAIL,
    ),
    "renamed_title_guards": Switch(
        rule="4: a title guards a source that was renamed, too",
        patches=lambda: [(Active, "unique", unique_once)],
        weather=RENAMING,
    ),
}
