"""The promise, as a judge who sees everything (docs/promise.md).

Every step has exactly one live object, each journal that came to its end knows it, nothing is unreferenced, nothing of
somebody else was touched; or the step was reported, with an excuse: lists that lag beyond settle, or a journal that
forgot, or another one, so that nobody knows what was destroyed or whose attempt made what.

What remains outside the promise, and is excused without a report (docs/promise.md):
- a shared step that two live journals race for, or that a lost journal made whose runs were destroyed: no sentinel
  guards it, and it can be made twice within the lists' lag (rule 7);
- a run without a sentinel of its own, and what it shares, while its journal has a living rival, when a journal that
  forgot was destroyed with (nothing tells the generation), or as long as it has met nothing that tells of another one;
- a request that was sent again without proof, because the lists lagged beyond settle, by a journal that was lost or
  overtaken before the twin was listed, of a shared step, for which there is no younger object to wait for, or of a
  mapping, a second one of which does no harm;
- a mapping that somebody changed, and to which an earlier copy of the journal goes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine import codec, labels
from engine.model import Origin, RunState, RunStatus, StepState
from engine.simulation import chain as chain_
from engine.simulation.chain import chain
from engine.simulation.hands import BY_HAND
from engine.simulation.kinds import Spec
from engine.simulation.operator import Operator
from engine.simulation.platform import Platform, theirs
from engine.simulation.things import SHARED, Thing, run_of
from engine.simulation.watch import Where
from engine.simulation.weather import GATEWAY
from engine.simulation.world import World

FORGETTING = frozenset({"deleted", "restored", "failover", "rewound", "second", "copy"})
CHANGING = frozenset({"changes", "retables"})
"""What somebody makes of an object of which no journal is sure yet: it is not taken for ours."""
JUSTIFIED = re.compile("differs|another may have been made|somebody made it")
HARM = re.compile(
    "silent duplicate|left behind|lost|journal is wrong|inexcusable doubt|id changed|receipt lost|strange receipt|"
    "somebody else|sure of|a second one|recover changes|switched"
)
"""What a sabotage must cause to count as found: not merely a rule broken, a bug, or no end."""


def judge(world: World, platform: Platform, operators: list[Operator]) -> list[str]:
    """Everything that is wrong at the end of a schedule; empty: the promise held."""
    reported = {key: why for operator in operators for key, why in operator.reported.items()}
    excused = _excused(world, platform, operators)
    twins = {key for key in excused if platform.doubled(key)}
    forgot = bool(world.faults.keys() & {*FORGETTING, *CHANGING})
    wrong = [
        f"inexcusable doubt {run}/{step}: {why}"
        for (run, step), why in reported.items()
        if world.lists != "tail" and not twins and (run, step) not in excused and not (forgot and JUSTIFIED.search(why))
    ]
    wrong += [what for o in operators for where, what in o.watch.wrong if where not in {*reported, *excused}]
    wrong += [bug for operator in operators for bug in operator.bugs]
    # An object that no journal knows of may be in a delete's way; of a disk that went back nothing tells.
    unknown = "rewound" in world.faults or any(run != SHARED for run, _ in excused)
    ended = ("done", "reported", "given up") if unknown else ("done", "reported")
    wrong += [f"never came to an end: {o.runs}" for o in operators if o.outcome not in ended]
    for thing_id in (id for id in platform.history if id.endswith("-theirs")):
        if platform.history[thing_id][1:]:
            wrong.append(f"somebody else's object was changed: {thing_id}")
    for run in dict.fromkeys([name for operator in operators for name in (*operator.runs, SHARED)]):
        blocked = any(r in (run, SHARED) for r, _ in (*reported, *twins))
        for step in chain.steps:
            if (run, step) in {*reported, *twins}:
                continue
            match _whose(world, operators, run, step):
                case chain_.OWN:
                    wrong += _judge_step((run, step), platform, operators, blocked=blocked)
                case chain_.ADOPTED:
                    wrong += _judge_others((run, step), theirs(step).id, platform, operators, blocked=blocked)
                case chain_.SHARED if step in chain.sentinels and run != SHARED:
                    wrong += _judge_others((run, step), None, platform, operators, blocked=blocked)
    wrong += [
        f"somebody else's object was signed: {thing}"
        for past in platform.history.values()
        for _, thing in past
        if thing and thing.owner[0] == SHARED and labels.parse(thing.note).journal
    ]
    return list(dict.fromkeys(wrong))


def _whose(world: World, operators: list[Operator], run: str, step: str) -> str:
    """Whose the object of a step is to be: the run's own (of what is shared: that of `*`), adopted, or shared, which
    stands also for what the run does not have at all."""
    targets = {run: targets[-1] for o in reversed(operators) for run, targets in o.manifest.targets.items()}
    if run == SHARED:
        used = step == "base" or (step == "schema" and chain_.SHARED in targets.values())
        return chain_.OWN if used else chain_.SHARED
    if step == "class" and any(_last(operators, run)):
        tabular = {run: chains[-1] for o in reversed(operators) for run, chains in o.manifest.chains.items()}
        return chain_.SHARED if tabular[run] else chain_.OWN
    if step == "schema":
        return targets[run] if _last(operators, run) else chain_.OWN
    if (run, step) == world.adopted:
        return chain_.ADOPTED
    return chain_.SHARED if step == "base" else chain_.OWN


def _excused(world: World, platform: Platform, operators: list[Operator]) -> set[Where]:
    """Steps of which there may be two without a report."""
    faults, excused = world.faults, set[Where]()
    forgot = bool(faults.keys() & FORGETTING)
    if len(operators) > 1 or (forgot and any(o.destroys for o in operators)):
        excused.add((SHARED, "base"))
    excused |= {where for o in operators for where in o.left if where[1] == "mapping"}  # it was told
    if forgot:  # what cannot be deleted still has the name
        excused |= {(run, "mapping") for o in operators for run in o.runs if o.destroys}
    said = [(run, o.manifest) for o in operators for run in o.runs]
    runs = {run for run, its in said if {*its.targets[run]} - {chain_.OWN} and any(its.chains[run])}
    if runs and forgot:
        unguarded = {(run, step) for run in runs for step in chain.steps} | {(SHARED, "base")}
        unknowing = len(operators) > 1
        excused |= {where for where in unguarded if unknowing or _blind(where, platform, operators)}
    if world.lists == "tail":
        for operator in operators:
            nobody_looks = {SHARED, *operator.overtaken}
            unwatched = {key for key in operator.resent if key[0] in nobody_looks or key[1] == "mapping"}
            excused |= operator.forgotten | unwatched
    return excused


def _blind(where: Where, platform: Platform, operators: list[Operator]) -> bool:
    """Whether every object of this step but the first was sent while its journal knew of no other one; of those that
    supersede each other, but the first of a name."""
    sends = {tag: sent for operator in operators for tag, sent in operator.watch.sends.items()}
    made = dict[str, list[tuple[float, bool]]]()
    for thing in platform.live():
        tag = labels.parse(thing.note).attempt
        if thing.owner == where and tag in sends:  # a change leaves another tag in what has a title
            made.setdefault(thing.name if where[1] == "mapping" else "", []).append(sends[tag])
    return all(blind for sent in made.values() for _, blind in sorted(sent)[1:])


def _judge_step(where: Where, platform: Platform, operators: list[Operator], *, blocked: bool) -> Iterator[str]:
    run, step = where
    knowing = [operator for operator in _last(operators, run) if run != SHARED or _shares(operator, step)]
    states = [state for operator in knowing for state in _states(operator, run)]
    states = [state for state in states if run != SHARED or step in state.steps]
    seen = states if run != SHARED else [s for o in operators for s in o.store.contents.runs.values()]
    gone = any(state.status is RunStatus.DESTROYED for state in seen)
    mine = _counting(where, platform)
    if len(mine) > 1:
        yield f"silent duplicate {run}/{step}: " + " ".join(thing.id for thing in mine)
    elif mine and run != SHARED and step == "mapping" and (gone or _of_before(mine[0], platform)):
        return  # there is no way to delete it
    elif gone and mine and run != SHARED:
        yield f"left behind {run}/{step}: {mine[0].id}"
    elif states and not gone and not mine and not blocked:
        yield f"lost {run}/{step}"
    elif mine and not gone and not blocked:
        begun = step == "flow" and any(o.on.get(run, True) is None for o in operators)  # a switch that was given up
        for state in states if not begun else ():
            yield from _judge_receipt(state.steps.get(step), mine[0], f"{run}/{step}")
        for operator in _last(operators, run) if run != SHARED else ():
            if run in operator.runs and run not in operator.overtaken:
                yield from _judge_wanted(operator, mine[0], run, step)
                if step == "flow" and operator.on[run] not in (None, mine[0].on):
                    yield f"switched {run}/{step}: {mine[0]}, but it is to be {'on' if operator.on[run] else 'off'}"


def _of_before(mapping: Thing, platform: Platform) -> bool:
    """Whether somebody changed it, which a refresh put right by another one, and a journal forgot both."""
    return BY_HAND in (mapping.content, mapping.table) and "restored" in platform.world.faults


def _shares(operator: Operator, step: str) -> bool:
    """Whether a run that the operator's journal holds shares the step, so that the journal must know of its object."""
    held = [targets[-1] for run, targets in operator.manifest.targets.items() if run not in operator.overtaken]
    return step == "base" or chain_.SHARED in held


