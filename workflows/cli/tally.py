"""What a batch came to so far: counters that cost the same for each notice, however large the batch is."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workflows.cli.words import gist

if TYPE_CHECKING:
    from engine.session import Notice

KEPT = 5
"""How many sources are remembered by name for a cause."""
CAUSES = 500
"""How many different causes are told apart."""
SPAN = 60
"""Seconds over which the rate is measured."""

ENDS = {"run_done": "done", "run_destroyed": "done", "run_failed": "failed", "run_in_doubt": "in_doubt"}
PAUSES = frozenset({"not_applied", "in_doubt", "not_ready"})


@dataclass(slots=True, kw_only=True)
class Cause:
    """Why sources did not get through: how many, the first of them, and the first one's message."""

    state: str
    message: str
    step: str
    hint: str | None
    count: int = 0
    sources: list[str] = field(default_factory=list)


class Tally:
    """Counts of sources; `total` includes those that were `done` before."""

    def __init__(self, *, total: int, done: int, now: float) -> None:
        self.total, self.done, self.before = total, done, done
        self.failed = self.in_doubt = 0
        self.newest: tuple[str, str] | None = None
        self.reason = ""
        self.causes: dict[tuple[str, str, str], Cause] = {}
        self.behind: Counter[tuple[str, bool]] = Counter()
        """What was left on the platform, by (step, whether it was kept for its data)."""
        self.released: Counter[str] = Counter()
        """What was adopted, and is only let go, by step."""
        self.spared: list[str] = []
        """Why what sources shared stays on the platform, though none shares it any more."""
        self.staying: set[str] = set()
        """The run ids of the shared steps that `spared` is about."""
        self.stuck: list[str] = []
        """What sources shared and could not be deleted, with the reason."""
        self.unreleased: list[str] = []
        """What sources shared and was not deleted, as the command was stopped."""
        self.began = now
        self._active: dict[str, bool] = {}
        self._waiting = 0
        self._marks: deque[tuple[float, int]] = deque([(now, 0)], maxlen=SPAN)

    @property
    def waiting(self) -> int:
        """Runs whose last word was an answer that makes them wait."""
        return self._waiting

    @property
    def running(self) -> int:
        """Runs that get on."""
        return len(self._active) - self._waiting

    @property
    def ended(self) -> int:
        """Runs that this process brought to an end."""
        return self.done - self.before + self.failed + self.in_doubt

    @property
    def left(self) -> int:
        """Runs that have not come to an end."""
        return self.total - self.done - self.failed - self.in_doubt

    def rate(self, now: float) -> float | None:
        """Sources per minute of late; None while there is nothing to go by."""
        at, ended = self._marks[0]
        if now - self._marks[-1][0] >= 1.0:
            self._marks.append((now, self.ended))
        passed, found = now - at, self.ended - ended
        return 60 * found / passed if found and passed > 0 else None

    def hear(self, notice: Notice) -> str | None:
        """Count a notice. Returns a line, if people want to be told at once."""
        run, name = notice.run, notice.name
        if name == "step_left" and run.run_id not in self.staying:
            self.behind[notice.step, bool(notice.detail["kept"])] += 1
        if name == "step_released":
            self.released[notice.step] += 1
        if run.shared:
            return self._hear_shared(notice)
        if name in ENDS:
            return self._end(notice, ENDS[name])
        if name == "run_pending":
            self._waiting -= self._active.pop(run.run_id, False)
            return None
        if name == "run_started":
            self._active.setdefault(run.run_id, False)
        elif name == "run_waiting" or (name == "step_answered" and notice.detail.get("kind") in PAUSES):
            self._wait(run.run_id, waiting=True)
            if notice.detail.get("why") not in (None, self.reason):
                self.reason = str(notice.detail["why"])
                return f"waiting  {run.source}: {self.reason}"
        elif name in ("step_done", "step_recovered"):
            self._wait(run.run_id, waiting=False)
        return None

    def _hear_shared(self, notice: Notice) -> str | None:
        run, what = notice.run, notice.run.source.rpartition(":")[2]
        named = f"{notice.step.replace('_', ' ')} {what}"
        if notice.name == "step_spared":
            self.staying.add(run.run_id)
            self.spared.append(f"{named}: {notice.detail['message']}")
        elif notice.name == "run_waiting" and notice.step:
            return f"waiting  {named}: {notice.detail['why']}"
        elif notice.name == "shared_pending":
            self.unreleased.append(what)
        elif notice.name in ("shared_failed", "shared_in_doubt") and run.failure:
            self.stuck.append(f"{what}: {run.failure.message}" + (f"; {run.failure.hint}" if run.failure.hint else ""))
        return None

    def _wait(self, run_id: str, *, waiting: bool) -> None:
        before = self._active.get(run_id)
        if before is not None and before is not waiting:
            self._active[run_id] = waiting
            self._waiting += 1 if waiting else -1

    def _end(self, notice: Notice, state: str) -> str | None:
        run = notice.run
        self._waiting -= self._active.pop(run.run_id, False)
        setattr(self, state, getattr(self, state) + 1)
        if state == "done":
            return None
        message = run.failure.message if run.failure else "no reason is known"
        self.newest = (run.source, message)
        step, _, rest = message.partition(": ")
        key = (state, step, gist(rest.replace(run.source, "…")))
        if key not in self.causes and len(self.causes) >= CAUSES:
            key = (state, "", "")
        cause = self.causes.setdefault(
            key, Cause(state=state, message=message, step=step, hint=run.failure.hint if run.failure else None)
        )
        cause.count += 1
        if len(cause.sources) < KEPT:
            cause.sources.append(run.source)
        return f"{state.replace('_', ' ')}  {run.source}: {message}"
