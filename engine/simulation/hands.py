"""People with other tools: they delete what runs have made, and change it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from engine import labels
from engine.simulation.platform import Platform
from engine.simulation.things import SHARED, Thing
from engine.simulation.world import World

BY_HAND = 99
"""What people make of a content or a table."""
WAYS = ("deletes", "deletes", "changes", "retables", "describes", "switches")
CONFUSING = {"describes": "switches", "switches": "describes"}


def by_hand(world: World, platform: Platform, runs: Collection[str]) -> None:
    """Three times perhaps, one object is deleted, whatever refers to it, changed, described anew, or switched. A
    sentinel is left alone where journals are lost, too: then nobody knows of either (docs/promise.md). Nor does anybody
    know who switched a flow when nothing tells whose it is."""
    rng, done = world.stream("hands"), set[tuple[str, str]]()
    for _ in range(3):
        mine = [thing for thing in platform.live() if thing.owner[0] in runs]
        mine = [thing for thing in mine if not (world.disaster and labels.parse(thing.note).journal)]
        if not mine or not world.strikes("hands", world.hands):
            continue
        thing, how = rng.choice(mine), rng.choice(WAYS)
        if (how, thing.kind) == ("deletes", "mapping") or (how, thing.owner[0]) == ("retables", SHARED):
            continue  # there is no such request; a shared object is not replaced
        if how == "describes" and not labels.parse(thing.note).journal:
            continue  # of one in doubt nobody could know any more which attempt made it: then it is a question
        if how == "switches" and (thing.kind != "flow" or world.disaster):
            continue  # of a journal that forgot, nobody could know any more who did
        if (CONFUSING.get(how, ""), thing.owner[0]) in done:
            continue
        done.add((how, thing.owner[0]))
        world.fault("hands", f"{how} {thing.id}")
        changes: dict[str, Thing | None] = {
            "deletes": None,
            "changes": replace(thing, content=BY_HAND, etag=thing.etag + 1),
            "retables": replace(thing, table=BY_HAND, etag=thing.etag + 1),
            "switches": replace(thing, on=not thing.on, etag=thing.etag + 1),
            "describes": replace(thing, note="by hand", etag=thing.etag + 1),
        }
        platform.history[thing.id].append((world.now, changes[how]))
