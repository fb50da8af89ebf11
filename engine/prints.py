"""Prints: what a step was asked for, in a few characters. Pure.

A step keeps a print of its spec, of its name, and of each id that it refers to, so that it can be told whether that is
still what it would be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any
from zlib import crc32

from engine import codec
from engine.model import Receipt, RunState, StepState
from engine.workflow import Step, Workflow

ABSENT = "-" * 8


def asked(workflow: Workflow[Any], step: Step, inputs: Any, present: Mapping[str, object]) -> str:
    """A print of what the inputs alone ask of a step. `present`: the steps that the run has."""
    stand_ins = {need: _stand_in(need) for need in step.needs if need in present}
    return codec.fingerprint(workflow.spec(step, inputs, stand_ins))


@cache
def _stand_in(need: str) -> Receipt:
    return Receipt(id=need)


def printed(asked: str, source: str, needs: Sequence[str], receipts: Mapping[str, Receipt]) -> str:
    """The print of a step that was asked for under this name, with these receipts."""
    return f"{asked}.{referring(source, needs, receipts)}"


def referring(source: str, needs: Sequence[str], receipts: Mapping[str, Receipt]) -> str:
    """The second part of a print: the name, and the id of each need, eight characters each."""
    return short(source) + "".join([short(receipts[n].id) if n in receipts else ABSENT for n in needs])


def same_needs(one: str | None, other: str) -> bool:
    """Whether what was printed refers to the same objects, whatever it was called."""
    return one is not None and one.partition(".")[2][8:] == other.partition(".")[2][8:]


@lru_cache(maxsize=4096)  # a run asks for its source at each step, and for an id at each step that refers to it
def short(text: str) -> str:
    """Eight characters that tell an id or a name apart from others."""
    return f"{crc32(text.encode()):08x}"


def source_of(run: RunState, step: StepState) -> str:
    """The name of the source that a step was made with."""
    rest = (step.spec or "").partition(".")[2]
    return next((name for name in (run.source, *run.formerly) if rest.startswith(short(name))), run.source)
