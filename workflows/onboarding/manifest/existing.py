"""The key `existing`: objects that are there already, by step. What is adopted refers to what is there, never to what
is still to be made. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.onboarding.chains import KEYS, nameable, onboarding, steps_of
from workflows.onboarding.manifest.merge import is_adopted, is_dataset_id
from workflows.onboarding.manifest.mistakes import Flaw, did_you_mean, quoted


def existing_flaws(chain: str, said: Mapping[str, Any]) -> Iterator[Flaw]:
    """What is wrong with the steps that a source of this chain names in `existing`."""
    unknown = [name for name in said.get("existing", {}) if name not in nameable(chain)]
    for name in unknown:
        if name in KEYS:
            yield Flaw(("existing", name), f"existing has no {name}", f"name its id in {KEYS[name]}")
        else:
            elsewhere = name in onboarding.steps
            near = None if elsewhere else did_you_mean(name, nameable(chain))
            yield Flaw(("existing", name), f"chain {chain} makes no {quoted(name)}", near)
    if not unknown:
        yield from _dangling(chain, said)


def _dangling(chain: str, said: Mapping[str, Any]) -> Iterator[Flaw]:
    steps, named = steps_of(chain), said.get("existing", {})
    there = {*named, *_there(said)}
    for name in named:
        for need in steps[name].needs:
            if need in steps and need not in there and not steps[need].reads_only:
                where = KEYS.get(need, f"existing.{need}")
                message = f"existing.{name} refers to a {need} that exists, too"
                yield Flaw(("existing", name), message, f"name its id in {where}")


def _there(said: Mapping[str, Any]) -> Iterator[str]:
    """The steps for which existing objects are named by keys of their own."""
    if isinstance(said.get("base_connection"), str):
        yield "base_connection"
    if is_adopted(said.get("target", {})):
        yield "target_schema"
    if is_dataset_id(said.get("target", {}).get("dataset")):
        yield "dataset"