def _counting(where: Where, platform: Platform) -> list[Thing]:
    """The live objects of a step of which there may be one. Of those that supersede each other, those named like the
    one that the flow refers to: a journal that forgot may have gone back to an earlier one. A second flow, which is
    judged for itself, has a mapping of its own."""
    live = platform.live()
    mine = [thing for thing in live if thing.owner == where]
    flows = [thing for thing in live if thing.owner == (where[0], "flow")]
    used = {ref for thing in flows[:1] for ref in thing.refs if len(flows) == 1}
    names = {thing.name for thing in mine if where[1] == "mapping" and thing.id in used}
    rivals = platform.rivals(where)
    return [thing for thing in mine if (thing.name in names if names else thing.id in rivals)]


def _judge_wanted(operator: Operator, thing: Thing, run: str, step: str) -> Iterator[str]:
    manifest = operator.manifest
    wanted = (manifest.content[run], manifest.inputs(run).tables(step), manifest.called[run])
    if (thing.content, thing.table, thing.name.partition(" ")[0]) != wanted:
        yield f"journal is wrong {run}/{step}: {thing.name}, {thing}, but the manifest says {wanted}"


def _last(operators: list[Operator], run: str) -> list[Operator]:
    """Whose journals must say what there is. Of people who at some time wanted different things of one run, with two
    journals that live, nobody's: each change is conditional, but the other journal does not learn of it."""
    theirs = [operator for operator in operators if run in operator.runs]
    if len(theirs) > 1 and any(run in operator.manifest.mended for operator in operators):
        return []
    return [operator for operator in operators if operator.outcome == "done"]


