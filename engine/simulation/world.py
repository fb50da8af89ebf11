"""The world of one schedule: virtual time, randomness, what goes wrong, the story.

Randomness comes in streams, one per purpose, so that a schedule in which less goes wrong is otherwise much the same:
that is what makes a failing one shrink.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import copy_context
from random import Random
from typing import TYPE_CHECKING, Any, TypeVarTuple

from engine.simulation.weather import Weather

if TYPE_CHECKING:
    from engine.simulation.process import Process

Ts = TypeVarTuple("Ts")


class World:
    """Everything that a seed decides. `only`: the strokes of fate, by name, that are let happen; None: all."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seed: int,
        weather: Weather,
        *,
        only: frozenset[str] | None = None,
        trace: bool = False,
    ) -> None:
        self.loop, self.seed, self.weather, self.only, self.trace = loop, seed, weather, only, trace
        self.faults: Counter[str] = Counter()
        self.strokes: list[str] = []
        self.story: list[str] = []
        self.bugs: list[str] = []
        self._context = copy_context()
        self._streams: dict[str, Random] = {}
        self._drawn: Counter[str] = Counter()
        self.processes: list[Process] = []
        self.calm_at: float = self._draw("calm_at")
        self.crash_rate: float = self._draw("crash_rate")
        self.kill_rate: float = self._draw("kill_rate")
        self.stop_rate: float = self._draw("stop_rate")
        self.freeze_rate: float = self._draw("freeze_rate")
        self.fault_rate: float = self._draw("fault_rate")
        self.wire_rate: float = self._draw("wire_rate")
        self.stall_rate: float = self._draw("stall_rate")
        self.stalls: str = self._draw("stalls")
        self.expiry_rate: float = self._draw("expiry_rate")
        self.storage_rate: float = self._draw("storage_rate")
        self.jump_rate: float = self._draw("jump_rate")
        self.mend_rate: float = self._draw("mend_rate")
        self.disaster: float = self._draw("disaster")
        self.regret: float = self._draw("regret")
        self.hurry: float = self._draw("hurry")
        self.hands: float = self._draw("hands")
        self.stay_rate: float = self._draw("stay_rate")
        self.outages: int = self._draw("outages")
        self.runs: int = self._draw("runs")
        self.server: bool = self._draw("servers")
        self.read_lag: float = self._draw("read_lag")
        self.lists: str = self._draw("lists")
        self.rival: str = self._draw("rivals")
        self.tabular: bool = self._draw("tabular")
        self.adopted = "a", self._draw("adopts")
        self.script: tuple[str, ...] = self._draw("scripts")

    def _draw(self, field: str) -> Any:
        return Random(f"{self.seed} {field}").choice(getattr(self.weather, field))

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.time()

    @property
    def calm(self) -> bool:
        """Whether nothing goes wrong any more."""
        return self.loop.time() >= self.calm_at

    def stream(self, purpose: str) -> Random:
        """The randomness of one purpose."""
        stream = self._streams.get(purpose)
        if stream is None:
            stream = self._streams[purpose] = Random(f"{self.seed} {purpose}")
        return stream

    def strikes(self, what: str, probability: float) -> bool:
        """Whether this goes wrong now."""
        if probability <= 0 or self.calm or self.stream(what).random() >= probability:
            return False
        self._drawn[what] += 1
        stroke = f"{what} {self._drawn[what]}"
        self.strokes.append(stroke)
        return self.only is None or stroke in self.only

    def after(self, delay: float, act: Callable[[*Ts], object], *arguments: *Ts) -> None:
        """Do something later, whatever becomes of whoever asked."""
        self.loop.call_later(delay, act, *arguments, context=self._context)

    def say(self, who: str, text: str) -> None:
        """A line of the story, kept for a schedule that is looked at."""
        if self.trace:
            self.story.append(f"{self.now:9.2f}  {who:<10} {text}")

    def fault(self, who: str, text: str) -> None:
        """Something goes wrong: counted by its first word."""
        self.faults[text.split(maxsplit=1)[0]] += 1
        self.say(who, "!! " + text)

    def broken(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception that nobody handled: a bug of the engine or of the simulation."""
        self.bugs.append(f"bug: {context.get('exception') or context['message']!r}")
