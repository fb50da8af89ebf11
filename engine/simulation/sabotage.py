"""One broken rule at a time. A proof that cannot fail is none: each switch must be caught by the judge.

A switch replaces a function of the engine while schedules run; the engine itself knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from engine import destroy, drive, effect, give_way, labels, machine, runner
from engine.active import Active
from engine.machine import Timing
from engine.simulation import broken
from engine.simulation.chain import Kind
from engine.simulation.clocks import Clock
from engine.simulation.weather import ANY as ANY_WEATHER
from engine.simulation.weather import READ_LAG, Weather

Patch = tuple[object, str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """`rule`: which clause it breaks. `patches`: what is put in whose place. `weather`: where it shows soonest.

    `harmless`: the clause only spares work; breaking it must break no promise, and that is shown, too.
    """

    rule: str
    patches: Callable[[], list[Patch]]
    weather: Weather = ANY_WEATHER
    harmless: bool = False


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


def _weather(**choices: Any) -> Weather:
    return replace(ANY_WEATHER, **choices)


QUIET: Mapping[str, Any] = {
    "outages": [0], "expiry_rate": [0], "storage_rate": [0], "jump_rate": [0], "mend_rate": [0], "adopts": [""],
}  # fmt: skip
FROZEN = _weather(
    servers=[True], freeze_rate=[0.004], freezes=[200], crash_rate=[0], kill_rate=[0], fault_rate=[0],
    calm_at=[600, 1500], rivals=[""], disaster=[0], **QUIET,
)  # fmt: skip
TAIL = _weather(
    lists=["tail"], fates=["late", "lost", "error"], fault_rate=[0.3, 0.5], calm_at=[1500], crash_rate=[0],
    kill_rate=[0], freeze_rate=[0], rivals=[""], disaster=[0], late=[59], runs=[2], **QUIET,
)  # fmt: skip

CHANGING = _weather(
    fates=["late", "late", "lost", "error_after"], late=[30, 59], calm_at=[600], freeze_rate=[0], rivals=[""],
    disaster=[0], adopts=[""],
)  # fmt: skip

RENAMING = _weather(
    scripts=[("run", "rename")], disaster=[0.6], disasters=["deleted"], rivals=[""], freeze_rate=[0], adopts=[""],
    lists=["ordered", "each"],
)  # fmt: skip

SWITCHES: Mapping[str, Switch] = {
    "effect_before_intent": Switch(
        rule="1: the request leaves before its intent is durable", patches=broken.effect_before_intent
    ),
    "permit_after_intent": Switch(
        rule="1: the permit comes after the intent (which is then old, and renewed, before it is sent)",
        patches=broken.permit_after_intent,
        harmless=True,
    ),
    "no_send_window": Switch(
        rule="1: the age of the intent is not checked before the send", patches=broken.no_send_window, weather=FROZEN
    ),
    "sleepy_clock": Switch(
        rule="1: the clock stands still while the machine sleeps",
        patches=lambda: [(Clock, "boot", broken.sleepy)],
        weather=FROZEN,
    ),
    "window_from_acknowledgment": Switch(
        rule="1: the age counts from the acknowledgment of the write",
        patches=broken.window_from_acknowledgment,
        weather=FROZEN,
    ),
    "generation_ignored": Switch(
        rule="2: a journal that meets a later generation does not broken.take it over",
        patches=broken.generation_ignored,
        weather=_weather(
            scripts=[("run", "destroy", "run")], disaster=[0.6], crash_rate=[0.002, 0.004], freeze_rate=[0]
        ),
    ),
    "rejection_closes_doubt": Switch(
        rule="3: a rejection closes earlier attempts, too",
        patches=broken.rejection_closes_doubt,
        weather=_weather(
            scripts=[("run", "destroy")],
            fates=["late", "lost", "rejected", "rejected"],
            fault_rate=[0.5],
            hurry=[1.0],
            freeze_rate=[0],
            calm_at=[200, 600],
        ),
    ),
    "created_closes_doubt": Switch(
        rule="3: a created object closes earlier attempts, too", patches=broken.created_closes_doubt
    ),
    "send_again_blindly": Switch(
        rule="4: a doubt is sent again at once", patches=lambda: [(machine, "decide", broken.always_create)]
    ),
    "settle_from_intent": Switch(
        rule="4: settle counts from the intent, by the wall clock", patches=broken.settle_from_intent
    ),
    "no_freshness": Switch(rule="4: after settle, not listed is absent", patches=broken.no_freshness),
    "younger_than_send": Switch(
        rule="4: the witness need only be younger than the send",
        patches=lambda: [(Timing, "gateway", property(lambda _self: 0.0))],
        weather=TAIL,
    ),
    "claim_is_opening": Switch(
        rule="4: a successor counts from its own start, not from its broken.take-over of the run",
        patches=broken.claim_is_opening,
        weather=FROZEN.but(crash_rate=[0.002], freeze_rate=[0.008], lists=["ordered"], lag=[59], relaunch=[0.2, 3]),
    ),
    "mismatch_filtered": Switch(
        rule="5: a hit with our marker and another body is ignored", patches=broken.mismatch_filtered
    ),
    "two_queries": Switch(
        rule="4: the witness is looked for by a query of its own",
        patches=broken.two_queries,
        weather=TAIL.but(runs=[2], lag=[0, 1]),
    ),
    "foreign_hit_settles": Switch(
        rule="5: a hit that another journal made settles our attempts, too",
        patches=lambda: broken.take(lambda attempts, tag: attempts if tag in {a.tag for a in attempts} else ()),
        weather=TAIL.but(rivals=["second"], fates=["late"], fault_rate=[0.5], permits=[0], lag=[0], scripts=[("run",)]),
    ),
    "gone_is_absence": Switch(
        rule="5: a listed hit that answers 404 is absence at once", patches=broken.gone_is_absence
    ),
    "hit_settles_all": Switch(
        rule="5: a hit settles every attempt of its step",
        patches=lambda: broken.take(lambda _attempts, _tag: ()),
        weather=TAIL,
    ),
    "sentinel_not_first": Switch(
        rule="7: other effects do not wait for the sentinel",
        patches=broken.sentinel_not_first,
        weather=_weather(tabular=[True], adopts=[""], disaster=[0.6], lists=["ordered", "each"], freeze_rate=[0]),
    ),
    "hit_taken_at_once": Switch(
        rule="7: what a suspect run finds is not looked at again after settle",
        patches=broken.hit_taken_at_once,
        weather=_weather(
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
        patches=lambda: [(Active, "stranger", lambda _self, _name: False)],
        weather=_weather(
            lists=["fresh"], read_lag=[0], disaster=[0.6], crash_rate=[0.004], scripts=[("run",)], freeze_rate=[0]
        ),
    ),
    "outdated_evidence": Switch(
        rule="7: evidence from before the run was suspect is good enough to send",
        patches=lambda: [(effect, "outdated", broken.never)],
        weather=_weather(
            adopts=["schema"],
            disaster=[0.6],
            disasters=["deleted"],
            scripts=[("run",)],
            rivals=[""],
            crash_rate=[0.004],
        ),
    ),
    "trust_restored": Switch(rule="7: a replaced journal is taken for the newest", patches=broken.trust_restored),
    "restored_receipts_trusted": Switch(
        rule="7: a replaced journal's receipts are believed",
        patches=lambda: [(drive, "verify", broken.nothing), (runner, "verify", broken.nothing)],
        weather=_weather(
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
    "no_lease": Switch(rule="7: the sentinel is read once, at the conflict", patches=broken.always_leased),
    "no_tombstone": Switch(
        rule="10: a deleted id may be taken again",
        patches=broken.no_tombstone,
        weather=_weather(
            scripts=[("run", "destroy", "run")],
            read_lag=[READ_LAG],
            crash_rate=[0.002],
            fault_rate=[0],
            freeze_rate=[0],
            rivals=[""],
            disaster=[0],
            calm_at=[200],
            hurry=[0],
        ),
    ),
    "open_delete_ignored": Switch(
        rule="10: run does not finish an unfinished destroy",
        patches=lambda: [(drive, "delete_doomed", broken.nothing)],
        weather=_weather(
            scripts=[("run", "destroy", "run")],
            hurry=[1.0],
            crash_rate=[0.002],
            rivals=[""],
            disaster=[0],
            calm_at=[200, 600],
        ),
    ),
    "destroy_over_doubt": Switch(
        rule="10: destroy does not resolve open intents", patches=lambda: [(destroy, "settle_intents", broken.nothing)]
    ),
    "change_unconditional": Switch(
        rule="10: a change is sent whatever became of the object meanwhile",
        patches=lambda: [(Kind, "condition", broken.unconditional)],
        weather=CHANGING.but(scripts=[("run", "change", "change")], hurry=[1.0], fault_rate=[0.5], lists=["fresh"]),
    ),
    "change_before_intent": Switch(
        rule="10: a change leaves before its intent is durable",
        patches=broken.change_before_intent,
        weather=CHANGING.but(scripts=[("run", "change", "change")], hurry=[1.0], fault_rate=[0.5], lists=["fresh"]),
    ),
    "open_change_dropped": Switch(
        rule="10: settling the intents of a run forgets its open changes",
        patches=lambda: [(machine, "calmed", broken.calmed)],
        weather=CHANGING.but(scripts=[("run", "change", "change")], hurry=[1.0], kill_rate=[0.3], lists=["fresh"]),
    ),
    "earlier_names_forgotten": Switch(
        rule="2: what was made under an earlier name of the source is not looked for",
        patches=lambda: [(labels, "_called", broken.only_this_name)],
        weather=RENAMING,
    ),
    "renamed_title_guards": Switch(
        rule="4: a title guards a source that was renamed, too",
        patches=lambda: [(Active, "unique", broken.unique_once)],
        weather=RENAMING,
    ),
    "previously_trusted": Switch(
        rule="7: a new run that had another name does not suspect that a journal was lost",
        patches=broken.previously_trusted,
        weather=RENAMING,
    ),
    "replaced_stays": Switch(
        rule="10: what is replaced is not taken down first",
        patches=lambda: [(give_way, "delete_doomed", broken.let_go)],
        weather=CHANGING.but(scripts=[("run", "replace")], fault_rate=[0]),
    ),
    "deleted_by_hand_believed": Switch(
        rule="10: what somebody deleted is taken for what the journal says of it",
        patches=lambda: [(drive, "refresh", broken.nothing), (runner, "refresh", broken.nothing)],
        weather=CHANGING.but(hands=[1.0], fault_rate=[0]),
    ),
    "replace_over_doubt": Switch(
        rule="10: replacing does not resolve open intents (who deletes what is referred to, or makes what "
        "refers to nothing, is refused later)",
        patches=lambda: [(give_way, "settle_intents", broken.nothing)],
        harmless=True,
        weather=CHANGING.but(
            scripts=[("run", "replace")],
            fates=["late", "lost", "error"],
            late=[59],
            hurry=[1.0],
            fault_rate=[0.5],
            crash_rate=[0.002],
        ),
    ),
    "generation_untold": Switch(
        rule="2: the sentinel does not tell the generation before something of it is made",
        patches=lambda: [(give_way, "hold", broken.nothing)],
        weather=_weather(
            scripts=[("run", "replace"), ("run", "change", "replace")],
            disasters=["deleted"],
            disaster=[0.6],
            freeze_rate=[0],
            rivals=[""],
            fault_rate=[0],
            crash_rate=[0.004],
            calm_at=[600],
        ),
    ),
    "no_epoch": Switch(rule="the fence: a stale owner may write", patches=broken.any_epoch),
    "no_path_check": Switch(
        rule="the fence: a process goes on with a file that is no longer at its path",
        patches=broken.no_path_check,
        weather=_weather(
            servers=[False], freeze_rate=[0.004], freezes=[40, 200], disaster=[0.6], rivals=[""], calm_at=[200, 600]
        ),
    ),
    "shared_key_ignored": Switch(
        rule="shared steps: each run executes the shared step itself", patches=broken.shared_key_ignored
    ),
}
"""Every switch by name."""
