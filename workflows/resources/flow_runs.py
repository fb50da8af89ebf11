"""Runs of flows: what was ingested, when, and why not (contract 10.3). Only read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.model import Json
from workflows.aep import FLOW_SERVICE, AepClient
from workflows.resources._json import dig, rows, seconds, text
from workflows.resources._translate import answers

_ENDED = {
    "success": True,
    "completed": True,
    "partialsuccess": False,
    "partialfailure": False,
    "failed": False,
    "cancelled": False,
}
"""By status, in one spelling: whether all went well. Any other status is one of a run that goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun:
    """One ingestion. Counts are None where the platform does not say. `began` and `ended` in epoch seconds."""

    id: str
    status: str
    read: int | None = None
    written: int | None = None
    failed: int | None = None
    began: float | None = None
    ended: float | None = None
    reasons: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        """Whether it came to its end."""
        return self.status in _ENDED

    @property
    def well(self) -> bool:
        """Whether it came to a good end: success may still tell of records that failed, or of errors."""
        return _ENDED.get(self.status, False) and not self.failed and not self.reasons


async def newest_run(client: AepClient, flow_id: str) -> FlowRun | None:
    """The newest run of a flow, None before there is one: two to three minutes after its start (contract 1.7).

    Raises the engine's `Answer`s.
    """
    query = {"property": f"flowId=={flow_id}", "orderby": "-createdAt", "limit": "1"}
    with answers():
        answer = await client.read("GET", FLOW_SERVICE, "/runs", params=query)
    found = rows(answer.body, "items")
    if not found:
        return None
    run = parse(found[0])
    return replace(run, reasons=tuple(map(client.concealed, run.reasons)))


def parse(item: Json) -> FlowRun:
    """A run as the platform describes it; total."""
    summary, counts = dig(item, "metrics", "statusSummary"), dig(item, "metrics", "recordSummary")
    duration = dig(item, "metrics", "durationSummary")
    errors = [f"{text(error, 'code') or 'error'}: {text(error, 'message') or ''}" for error in rows(summary, "errors")]
    return FlowRun(
        id=text(item, "id") or "",
        status=_plain(text(summary, "status") or text(item, "state") or ""),
        read=_count(dig(counts, "inputRecordCount")),
        written=_count(dig(counts, "outputRecordCount")),
        failed=_count(dig(counts, "failedRecordCount")),
        began=seconds(dig(duration, "startedAtUTC")) or None,
        ended=seconds(dig(duration, "completedAtUTC")) or None,
        reasons=tuple(errors),
    )


def _plain(status: str) -> str:
    """The platform writes IN_PROGRESS, inProgress and Failed (contract 10.3)."""
    return status.replace("_", "").lower()


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
