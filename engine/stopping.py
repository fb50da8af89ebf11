"""How a batch ends before its end: nothing new begins, and what is out has some seconds to be answered and recorded."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

STOP_WITHIN = 8.0
"""Seconds that requests which are out have to be answered and journaled after a stop."""


class Stop:
    """What stops the runs of one batch: a person, a common cause (`Halt`), a mistake, or a cancellation from outside.

    Runs go from one effect to the next without waiting for anything that a cancellation could reach, so they ask
    whether a stop has `begun`.
    """

    def __init__(self) -> None:
        self.begun = False
        self._cut_off = math.inf
        self._out: set[anyio.CancelScope] = set()

    def begin(self) -> None:
        """Start nothing new; what is out has `STOP_WITHIN` seconds from the first call on."""
        if not self.begun:
            self.begun, self._cut_off = True, anyio.current_time() + STOP_WITHIN
        for scope in self._out:
            scope.deadline = self._cut_off

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Whatever breaks off what is in here stops the whole batch."""
        try:
            yield
        except BaseException:
            self.begin()
            raise

    async def heeded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the batch's work. A cancellation from outside stops it at once, even while nothing of it can be cut off:
        this task does nothing but wait for it."""
        over = anyio.Event()

        async def do() -> None:
            await work()
            over.set()

        async with anyio.create_task_group() as group:
            group.start_soon(do)
            with self.guarding():
                await over.wait()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """While a request that has an effect is out, or its record is written (rule 1)."""
        with anyio.CancelScope() as scope:
            self.shield(scope)
            try:
                yield
            finally:
                self.expose(scope)

    def shield(self, scope: anyio.CancelScope) -> None:
        """Nothing cuts off what goes on in `scope` before a stop's time is over."""
        self._out.add(scope)
        scope.shield = True
        if self.begun:
            scope.deadline = self._cut_off

    def expose(self, scope: anyio.CancelScope) -> None:
        """A stop may cut it off again."""
        scope.shield = False
        self._out.discard(scope)
