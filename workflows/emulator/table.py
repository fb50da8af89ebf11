"""One kind of object in one sandbox: rows, the past that lagging lists show, and indices built on first use."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from workflows.emulator.paths import Condition, Path, order_key, text, values

Body = dict[str, Any]
Posting = dict[int, None]  # numbers of objects, ascending
Index = dict[str, Posting]
HISTORY = 8  # earlier states that a lagging list can still show, per object
MAX_INDICES = 24  # paths per kind that get an index; others are scanned


class Entity:
    """One object: its current body, and what earlier lists still show of it.

    `kind` is what the books call it; `foreign` marks what was there before any client; `history` holds pairs of the
    monotonic time from which lists show a state and that state (None: deleted), oldest first.
    """

    __slots__ = ("body", "created", "foreign", "history", "id", "kind", "live", "name", "seq", "store")

    def __init__(self, *, id: str, kind: str, name: str, body: Body, created: int, foreign: bool) -> None:
        self.id = id
        self.kind = kind
        self.name = name
        self.body = body
        self.created = created
        self.foreign = foreign
        self.live = True
        self.seq = -1
        self.history: list[tuple[float, Body | None]] = []
        self.store: dict[str, Any] = {}  # what handlers keep beside the body and no answer shows

    def at(self, horizon: float | None) -> Body | None:
        """The body as seen at `horizon` (None: now); None when it does not exist there."""
        if horizon is None:
            return self.body if self.live else None
        seen = None
        for since, body in self.history:
            if since > horizon:
                break
            seen = body
        return seen


class Table:
    """All objects of a kind, in order of creation.

    `lag` draws, for each change, how many seconds later the lists show it; `clock` is monotonic.
    """

    def __init__(self, clock: Callable[[], float], lag: Callable[[], float]) -> None:
        self.rows: dict[str, Entity] = {}
        self.order: list[Entity] = []
        self.live = 0
        self._clock = clock
        self._lag = lag
        self._indices: dict[tuple[Path, bool], Index] = {}
        self._sorted: dict[Path, tuple[int, list[tuple[Entity, Body]]]] = {}
        self._changes = 0

    def get(self, id: str, horizon: float | None = None) -> Entity | None:
        """The object, if it exists at `horizon`."""
        entity = self.rows.get(id)
        return entity if entity is not None and entity.at(horizon) is not None else None

    def add(self, entity: Entity) -> None:
        """Take a new object."""
        entity.seq = len(self.order)
        self.rows[entity.id] = entity
        self.order.append(entity)
        self.live += 1
        self._record(entity, entity.body)

    def change(self, entity: Entity, body: Body, name: str) -> None:
        """Give an object its next state."""
        entity.body = body
        entity.name = name
        self._record(entity, body)

    def remove(self, entity: Entity) -> None:
        """Delete an object; lagging lists go on to show it for a while."""
        entity.live = False
        self.live -= 1
        self._record(entity, None)

    def _record(self, entity: Entity, body: Body | None) -> None:
        self._changes += 1
        shown = self._clock() + self._lag()
        if entity.history:
            shown = max(shown, entity.history[-1][0])
        entity.history.append((shown, body))
        del entity.history[:-HISTORY]
        if body is not None:
            for (path, into_arrays), index in self._indices.items():
                _post(index, entity, path, into_arrays, body)

    def select(
        self,
        conditions: Sequence[Condition] = (),
        *,
        horizon: float | None = None,
        after: int = -1,
        newest_first: bool = False,
    ) -> Iterator[tuple[Entity, Body]]:
        """The objects that pass every condition at `horizon`, in order of creation, starting behind number `after`."""
        numbers = self._candidates(conditions)
        if newest_first:
            numbers = (numbers[: bisect_left(numbers, after)] if after >= 0 else numbers)[::-1]
        elif after >= 0:
            numbers = numbers[bisect_right(numbers, after) :]
        for number in numbers:
            entity = self.order[number]
            body = entity.at(horizon)
            if body is not None and all(condition.holds(body) for condition in conditions):
                yield entity, body

    def ordered(
        self, path: Path, conditions: Sequence[Condition] = (), *, horizon: float | None = None
    ) -> list[tuple[Entity, Body]]:
        """The same by the first value at `path`, ascending, ties in order of creation; kept until something changes."""
        key = None if conditions or horizon is not None else path
        if key is not None and self._sorted.get(key, (-1, []))[0] == self._changes:
            return self._sorted[key][1]
        rows = sorted(self.select(conditions, horizon=horizon), key=lambda row: row_key(row, path))
        if key is not None:
            self._sorted[key] = (self._changes, rows)
        return rows

    def _candidates(self, conditions: Sequence[Condition]) -> Sequence[int]:
        """Numbers of the objects that can pass, ascending: those of the indexed condition with the fewest."""
        fewest: list[Posting] | None = None
        for condition in conditions:
            index = self._index((condition.path, condition.into_arrays)) if condition.operator == "==" else None
            if index is not None:
                postings = [index[operand] for operand in condition.operands if operand in index]
                if fewest is None or sum(map(len, postings)) < sum(map(len, fewest)):
                    fewest = postings
        if fewest is None:
            return range(len(self.order))
        return list(fewest[0]) if len(fewest) == 1 else sorted({number for posting in fewest for number in posting})

    def _index(self, key: tuple[Path, bool]) -> Index | None:
        index = self._indices.get(key)
        if index is None and len(self._indices) < MAX_INDICES:
            index = self._indices[key] = {}
            for entity in self.order:
                for _, body in entity.history:
                    if body is not None:
                        _post(index, entity, key[0], key[1], body)
        return index


def row_key(row: tuple[Entity, Body], path: Path) -> tuple[tuple[int, float, str], int]:
    """What rows are sorted by."""
    return order_key(next(values(row[1], path), None)), row[0].seq


def _post(index: Index, entity: Entity, path: Path, into_arrays: bool, body: Body) -> None:
    """Enter an object under its values at `path`; earlier ones stay, as lagging lists still show them."""
    for value in values(body, path, into_arrays=into_arrays):
        key = text(value)
        if key is None:
            continue
        posting = index.setdefault(key, {})
        late = bool(posting) and next(reversed(posting)) > entity.seq and entity.seq not in posting
        posting[entity.seq] = None
        if late:
            index[key] = dict.fromkeys(sorted(posting))
