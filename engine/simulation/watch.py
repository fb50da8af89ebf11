"""What must hold at every instant: checked at each commit, at each request, and at each object that comes to be.

- no request that creates, changes or deletes leaves without a durable intent (rules 1 and 10);
- an id in the journal never changes, is the platform's, and goes only when its object is gone;
- no journal is sure of a step of which there are two, and no second one comes to be while none is in doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import labels
from engine.journal.memory import Contents, MemoryStore
from engine.model import Origin, Receipt, RunState, StepState, StepStatus, Verb
from engine.simulation.platform import Platform, Request
from engine.simulation.things import SHARED, owner, run_of

if TYPE_CHECKING:
    from engine.simulation.process import Process

Where = tuple[str, str]
"""(run, step)"""


class Watch:
    """Watches one journal and what the processes that hold it send. `wrong`: where, and what is wrong there.

    `sends`: by tag, when a create left, and whether it was blind: nothing in the journal spoke of another one (rule 7).
    """

    def __init__(self, platform: Platform, store: MemoryStore) -> None:
        self.platform, self.store = platform, store
        self.wrong: list[tuple[Where, str]] = []
        self.sends: dict[str, tuple[float, bool]] = {}
        self._contents: Contents = store.contents
        self._seen: dict[int, RunState] = {}
        self._heard: dict[int, int] = {}
        self._tags, self._doomed, self._signs = set[str](), set[str](), set[tuple[str, int]]()
        self._updates = set[tuple[str, str]]()

    # the journal

    def opened(self) -> None:
        """A process opened the journal: what it holds is where we begin, if another one was put in its place."""
        contents = self.store.contents
        if self._contents is not contents:
            self._contents, self._seen = contents, {}
            self._heard = {key: len(events) for key, events in contents.history.items()}
        self._seen |= contents.runs

    def committed(self) -> None:
        """Something has become durable just now."""
        contents = self.store.contents
        if self._contents is not contents:
            return  # a journal that nobody has opened yet; the commit went to the one that was there before
        for key, run in contents.runs.items():
            before = self._seen.get(key)
            if run is before:
                continue
            for name, step in run.steps.items():
                old = before.steps.get(name) if before else None
                if step is not old:
                    self._step(run, old or StepState(name=name), step)
            self._seen[key] = run
            events = contents.history.get(key, ())
            for event in events[self._heard.get(key, 0) :]:
                if event.detail.get("verb") == "sign":
                    self._signs.add((str(event.detail.get("journal")), int(str(event.detail.get("generation", 0)))))
            self._heard[key] = len(events)

    def _step(self, run: RunState, old: StepState, new: StepState) -> None:
        where = _where(run), new.name
        self._tags |= {attempt.tag for attempt in new.attempts if attempt.verb is Verb.CREATE}
        if new.receipt:
            changing = [attempt for attempt in new.attempts if attempt.verb is Verb.UPDATE]
            self._updates |= {(new.receipt.id, attempt.condition) for attempt in changing}
        self._doomed |= set(new.tombstones)
        if old.receipt and new.receipt is None:
            self._dropped(where, old.receipt, new)
        elif old.receipt and new.receipt and old.receipt.id != new.receipt.id:
            self._say(where, f"id changed from {old.receipt.id} to {new.receipt.id}")
        elif new.receipt and new.receipt is not old.receipt:
            self._received(where, new.receipt)
        if new.receipt and new.receipt.origin is not Origin.ADOPTED and _sure(run, new):
            self._one(where, f"sure of {new.receipt.id}")

    def _dropped(self, where: Where, receipt: Receipt, step: StepState) -> None:
        there = self.platform.history.get(receipt.id, [(0.0, None)])[-1][1]
        spared = receipt.origin is Origin.ADOPTED and step.status is StepStatus.DESTROYED
        if there and not spared and there.kind != "mapping":
            self._say(where, f"receipt lost: {receipt.id} is still there")

    def _received(self, where: Where, receipt: Receipt) -> None:
        past = [thing for _, thing in self.platform.history.get(receipt.id, ()) if thing]
        if receipt.etag not in {str(thing.etag) for thing in past}:
            self._say(where, f"strange receipt: {receipt}")
        if receipt.origin is not Origin.ADOPTED and where not in {thing.owner for thing in past}:
            self._say(where, f"somebody else's object: {receipt}")

    def _one(self, where: Where, what: str) -> None:
        live = self.platform.rivals(where)
        if len(live) > 1:
            self._say(where, f"{what}, and there are {' '.join(live)}")

    def sure(self, where: Where) -> bool:
        """Whether the journal has no doubt about a step that it knows."""
        for run in self.store.contents.runs.values():
            if _where(run) == where[0] and where[1] in run.steps:
                return _sure(run, run.steps[where[1]])
        return False

    # what is sent

    def sent(self, process: Process, request: Request) -> None:
        """A request leaves."""
        note = labels.parse(request.note)
        match request.verb:
            case "POST":
                known = note.attempt in self._tags
                self.sends[note.attempt] = self.platform.world.now, not self._suspects(request)
            case "SIGN":
                known = (note.journal, note.generation) in self._signs
            case "PATCH":
                known = (request.id, request.before) in self._updates
            case "DELETE":
                known = request.id in self._doomed
            case _:
                return
        where = process.name, request.verb
        if not known:
            self._say(where, f"sent without a durable intent: {request}")
        if process.command == "recover":
            self._say(where, f"recover changes something: {request}")

    def _suspects(self, request: Request) -> bool:
        """Whether the journal knows that another one may have made what is being sent; what is shared, for any run."""
        run = owner(request.kind, request.names[0])[0]
        return any(state.suspect for state in self._contents.runs.values() if run in (SHARED, _where(state)))

    def _say(self, where: Where, what: str) -> None:
        self.wrong.append((where, f"{what} ({where[0]}/{where[1]})"))


def _where(run: RunState) -> str:
    return SHARED if run.shared else run_of(run.source)


def _sure(run: RunState, step: StepState) -> bool:
    return bool(step.receipt and step.receipt.confirmed and not step.attempts and not run.suspect)
