"""One step on its way to its receipt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from engine.active import Active
from engine.model import StepState, value


@value
class Work:
    """A step being brought to its receipt: what it asks for, and `finish`, which journals the state that has it."""

    run: Active
    name: str
    spec: Any
    resource: Any
    finish: Callable[[StepState], Awaitable[None]]

    @property
    def step(self) -> StepState:
        """The step's state as it is now."""
        return self.run.step(self.name)
