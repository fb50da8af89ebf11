"""Asking the platform what many sources need to know: each question once, many at a time, and giving up when it is
silent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from functools import partial
from typing import Generic, TypeVar

from engine.errors import Answer, Rejected
from engine.together import together

Question = TypeVar("Question", bound=Hashable)
Known = TypeVar("Known")

KEPT = 4096
"""Answers that are kept, at least; an older one is asked for again."""
PATIENCE = 3
"""After so many questions in a row that got no answer, no more are asked."""


class Asking(Generic[Question, Known]):
    """Answers by question. `ask` raises `Rejected` for what is wrong with the question, which is an answer; where it
    raises another `Answer`, or returns None, nothing is known, and the steps will find out. `unheard` counts those."""

    def __init__(self, ask: Callable[[Question], Awaitable[Known | None]]) -> None:
        self._ask = ask
        self._answers: OrderedDict[Question, Known | Rejected | None] = OrderedDict()
        self._silent = 0
        self.unheard = 0

    async def about(self, questions: Iterable[Question]) -> None:
        """Ask what is not known yet. All that are asked about together are kept."""
        wanted = set(questions)
        known = wanted & self._answers.keys()
        for question in known:
            self._answers.move_to_end(question)
        if unknown := wanted - known:
            await together(*(partial(self._one, question) for question in unknown))
        while len(self._answers) > max(KEPT, len(wanted)):
            self._answers.popitem(last=False)

    async def __call__(self, question: Question) -> Known | Rejected | None:
        """The answer to one question."""
        await self.about((question,))
        return self._answers[question]

    def get(self, question: Question) -> Known | Rejected | None:
        """The answer to a question that was among the latest; None where nothing is known."""
        return self._answers.get(question)

    async def _one(self, question: Question) -> None:
        answer: Known | Rejected | None = None
        if self._silent < PATIENCE:
            try:
                answer = await self._ask(question)
                self._silent = 0
            except Rejected as refused:
                answer = refused
            except Answer:
                self._silent += 1
        self.unheard += answer is None
        self._answers[question] = answer
