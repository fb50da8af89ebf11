"""One broken rule at a time. A proof that cannot fail is none: each switch must be caught by the judge.

A switch replaces a function of the engine while schedules run; the engine itself knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from engine import destroy, drive, effect, ensure, evidence, labels, machine, runner, sentinel
from engine.active import Active, Work
from engine.journal.memory import MemoryJournal, MemoryStore
from engine.machine import Move, Sighting, Timing, Verdict
from engine.model import Attempt, Receipt, Record, RunState, StepState, StepStatus
from engine.ports import View
from engine.simulation.chain import chain
from engine.simulation.process import Clock
from engine.simulation.world import ANY_WEATHER, READ_LAG, Weather
from engine.workflow import Plan

Patch = tuple[object, str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """`rule`: which clause it breaks. `patches`: what is put in whose place. `weather`: where it shows soonest."""

    rule: str
    patches: Callable[[], list[Patch]]
    weather: Weather = ANY_WEATHER


@contextmanager
def sabotaged(name: str) -> Iterator[None]:
    """Run with one rule broken. Raises `KeyError` for a switch that does not exist."""
    before = []
    try:
        for owner, attribute, value in SWITCHES[name].patches():
            before.append((owner, attribute, getattr(owner, attribute)))
            setattr(owner, attribute, value)
        yield
    finally:
        for owner, attribute, value in reversed(before):
            setattr(owner, attribute, value)


def _effect_before_intent() -> list[Patch]:
    write = Active.write

    async def lazy(self: Active, *steps: StepState, run: RunState | None = None) -> None:
        kept = [s for s in steps if not (s.status is StepStatus.INTENT and s.receipt is None and s.failure is None)]
        for step in steps:
            if step not in kept:
                self.steps[step.name] = step
        if kept or run is not None:
            await write(self, *kept, run=run)

    return [(Active, "write", lazy)]


def _no_send_window() -> list[Patch]:
    async def at_once(_run: Active, _name: str, intended: effect.Intended) -> effect.Intended:
        return intended

    return [(effect, "freshen", at_once)]


def _window_from_acknowledgment() -> list[Patch]:
    freshen = effect.freshen

    async def late(run: Active, name: str, intended: effect.Intended) -> effect.Intended:
        return await freshen(run, name, replace(intended, at=run.session.clock.boot()))

    return [(effect, "freshen", late)]


def _generation_ignored() -> list[Patch]:
    parse = labels.parse
    return [(labels, "parse", lambda note: replace(parse(note), generation=0))]


def _rejection_closes_doubt() -> list[Patch]:
    rejected = machine.rejected
    return [(machine, "rejected", lambda step, tag, *rest: rejected(replace(step, attempts=()), tag, *rest))]


def _settle_from_intent() -> list[Patch]:
    def by_the_wall(self: Active, name: str) -> float:
        clock = self.session.clock
        return max((a.at - clock.wall() + clock.boot() for a in self.step(name).attempts), default=float("-inf"))

    return [(Active, "last_possible_send", by_the_wall)]


def _no_freshness() -> list[Patch]:
    judge = machine.judge

    def hasty(seen: Sighting, *, doubted: bool) -> Verdict:
        verdict = judge(replace(seen, witness=False), doubted=doubted)
        return Verdict.ABSENT if verdict is Verdict.UNPROVEN else verdict

    return [(machine, "judge", hasty)]


def _mismatch_filtered() -> list[Patch]:
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


def _gone_is_absence() -> list[Patch]:
    judge = machine.judge
    return [(machine, "judge", lambda seen, *, doubted: (
        Verdict.ABSENT if seen.gone and not seen.live else judge(replace(seen, gone=False), doubted=doubted)
    ))]  # fmt: skip


def _trust_restored() -> list[Patch]:
    open_ = MemoryStore.open

    def trusting(self: MemoryStore, *arguments: Any, **options: Any) -> MemoryJournal:
        if self.contents.identity is not None:
            self.contents.identity = self.identity
        return open_(self, *arguments, **options)

    return [(MemoryStore, "open", trusting)]


def _plan(change: Callable[[Plan], Plan]) -> list[Patch]:
    plan = type(chain).plan
    return [(type(chain), "plan", lambda self, inputs: change(plan(self, inputs)))]


def _without_sentinel_first(plan: Plan) -> Plan:
    return replace(plan, needs={name: step.needs for name, step in plan.steps.items()})


def _no_tombstone() -> list[Patch]:
    deleting = machine.deleting
    return [(machine, "deleting", lambda step, attempt: replace(deleting(step, attempt), tombstones=()))]


async def _nothing(*_: object) -> None:
    """What a rule's function does when it is forgotten."""


