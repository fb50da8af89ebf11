"""Breaking rules 2 and 7, and the fence: the journal may not be the first, the only or the newest one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from engine import alter, drive, effect, ensure, evidence, give_way, labels, sentinel, shared, walk
from engine.active import Active
from engine.drive import Drive
from engine.journal.memory import MemoryJournal, MemoryStore
from engine.model import Known, NewRun, Record, RunState, replace
from engine.resource import View
from engine.simulation.chain import chain
from engine.simulation.sabotage.switch import FROZEN, QUIET, RENAMING, Patch, Switch, never, nothing
from engine.simulation.weather import ANY
from engine.workflow import Plan


def generation_ignored() -> list[Patch]:
    def blind(note: str) -> labels.Note:
        return replace(labels.parse(note), generation=0)

    async def sign(run: Active, name: str, view: View, _generation: int) -> None:
        await signing(run, name, view, run.state.generation)

    signing = sentinel.sign
    return [(evidence, "labels", SimpleNamespace(**{**vars(labels), "parse": blind})), (sentinel, "sign", sign)]


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


def hit_taken_at_once() -> list[Patch]:
    once = Drive._pass  # noqa: SLF001 - sabotage

    async def sure(self: Drive) -> bool:
        await once(self)
        return True

    return [(Drive, "_pass", sure)]


def only_this_name(run: RunState) -> list[RunState]:
    return [run]


def previously_trusted() -> list[Patch]:
    insert = MemoryJournal._insert  # noqa: SLF001 - sabotage

    def believing(self: MemoryJournal, run: NewRun) -> Known:
        known = insert(self, run)
        self._contents.runs[known.key] = replace(self._contents.runs[known.key], suspect=False)
        return known

    return [(MemoryJournal, "_insert", believing)]


def lease_from_answer() -> list[Patch]:
    look_at = sentinel.look_at

    async def late(run: Active, name: str) -> tuple[View | None, float]:
        view, _left = await look_at(run, name)
        return view, run.session.clock.boot()

    return [(sentinel, "look_at", late)]


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

    return [(module, "leased", yes) for module in (sentinel, effect, walk, alter)]


SWITCHES: Mapping[str, Switch] = {
    "generation_ignored": Switch(
        rule="2: a journal that meets a later generation does not take it over",
        patches=generation_ignored,
        weather=ANY.but(
            scripts=[("run", "destroy", "run")], disaster=[0.6], crash_rate=[0.002, 0.004], freeze_rate=[0]
        ),
        harmless=True,
    ),
    "generation_untold": Switch(
        rule="2: the sentinel does not tell the generation before something of it is made",
        patches=lambda: [(give_way, "hold", nothing)],
        weather=ANY.but(
            scripts=[("run", "replace"), ("run", "change", "replace")],
            disasters=["deleted"],
            disaster=[0.6],
            freeze_rate=[0],
            rivals=[""],
            fault_rate=[0],
            crash_rate=[0.004],
            calm_at=[600],
        ),
        harmless=True,
    ),
    "earlier_names_forgotten": Switch(
        rule="2: what was made under an earlier name of the source is not looked for",
        patches=lambda: [(labels, "_called", only_this_name)],
        weather=RENAMING,
    ),
    "sentinel_not_first": Switch(
        rule="7: other effects do not wait for the sentinel",
        patches=sentinel_not_first,
        weather=ANY.but(tabular=[True], adopts=[""], disaster=[0.6], lists=["ordered", "each"], freeze_rate=[0]),
    ),
    "hit_taken_at_once": Switch(
        rule="7: what a suspect run finds is not looked at again after settle",
        patches=hit_taken_at_once,
        weather=ANY.but(
            scripts=[("run", "destroy", "run")],
            fates=["late"],
            late=[59],
            fault_rate=[0.3],
            permits=[0],
            lists=["fresh"],
            read_lag=[0],
            disasters=["deleted"],
            disaster=[0.6],
            runs=[1],
            rivals=[""],
            freeze_rate=[0],
            crash_rate=[0],
            kill_rate=[0.3],
            hurry=[0.7],
            relaunch=[0.2],
            tabular=[True],
            calm_at=[600],
            **QUIET,
        ),
    ),
    "no_look": Switch(
        rule="7: a run that another process began does not look first",
        patches=lambda: [(module, "stranger", never) for module in (ensure, walk)],
        weather=ANY.but(
            lists=["fresh"], read_lag=[0], disaster=[0.6], crash_rate=[0.004], scripts=[("run",)], freeze_rate=[0]
        ),
    ),
    "outdated_evidence": Switch(
        rule="7: evidence from before the run was suspect is good enough to send",
        patches=lambda: [(effect, "outdated", never)],
        weather=ANY.but(
            adopts=["schema"],
            disaster=[0.6],
            disasters=["deleted"],
            scripts=[("run",)],
            rivals=[""],
            crash_rate=[0.004],
        ),
    ),
    "trust_restored": Switch(rule="7: a replaced journal is taken for the newest", patches=trust_restored),
    "restored_receipts_trusted": Switch(
        rule="7: a replaced journal's receipts are believed",
        patches=lambda: [(drive, "verify", nothing), (shared, "verify", nothing)],
        weather=ANY.but(
            scripts=[("run", "destroy", "run")],
            runs=[1],
            disasters=["restored"],
            disaster=[0.6],
            crash_rate=[0.002],
            freeze_rate=[0],
            fault_rate=[0],
            rivals=[""],
            calm_at=[600, 1500],
            hurry=[0],
            **{**QUIET, "adopts": ["schema"]},  # no sentinel tells that the rest is gone
        ),
    ),
    "previously_trusted": Switch(
        rule="7: a new run that had another name does not suspect that a journal was lost",
        patches=previously_trusted,
        weather=RENAMING,
    ),
    "no_lease": Switch(rule="7: the sentinel is read once, at the conflict", patches=always_leased),
    "lease_from_answer": Switch(
        rule="7: the lease counts from the answer to the look at the sentinel, not from when the look left",
        patches=lease_from_answer,
        weather=FROZEN.but(
            servers=[False],
            rivals=["second", "copy"],
            freezes=[400],
            freeze_rate=[0],
            stall_rate=[0.1],
            permits=[30],
            scripts=[("run",)],
            calm_at=[100],
        ),
    ),
    "no_epoch": Switch(rule="the fence: a stale owner may write", patches=any_epoch),
    "no_path_check": Switch(
        rule="the fence: a process goes on with a file that is no longer at its path",
        patches=no_path_check,
        weather=ANY.but(
            servers=[False], freeze_rate=[0.004], freezes=[40, 200], disaster=[0.6], rivals=[""], calm_at=[200, 600]
        ),
    ),
    "shared_key_ignored": Switch(
        rule="shared steps: each run executes the shared step itself", patches=shared_key_ignored
    ),
}
