"""What must hold at every instant: checked at each commit, at each request, and at each object that comes to be.

- no request that creates, changes or deletes leaves without a durable intent, or later than that allows (rules 1, 10);
- an id in the journal never changes, is the platform's, and goes only when its object is gone;
- no journal is sure of a step of which there are two, and no second one comes to be while none is in doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import labels
from engine.journal.memory import Contents, MemoryStore
from engine.machine import Timing
from engine.model import Origin, Receipt, RunState, StepState, Verb
from engine.simulation.platform import Platform, Request
from engine.simulation.things import SHARED, owner, run_of
from engine.simulation.weather import SETTLE
from engine.simulation.wire import READS

if TYPE_CHECKING:
    from engine.simulation.process import Process

Where = tuple[str, str]
"""(run, step)"""
Intent = tuple[str, str, object]
"""What an intent allows to be sent: the verb, what of, and under which condition."""
VERBS = {Verb.UPDATE: "PATCH", Verb.SWITCH: "SWITCH", Verb.DELETE: "DELETE"}
WINDOW = Timing(settle=SETTLE).send_window


class Watch:
    """Watches one journal and what the processes that hold it send. `wrong`: where, and what is wrong there.

    `sends`: by tag, when a create left, and whether it was blind: nothing in the journal spoke of another one when it
    went to the wire (rule 7).
    """

    def __init__(self, platform: Platform, store: MemoryStore) -> None:
        self.platform, self.store = platform, store
        self.wrong: list[tuple[Where, str]] = []
        self.sends: dict[str, tuple[float, bool]] = {}
        self._contents: Contents = store.contents
        self._seen: dict[int, RunState] = {}
        self._heard: dict[int, int] = {}
        self._intents: dict[Intent, float] = {}
        self._blind: dict[str, bool] = {}

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
                    self._intend("SIGN", str(event.detail.get("journal")), int(str(event.detail.get("generation", 0))))
            self._heard[key] = len(events)

    def _step(self, run: RunState, old: StepState, new: StepState) -> None:
        where = _where(run), new.name
        for attempt in new.attempts:
            if attempt in old.attempts:
                continue
            if attempt.verb is Verb.CREATE:
                self._intend("POST", attempt.tag)
            elif new.receipt:
                self._intend(VERBS[attempt.verb], new.receipt.id, attempt.condition)
        if old.receipt and new.receipt is None:
            self._dropped(where, old.receipt)
        elif old.receipt and new.receipt and old.receipt.id != new.receipt.id:
            self._say(where, f"id changed from {old.receipt.id} to {new.receipt.id}")
        elif new.receipt and new.receipt is not old.receipt:
            self._received(where, new.receipt)
        if new.receipt and new.receipt.origin is not Origin.ADOPTED and _sure(run, new):
            self._one(where, f"sure of {new.receipt.id}")

    def _intend(self, verb: str, what: str, condition: object = "") -> None:
        self._intents[verb, what, condition] = self.platform.world.now

    def _dropped(self, where: Where, receipt: Receipt) -> None:
        there = self.platform.history.get(receipt.id, [(0.0, None)])[-1][1]
        if there and receipt.origin is not Origin.ADOPTED and there.kind != "mapping":
            self._say(where, f"receipt lost: {receipt.id} is still there")

    def _received(self, where: Where, receipt: Receipt) -> None:
        past = [thing for _, thing in self.platform.history.get(receipt.id, ()) if thing]
        untold = receipt.etag is None and where[1] == "flow"
        if not (untold and past) and receipt.etag not in {str(thing.etag) for thing in past}:
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

    def handed(self, request: Request) -> None:
        """A request goes to the wire: from now on nothing that its run learns holds it back."""
        self._blind[labels.parse(request.note).attempt] = not self._suspects(request)

    def sent(self, process: Process, request: Request) -> None:
        """A request leaves."""
        if request.verb in READS:
            return
        now, note = self.platform.world.now, labels.parse(request.note)
        intents: dict[str, tuple[str, object]] = {
            "POST": (note.attempt, ""), "SIGN": (note.journal, note.generation),
            "PATCH": (request.id, request.before), "SWITCH": (request.id, request.before), "DELETE": (request.id, ""),
        }  # fmt: skip
        since = self._intents.get((request.verb, *intents[request.verb]))
        if request.verb == "POST":
            self.sends[note.attempt] = now, self._blind[note.attempt]
        where = process.name, request.verb
        if since is None:
            self._say(where, f"sent without a durable intent: {request}")
        elif now > since + WINDOW:
            self._say(where, f"sent {now - since:.1f} s after its intent: {request}")
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
