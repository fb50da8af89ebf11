"""How deep a store of permits is, and how fast it is refilled, as two emptyings of it tell. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

SHALLOWEST, DEEPEST = 0.02, 10.0
"""Between what depths is looked, in seconds of the rate."""
SLOWEST = 0.2
"""Requests per second that are always sent: without any there is nothing to learn from."""
SAME = 1.02
"""Two windows whose rates differ by no more say the same, and the longer one says it more surely."""
ROUNDS = 16
"""How often rate and depth are solved for in turn. What moves slowly stays near what was assumed: the two emptyings say
little then."""


class Drain(NamedTuple):
    """Requests taken in so many seconds before a refusal, out of a store that held at most `most` seconds' worth."""

    taken: int
    seconds: float
    most: float = math.inf

    def rate(self, depth: float) -> float:
        """What was surely refilled per second, if the store is so deep."""
        return self.taken / (self.seconds + min(depth, self.most))


class Bound(NamedTuple):
    """A rate that was surely there, and the length in seconds of the window that shows it."""

    rate: float
    seconds: float


def bound(drains: Sequence[Drain], depth: float) -> Bound:
    """What the windows before a refusal say of the rate, if the store is so deep."""
    found = [*(Bound(drain.rate(depth), drain.seconds) for drain in drains), Bound(SLOWEST, 1.0)]
    rate = max(found).rate
    return Bound(rate, max(bound.seconds for bound in found if bound.rate * SAME >= rate))


def depth(window: Sequence[Drain], burst: Sequence[Drain], assumed: float) -> float:
    """How deep the store is: the burst came out of the full store, and so did the window, or out of what a pause put
    in. The longest drain of each is the first.

    One tells the rate and the other, at that rate, the depth. Where that leads to hardly any store, it may lead to one
    with the parts exchanged. If neither does, none is there, unless the burst took more than the window: hardly any
    store explains that as well as the true one, and what was assumed is kept.
    """
    found = _solved(window, burst, assumed)
    if found > SHALLOWEST:
        return found
    exchanged = _solved(burst, window, assumed)
    if SHALLOWEST < exchanged < DEEPEST:
        return exchanged
    return assumed if burst[0].taken > window[0].taken else found


def _solved(telling: Sequence[Drain], asking: Sequence[Drain], guess: float) -> float:
    """The depth with which the rate that one emptying tells explains the other; a limit where the two never meet."""
    for _ in range(ROUNDS):
        rate = max(SLOWEST, *(drain.rate(guess) for drain in telling))
        found = max(drain.taken / rate - drain.seconds for drain in asking)
        guess = min(max(found, SHALLOWEST), DEEPEST)
    return guess
