"""One broken rule at a time. A proof that cannot fail is none: each switch must be caught by the judge.

A switch replaces a function of the engine while schedules run; the engine itself knows nothing of it, and nothing here
is ever part of a real run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from engine.simulation.sabotage import chains, changes, doubts, journals, sending, switches, targets
from engine.simulation.sabotage.switch import Switch

SWITCHES: Mapping[str, Switch] = {
    **sending.SWITCHES,
    **doubts.SWITCHES,
    **journals.SWITCHES,
    **changes.SWITCHES,
    **switches.SWITCHES,
    **targets.SWITCHES,
    **chains.SWITCHES,
}
"""Every switch by name."""


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