def _any_epoch() -> list[Patch]:
    write = MemoryJournal.write

    async def unfenced(self: MemoryJournal, record: Record) -> None:
        current = self._contents.runs[record.run.key].epoch
        await write(self, replace(record, run=replace(record.run, epoch=current)))

    return [(MemoryJournal, "write", unfenced)]


def _no_path_check() -> list[Patch]:
    commit = MemoryJournal._commit  # noqa: SLF001 - sabotage

    async def blind(self: MemoryJournal, change: Callable[[], Any]) -> Any:
        self._identity = self._store.identity
        return await commit(self, change)

    return [(MemoryJournal, "_commit", blind)]


def _always_leased() -> list[Patch]:
    def yes(_run: Active, _name: str) -> bool:
        return True

    return [(module, "leased", yes) for module in (sentinel, effect, drive)]


def _created_closes_doubt() -> list[Patch]:
    created = machine.created

    def sure(step: StepState, tag: str, receipt: Receipt, now: float, *, proven: bool) -> StepState:
        del proven
        return created(replace(step, attempts=()), tag, receipt, now, proven=True)

    return [(machine, "created", sure)]


def _take(settled: Callable[[tuple[Attempt, ...], str], tuple[Attempt, ...]]) -> list[Patch]:
    take = machine.take

    def careless(step: StepState, view: View, tag: str, now: float, *, unique: bool) -> StepState:
        return take(replace(step, attempts=settled(step.attempts, tag)), view, tag, now, unique=unique)

    return [(machine, "take", careless)]


