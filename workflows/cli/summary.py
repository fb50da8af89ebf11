"""What a batch came to: a line with the counts, the causes of what went wrong, and the next command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from workflows.cli.failures import Exit, worst
from workflows.cli.tally import Cause, Tally
from workflows.cli.words import amount, cut, duration, listed, number

NAMED = 3
SHOWN = 12
"""How many sources are named for a cause, and how many causes are shown."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How a command that drives runs ended. `again` is the command that continues."""

    tally: Tally
    seconds: float
    again: str
    look: Callable[..., str]
    """A command that reads the journal, as it is to be typed here."""
    kept: dict[str, str] = field(default_factory=dict)
    """Finished sources that were left as they are though the manifest changed: the reason, by name."""
    changed: Sequence[str] = ()
    """The finished sources that were to become what the manifest says now, and were worked on."""
    gone: int = 0
    interrupted: bool = False
    stopped: bool = False
    """Whether it stopped because too many had failed (`--fail-fast`, `--max-failures`)."""
    unwell: int = 0
    """How many flows were followed whose first ingestion did not end well."""
    unseen: int = 0
    """How many flows were to be followed whose first ingestion has not ended yet."""
    place: Callable[[str], str] = lambda _source: ""
    """Where a source stands in the manifest, if there is one."""
    finds: bool = False
    """Whether it only found again what there is: then what is left is no failure."""
    destroys: bool = False
    """Whether what is done is destroyed."""
    said: str = "done"
    """What those are that it got through with."""

    @property
    def code(self) -> Exit:
        """The exit code."""
        if self._cut_off:
            return Exit.INTERRUPTED
        if self.finds and not self.tally.failed and not self.tally.in_doubt:
            return Exit.DONE
        failed = self.tally.failed + self.unwell + len(self.tally.stuck)
        found = [Exit.IN_DOUBT] * (self.tally.in_doubt > 0) + [Exit.FAILED] * (failed > 0)
        return worst(found or [Exit.FAILED] * (self.tally.left > 0))

    @property
    def _cut_off(self) -> bool:
        """Whether an interruption left something undone."""
        return self.unseen > 0 or (self.interrupted and bool(self.tally.left or self.tally.unreleased))

    def as_json(self) -> dict[str, Any]:
        """The fields of the last event."""
        tally = self.tally
        return {
            "exit": int(self.code),
            "seconds": round(self.seconds, 3),
            "total": tally.total,
            "done": tally.done,
            "done_before": tally.before,
            "failed": tally.failed,
            "in_doubt": tally.in_doubt,
            "left": tally.left,
            "changed": list(self.changed),
            "left_as_they_are": self.kept,
            "gone": self.gone,
            "interrupted": self.interrupted or self.unseen > 0,
            "stopped": self.stopped,
            "spared": self.tally.spared,
            "stuck": self.tally.stuck,
            "left_behind": {step: count for (step, _), count in self.tally.behind.items()},
            "let_go": dict(self.tally.released),
            "causes": [
                {"state": c.state, "count": c.count, "message": c.message, "hint": c.hint, "sources": c.sources}
                for c in self._causes()
            ],
        }

    def lines(self) -> list[str]:
        """The summary for people."""
        lines = [self._counts(), *self._unhappy()]
        for reason, sources in self._kept().items():
            lines.append(f"  {number(len(sources))}  left as they are: {reason}     {listed(sources, NAMED)}")
        if not self.destroys:
            lines += self._let_go()
            lines += self._spared()
        lines += [f"  shared by them: {cut(stuck, 400)}" for stuck in self.tally.stuck[:SHOWN]]
        if self.stopped:
            lines.append("stopped, because too many failed (--fail-fast, --max-failures)")
        if self._cut_off:
            lines += [f"  shared by them, and still there: {', '.join(self.tally.unreleased)}"] * bool(
                self.tally.unreleased
            )
            ended = f"; the first ingestion of {amount(self.unseen, 'flow')} has not ended" * (self.unseen > 0)
            lines.append(f"interrupted{ended}; continue with `{self.again}`")
        elif self.destroys and self.code is Exit.DONE:
            lines += self._behind()
        elif self.finds:
            lines.append(f"Nothing was created. Continue with   {self.again}")
        elif self.code is not Exit.DONE and (
            self.tally.left or self.tally.failed or self.tally.in_doubt or self.tally.stuck
        ):
            done = self.tally.done
            rest = "the one that is done is" if done == 1 else f"the {number(done)} are"
            lines.append(f"Continue with   {self.again}" + f"      ({rest} not touched)" * (done > 0))
        return lines

    def _kept(self) -> dict[str, list[str]]:
        """The sources that were left as they are, by reason."""
        found: dict[str, list[str]] = {}
        for source, reason in self.kept.items():
            found.setdefault(reason, []).append(source)
        return found

    def _counts(self) -> str:
        tally = self.tally
        figures = [f"{number(tally.done)} {self.said}", *["nothing to do"] * (tally.total == 0)]
        figures += [f"{number(tally.failed)} failed"] * (tally.failed > 0)
        figures += [f"{number(tally.in_doubt)} in doubt"] * (tally.in_doubt > 0)
        figures += [f"{number(tally.left)} {'in part or not at all' if self.finds else 'left'}"] * (tally.left > 0)
        figures += [f"{amount(self.unwell, 'first ingestion')} not well"] * (self.unwell > 0)
        code = f"   exit {int(self.code)}" if self.code else ""
        return f"{amount(tally.total, 'source')}: {', '.join(figures)}   {duration(self.seconds)}{code}"

    def _let_go(self) -> list[str]:
        """What replacing leaves on the platform for its data; the journal has it in its history only."""
        found = [amount(count, step.replace("_", " ")) for (step, kept), count in self.tally.behind.items() if kept]
        hint = f"for its data; `{self.look('why', 'SOURCE')}` has the id, and what is not needed is deleted by hand"
        return [f"Left behind: {', '.join(found)} ({hint})"] if found else []

    def _behind(self) -> list[str]:
        """What destroying leaves on the platform, and why."""
        lines = list[str]()
        if released := [amount(n, step.replace("_", " ")) for step, n in self.tally.released.items()]:
            lines.append(f"Let go, not deleted, as it was adopted: {', '.join(released)} (flows among them go on)")
        for kept, why in ((False, "the platform cannot delete them"), (True, "they hold data: --delete-data")):
            found = [amount(n, step.replace("_", " ")) for (step, k), n in self.tally.behind.items() if k is kept]
            if found:
                lines.append(f"Left behind: {', '.join(found)} ({why})")
        return lines + self._spared()

    def _spared(self) -> list[str]:
        """What sources shared, and stays because others use it."""
        return [f"Left behind: {cut(spared, 400)}" for spared in self.tally.spared[:SHOWN]]

    def _causes(self) -> list[Cause]:
        return sorted(self.tally.causes.values(), key=lambda cause: (cause.state == "failed", -cause.count))

    def _unhappy(self) -> list[str]:
        causes, lines = self._causes(), list[str]()
        for cause in causes[:SHOWN]:
            what = "in doubt: " if cause.state == "in_doubt" else ""
            lines.append(f"  {number(cause.count)}  {what}{cut(cause.message, 300)}")
            first = cause.sources[0]
            why = self.look("why", *filter(None, (first, cause.step)))
            lines.append(f"       {'      '.join(filter(None, (listed_of(cause), self.place(first), why)))}")
            if cause.hint:
                lines.append(f"       {cause.hint}")
        if len(causes) > SHOWN:
            lines.append(f"  and {amount(len(causes) - SHOWN, 'other cause')}: {self.look('status', '--failed')}")
        return lines


def listed_of(cause: Cause) -> str:
    """The sources of a cause, the first by name."""
    more = cause.count - min(len(cause.sources), NAMED)
    return ", ".join(cause.sources[:NAMED]) + (f" and {number(more)} more" if more else "")
