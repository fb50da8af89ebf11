"""One step on its way to its receipt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from engine.active import Active
from engine.model import StepState, value

Finish = Callable[[StepState], Awaitable[None]]
"""Journals the state of a step that has its receipt now, and whatever goes into the same record."""


@value
class Work:
    """A step being brought to its receipt: what it asks for, the instance of its resource, and how it is finished."""

    run: Active
    name: str
    spec: Any
    resource: Any
    finish: Finish

    @property
    def step(self) -> StepState:
        """The step's state as it is now."""
        return self.run.step(self.name)