def _claim_is_opening() -> list[Patch]:
    init = Active.__init__

    def early(self: Active, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        self.taken_over = getattr(self.session.clock, "opened", 0.0)

    clock = Clock.__init__

    def started(self: Clock, world: Any) -> None:
        clock(self, world)
        self.opened = world.now  # type: ignore[attr-defined]

    return [(Active, "__init__", early), (Clock, "__init__", started)]


def _always_create(step: StepState, *, unique: bool, suspect: bool, stranger: bool) -> Move:
    del step, unique, suspect, stranger
    return Move.CREATE


def _sleepy(self: Clock) -> float:
    return self.world.now - self.slept


def _weather(**choices: Any) -> Weather:
    return replace(ANY_WEATHER, **choices)


FROZEN = _weather(
    servers=[True], freeze_rate=[0.02], freezes=[200], crash_rate=[0], fault_rate=[0], calm_at=[600, 1500], rivals=[""],
    disaster=[0],
)  # fmt: skip
TAIL = _weather(
    lists=["tail"], fates=["late", "lost", "error"], fault_rate=[0.3, 0.5], calm_at=[1500], crash_rate=[0],
    freeze_rate=[0], rivals=[""], disaster=[0],
)  # fmt: skip

SWITCHES: Mapping[str, Switch] = {
    "effect_before_intent": Switch(
        rule="1: the request leaves before its intent is durable", patches=_effect_before_intent
    ),
    "no_send_window": Switch(
        rule="1: the age of the intent is not checked before the send", patches=_no_send_window, weather=FROZEN
    ),
    "sleepy_clock": Switch(
        rule="1: the clock stands still while the machine sleeps",
        patches=lambda: [(Clock, "boot", _sleepy)],
        weather=FROZEN,
    ),
    "window_from_acknowledgment": Switch(
        rule="1: the age counts from the acknowledgment of the write",
        patches=_window_from_acknowledgment,
        weather=FROZEN,
    ),
    "generation_ignored": Switch(
        rule="2: a journal that meets a later generation does not take it over",
        patches=_generation_ignored,
        weather=_weather(scripts=[("run", "destroy", "run")], disaster=[0.6], crash_rate=[0.01, 0.03], freeze_rate=[0]),
    ),
    "rejection_closes_doubt": Switch(
        rule="3: a rejection closes earlier attempts, too",
        patches=_rejection_closes_doubt,
        weather=_weather(
            scripts=[("run", "destroy")],
            fates=["late", "lost", "rejected", "rejected"],
            fault_rate=[0.5],
            hurry=1.0,
            freeze_rate=[0],
            calm_at=[200, 600],
        ),
    ),
    "created_closes_doubt": Switch(
        rule="3: a created object closes earlier attempts, too", patches=_created_closes_doubt
    ),
    "send_again_blindly": Switch(
        rule="4: a doubt is sent again at once", patches=lambda: [(machine, "decide", _always_create)]
    ),
    "settle_from_intent": Switch(
        rule="4: settle counts from the intent, by the wall clock", patches=_settle_from_intent
    ),
    "no_freshness": Switch(rule="4: after settle, not listed is absent", patches=_no_freshness),
    "younger_than_send": Switch(
        rule="4: the witness need only be younger than the send",
        patches=lambda: [(Timing, "gateway", property(lambda _self: 0.0))],
        weather=TAIL,
    ),
    "claim_is_opening": Switch(
        rule="4: a successor counts from its own start, not from its take-over of the run",
        patches=_claim_is_opening,
        weather=FROZEN,
    ),
    "mismatch_filtered": Switch(
        rule="5: a hit with our marker and another body is ignored", patches=_mismatch_filtered
    ),
    "gone_is_absence": Switch(rule="5: a listed hit that answers 404 is absence at once", patches=_gone_is_absence),
    "hit_settles_all": Switch(
        rule="5: a hit settles every attempt of its step",
        patches=lambda: _take(lambda _attempts, _tag: ()),
        weather=TAIL,
    ),
    "foreign_hit_settles": Switch(
        rule="5: a hit that another journal made settles our attempts",
        patches=lambda: _take(lambda attempts, tag: attempts if tag in {a.tag for a in attempts} else ()),
        weather=_weather(rivals=["copy"], fates=["late", "lost"], fault_rate=[0.3, 0.5], crash_rate=[0], calm_at=[600]),
    ),
    "no_look": Switch(
        rule="7: a run that another process began does not look first",
        patches=lambda: [(Active, "stranger", lambda _self, _name: False)],
        weather=_weather(
            lists=["fresh"], read_lag=[0], disaster=[0.6], crash_rate=[0.03], scripts=[("run",)], freeze_rate=[0]
        ),
    ),
    "trust_restored": Switch(rule="7: a replaced journal is taken for the newest", patches=_trust_restored),
    "restored_receipts_trusted": Switch(
        rule="7: a replaced journal's receipts are believed",
        patches=lambda: [(drive, "verify", _nothing), (runner, "verify", _nothing)],
    ),
    "sentinel_not_first": Switch(
        rule="7: other steps do not wait for the sentinel", patches=lambda: _plan(_without_sentinel_first)
    ),
    "no_lease": Switch(rule="7: the sentinel is read once, at the conflict", patches=_always_leased),
    "hit_taken_at_once": Switch(
        rule="7: a suspect run is not looked at again after settle",
        patches=lambda: [(drive.Drive, "_settled_at", lambda _self: float("-inf"))],
        weather=_weather(
            scripts=[("run", "destroy", "run")],
            fates=["late", "lost"],
            disaster=[0.6],
            crash_rate=[0.03],
            fault_rate=[0.5],
            calm_at=[600],
            freeze_rate=[0],
        ),
    ),
    "no_tombstone": Switch(
        rule="10: a deleted id may be taken again",
        patches=_no_tombstone,
        weather=_weather(
            scripts=[("run", "destroy", "run")],
            read_lag=[READ_LAG],
            crash_rate=[0.01],
            fault_rate=[0],
            freeze_rate=[0],
            rivals=[""],
            disaster=[0],
            calm_at=[200],
            hurry=0.0,
        ),
    ),
    "open_delete_ignored": Switch(
        rule="10: run does not finish an unfinished destroy",
        patches=lambda: [(drive, "delete_doomed", _nothing)],
        weather=_weather(
            scripts=[("run", "destroy", "run")],
            hurry=1.0,
            crash_rate=[0.01],
            rivals=[""],
            disaster=[0],
            calm_at=[200, 600],
        ),
    ),
    "destroy_over_doubt": Switch(
        rule="10: destroy does not resolve open intents", patches=lambda: [(destroy, "settle_intents", _nothing)]
    ),
    "no_epoch": Switch(rule="section 3: a stale owner may write", patches=_any_epoch),
    "no_path_check": Switch(
        rule="section 3: a process goes on with a file that is no longer at its path",
        patches=_no_path_check,
        weather=_weather(
            servers=[False], freeze_rate=[0.02], freezes=[40, 200], disaster=[0.6], rivals=[""], calm_at=[200, 600]
        ),
    ),
    "shared_key_ignored": Switch(
        rule="section 4: each run executes the shared step itself",
        patches=lambda: _plan(lambda plan: replace(plan, shared={})),
    ),
}
"""Every switch by name."""