def _judge_others(
    where: Where, id: str | None, platform: Platform, operators: list[Operator], *, blocked: bool
) -> Iterator[str]:
    """A step whose object is somebody else's, or shared, or that has none: the run has none of its own any more. A
    journal that is lost while nothing else tells of what departs may take the only word of it along."""
    run, step = where
    told = blocked or any(where in o.left or _met_nothing(run, o, platform) for o in operators)
    unheard = {at for operator in operators for other, at in operator.unheard if (other, step) == (run, "class")}
    moves = any(len(operator.manifest.targets.get(run, ())) > 1 for operator in operators)
    for thing in platform.live():
        if thing.owner != where or told:
            continue
        if all(_tells(run, at, platform, moves=moves) for at in unheard):
            yield f"left behind {run}/{step}: {thing.id}, though the run has no {step} of its own"
    for operator in operators:
        for state in _states(operator, run) if operator.outcome == "done" and not blocked else ():
            receipt = state.steps[step].receipt if step in state.steps else None
            ours = receipt is not None and receipt.origin is not Origin.ADOPTED
            if state.status is RunStatus.DONE and (ours or (id and (receipt is None or receipt.id != id))):
                yield f"journal is wrong {run}/{step}: {receipt}, but it is {id or 'shared'}"


def _tells(run: str, at: float, platform: Platform, *, moves: bool) -> bool:
    """Whether something was there for long enough after this moment that only the other chain makes as it is. A target
    that was made beside what is left goes after it, so that it tells, unless it `moves`, or somebody deleted it."""
    faults = platform.world.faults
    left = max(thing.created for thing in platform.live() if thing.owner == (run, "class"))
    for past in platform.history.values():
        created, thing = past[0]
        other = thing and (thing.refs if thing.kind == "source" else thing.kind == "target" and thing.table == 0)
        stayed = all(after or when > at + GATEWAY for when, after in past)
        goes_last = thing and thing.kind == "target" and created > left and not (moves or faults["deletes"])
        if thing and thing.owner[0] == run and other and created <= at and (stayed or goes_last):
            return True
    return False


def _met_nothing(run: str, operator: Operator, platform: Platform) -> bool:
    """Whether a journal that forgot could not meet what was the run's sentinel before, or is it by now."""
    since = operator.forgot_at
    titled = [thing.created for thing in platform.live() if thing.owner == (run, "class")]
    return since is not None and all(created > since for created in titled)


def _states(operator: Operator, run: str) -> Iterator[RunState]:
    """The run as the operator's journal has it; an overtaken journal does not count."""
    ours = bool(set(operator.runs) - operator.overtaken)
    for state in operator.store.contents.runs.values():
        if (run_of(state.source) == run and run not in operator.overtaken) or (run == SHARED and state.shared and ours):
            yield state


def _judge_receipt(step: StepState | None, thing: Thing, where: str) -> Iterator[str]:
    receipt = step.receipt if step else None
    etag_moves = thing.kind in chain.sentinels  # another journal may have signed it since
    if step is None or receipt is None or receipt.id != thing.id:
        yield f"journal is wrong {where}: {receipt} but {thing}"
    elif receipt.etag != str(thing.etag) and not etag_moves:
        yield f"journal is wrong {where}: etag {receipt.etag} but {thing.etag}"
    elif receipt.origin is Origin.CREATED and step.spec is not None:
        needs = chain.steps[step.name].needs if thing.refs else ()  # what the tabular chain lacks is not referred to
        asked = codec.fingerprint(Spec(content=thing.content, table=thing.table, refs=needs))
        if step.spec.partition(".")[0] != asked:
            yield f"journal is wrong {where}: it remembers other inputs than {thing} has"
