"""The broken rules: each function says what is put in whose place. Nothing here is ever part of a real run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Unpack

from engine import drive, effect, ensure, evidence, labels, machine, revise, sentinel
from engine.active import Active, Work
from engine.drive import Drive
from engine.journal.memory import MemoryJournal, MemoryStore
from engine.machine import Move, Sighting, Verdict
from engine.model import Attempt, Known, NewRun, Receipt, Record, RunChanges, RunState, StepState, StepStatus, replace
from engine.resource import Hit, View
from engine.simulation.chain import Kind, chain
from engine.simulation.clocks import Clock
from engine.workflow import Plan

Patch = tuple[object, str, Any]


def effect_before_intent() -> list[Patch]:
    return _unwritten(lambda step: step.status is StepStatus.INTENT and step.receipt is None and step.failure is None)


def change_before_intent() -> list[Patch]:
    return _unwritten(lambda step: bool(machine.changing(step)))


def _unwritten(forgotten: Callable[[StepState], bool]) -> list[Patch]:
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


def no_send_window() -> list[Patch]:
    async def at_once(_run: Active, _name: str, intended: effect.Intended) -> effect.Intended:
        return intended

    return [(effect, "freshen", at_once)]


def window_from_acknowledgment() -> list[Patch]:
    freshen = effect.freshen

    async def late(run: Active, name: str, intended: effect.Intended) -> effect.Intended:
        return await freshen(run, name, replace(intended, at=run.session.clock.boot()))

    return [(effect, "freshen", late)]


def generation_ignored() -> list[Patch]:
    def blind(note: str) -> labels.Note:
        return replace(labels.parse(note), generation=0)

    async def sign(run: Active, name: str, view: View, _generation: int) -> None:
        await signing(run, name, view, run.state.generation)

    signing = sentinel.sign
    return [(evidence, "labels", SimpleNamespace(**{**vars(labels), "parse": blind})), (sentinel, "sign", sign)]


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


def trust_restored() -> list[Patch]:
    open_ = MemoryStore.open

    def trusting(self: MemoryStore, *arguments: Any, **options: Any) -> MemoryJournal:
        if self.contents.identity is not None:
            self.contents.identity = self.identity
        return open_(self, *arguments, **options)

    return [(MemoryStore, "open", trusting)]


def plan(change: Callable[[Plan], Plan]) -> list[Patch]:
    plan = type(chain).plan
    return [(type(chain), "plan", lambda self, inputs: change(plan(self, inputs)))]


def shared_key_ignored() -> list[Patch]:
    return plan(lambda plan: replace(plan, shared={}))


def sentinel_not_first() -> list[Patch]:
    def unordered(plan: Plan) -> Plan:
        needs = {name: tuple(need for need in step.needs if need in plan.steps) for name, step in plan.steps.items()}
        following = {name: tuple(other for other in plan.steps if name in needs[other]) for name in plan.steps}
        return replace(plan, needs=needs, following=following)

    return plan(unordered)


def two_queries() -> list[Patch]:
    find = Kind.find

    async def one_by_one(self: Kind, names: Sequence[str], since: float | None) -> Sequence[Hit]:
        return [hit for name in names for hit in await find(self, [name], since)]

    return [(Kind, "find", one_by_one)]


def hit_taken_at_once() -> list[Patch]:
    once = Drive._pass  # noqa: SLF001 - sabotage

    async def sure(self: Drive) -> bool:
        await once(self)
        return True

    return [(Drive, "_pass", sure)]


def no_tombstone() -> list[Patch]:
    deleting = machine.deleting
    return [(machine, "deleting", lambda step, attempt: replace(deleting(step, attempt), tombstones=()))]


def calmed(step: StepState) -> StepState:
    return replace(step, attempts=(), body=None, status=StepStatus.DONE)


def only_this_name(run: RunState) -> list[RunState]:
    return [run]


def unique_once(run: Active, name: str) -> bool:
    return bool(run.resource(name).unique)


def previously_trusted() -> list[Patch]:
    insert = MemoryJournal._insert  # noqa: SLF001 - sabotage

    def believing(self: MemoryJournal, run: NewRun) -> Known:
        known = insert(self, run)
        self._contents.runs[known.key] = replace(self._contents.runs[known.key], suspect=False)
        return known

    return [(MemoryJournal, "_insert", believing)]


async def let_go(run: Active) -> None:
    """Of what is to be replaced, the old one is forgotten instead of taken down."""
    for name in run.state.doomed:
        if run.step(name).receipt:
            await run.write(machine.superseded(run.step(name)))


def unconditional(_self: Kind, _view: View) -> str:
    return ""


async def nothing(*_: object) -> None:
    """What a rule's function does when it is forgotten."""


def never(*_: object, **__: object) -> bool:
    """What a rule's question answers when it is forgotten."""
    return False


def any_epoch() -> list[Patch]:
    write = MemoryJournal.write

    async def unfenced(self: MemoryJournal, record: Record) -> None:
        current = self._contents.runs[record.run.key].epoch
        await write(self, replace(record, run=replace(record.run, epoch=current)))

    return [(MemoryJournal, "write", unfenced)]


def no_path_check() -> list[Patch]:
    commit = MemoryJournal._commit  # noqa: SLF001 - sabotage

    async def blind(self: MemoryJournal, change: Callable[[], Any]) -> Any:
        self._identity = self._store.identity
        return await commit(self, change)

    return [(MemoryJournal, "_commit", blind)]


def always_leased() -> list[Patch]:
    def yes(_run: Active, _name: str) -> bool:
        return True

    return [(module, "leased", yes) for module in (sentinel, effect, drive, revise)]


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


def claim_is_opening() -> list[Patch]:
    init = Active.__init__

    def early(self: Active, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        self.taken_over = getattr(self.session.clock, "opened", 0.0)

    clock = Clock.__init__

    def started(self: Clock, world: Any, name: str) -> None:
        clock(self, world, name)
        self.opened = world.now  # type: ignore[attr-defined]

    return [(Active, "__init__", early), (Clock, "__init__", started)]


def always_create(step: StepState, *, unique: bool, suspect: bool, stranger: bool) -> Move:
    del step, unique, suspect, stranger
    return Move.CREATE


def sleepy(self: Clock) -> float:
    return self.world.now - self.slept
