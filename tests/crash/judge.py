"""THE judge: what must hold once a scenario's run has been continued to its end, whatever happened on the way.

The journal, as `headway status --json` shows it, is held against the emulator's own list of objects and its books.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.crash.stage import Stage
from workflows.cli.failures import Exit

KINDS = {"adhoc_class": "class", "adhoc_schema": "schema", "target_schema": "schema"}
"""What the platform calls a step's object, where that is not the step's own name."""

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the judge looks at. `made`: every step with an object of ours; `live`: every live object of ours, by id."""

    runs: list[dict[str, Any]]
    made: list[tuple[str, Entry]]
    live: Mapping[str, Entry]
    books: Entry


def judge(stage: Stage, *, earlier: Collection[str] = ()) -> None:
    """Every source is done, with exactly one live object for each step, and nothing else was ever made; running again
    changes nothing. `earlier`: ids of an earlier life of the runs, which was destroyed."""
    found = _gather(stage)
    _count(stage, found)
    problems = [
        *_undone(stage, found),
        *_untrue(found),
        *_left_over(found, earlier),
        *_changed(stage, found),
        *_misdeeds(found),
    ]
    assert not problems, "\n".join(problems)
    before = stage.posts()
    again = stage.start()
    assert again.code() == 0, again.err
    assert stage.posts() == before, "a second run sends something"


def finish_with_doubts(stage: Stage) -> None:
    """Continue to the end where a journal has forgotten what it did: whether the request that it does remember had an
    effect, too, may then be unknowable (docs/promise.md). That is said, and a person who has looked answers."""
    stage.tally.continued += 1
    ended = stage.start()
    if ended.code() == Exit.IN_DOUBT:
        judge_doubt(stage)
        answer_doubts(stage)
        stage.finish()
    else:
        assert ended.code() == Exit.DONE, ended.err


def answer_doubts(stage: Stage) -> None:
    """As a person would: the one object that there is is the step's."""
    for run in stage.status():
        for step in run["steps"]:
            if step["state"] == "in_doubt":
                answer = ("resume", "--resolve", run["source"], step["name"], f"adopt={step['id']}", "--json")
                assert stage.start(*answer).code() in (Exit.DONE, Exit.IN_DOUBT)


def judge_doubt(stage: Stage) -> None:
    """What could not be known is in doubt: every live object is either the one of its step, or of a step in doubt."""
    found = _gather(stage)
    _count(stage, found)
    doubtful = {
        (run["source"], step["name"]) for run in found.runs for step in run["steps"] if step["state"] == "in_doubt"
    }
    assert doubtful, "exit code 4, but nothing is in doubt"
    ids = {step["id"] for _, step in found.made}
    excused = {f"{source} {name.replace('_', ' ')} " for source, name in doubtful}
    silent = [
        f"{entry['name']}: {id} is nobody's"
        for id, entry in found.live.items()
        if id not in ids and not entry["name"].startswith(tuple(excused))
    ]
    problems = [*silent, *_untrue(found), *_changed(stage, found), *_misdeeds(found)]
    assert not problems, "\n".join(problems)


def _gather(stage: Stage) -> Evidence:
    runs = stage.status()
    made = [
        (run["source"], step) for run in runs for step in run["steps"] if step["origin"] in ("created", "recovered")
    ]
    objects = stage.platform.objects()
    live = {id: entry for id, entry in objects.items() if entry["live"] and not entry["foreign"]}
    return Evidence(runs=runs, made=made, live=live, books=stage.platform.report())


def _count(stage: Stage, found: Evidence) -> None:
    stage.tally.objects = len(found.live)
    stage.tally.duplicates = found.books["duplicates"]["count"]


def _undone(stage: Stage, found: Evidence) -> Iterator[str]:
    if len(found.runs) != stage.sources:
        yield f"{len(found.runs)} runs for {stage.sources} sources"
    for run in found.runs:
        if run["state"] != "done":
            yield f"{run['source']} is {run['state']}: {run['error']}"
        for step in run["steps"]:
            if step["state"] != "done":
                yield f"{run['source']} {step['name']} is {step['state']}: {step['error']}"


def _untrue(found: Evidence) -> Iterator[str]:
    """The journal's ids and etags are the platform's. A new dataset's etag is told by nobody but a look (contract 1.6);
    where the platform gives no etag, its version counts."""
    owners: dict[str, str] = {}
    for source, step in found.made:
        where, entry = f"{source} {step['name']}", found.live.get(step["id"])
        if entry is None:
            yield f"{where}: {step['id']} does not exist"
            continue
        kind = KINDS.get(step["name"], step["name"])
        if entry["kind"] != kind:
            yield f"{where}: {step['id']} is a {entry['kind']}"
        ours, theirs = step["etag"] or step["version"], entry["etag"] or entry["version"]
        if str(ours) != str(theirs) and not (ours is None and kind == "dataset"):
            yield f"{where}: etag {ours} here, {theirs} there"
        owner = f"shared {step['name']}" if step["shared"] else where
        if owners.setdefault(step["id"], owner) != owner:
            yield f"{where}: {step['id']} is that of {owners[step['id']]}, too"


def _left_over(found: Evidence, earlier: Collection[str]) -> Iterator[str]:
    """What is nobody's, or was made and is not there any more. Mapping sets cannot be deleted (contract 11.2)."""
    ids = {step["id"] for _, step in found.made}
    excused = {id for id in earlier if id in found.live and found.live[id]["kind"] == "mapping_set"}
    for id, entry in found.live.items():
        if id not in ids | excused:
            yield f"{entry['name']}: {id} is nobody's"
    created = sum(found.books["created"].values())
    if created != len(ids) + len(earlier):
        yield f"{created} objects were created for {len(ids)} steps: {found.books['created']}"
    if found.books["duplicates"]["count"]:
        yield f"duplicates: {found.books['duplicates']['groups']}"
    for entry in found.books["unreferenced"]["objects"]:
        if entry["id"] not in excused:
            yield f"{entry['name']}: nothing refers to {entry['id']}"


def _changed(stage: Stage, found: Evidence) -> Iterator[str]:
    """What a process once called done is what the journal says now: an id never changes."""
    now = {(source, step["name"]): step["id"] for source, step in found.made if not step["shared"]}
    for source, step, id in stage.announced():
        known = now.get((source, step))
        if known not in (None, id):
            yield f"{source} {step} was {id}, and now is {known}"


def _misdeeds(found: Evidence) -> Iterator[str]:
    for kind in ("mistakes", "premature"):
        if found.books[kind]["count"]:
            yield f"{kind}: {found.books[kind]['requests'][:5]}"


def census(stage: Stage) -> dict[str, str]:
    """The kind of every live object of ours, by id."""
    return {id: entry["kind"] for id, entry in _gather(stage).live.items()}
