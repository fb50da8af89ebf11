"""A run as `status --json` shows it, which users and scripts rely on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from engine.model import Failure, Json, RunState, RunStatus, StepState, StepStatus
from engine.upkeep import stays_off
from engine.workflow import Plan

_SHOWN = {
    StepStatus.PENDING: "pending",
    StepStatus.INTENT: "running",
    StepStatus.DONE: "done",
    StepStatus.FAILED: "failed",
    StepStatus.IN_DOUBT: "in_doubt",
    StepStatus.DESTROYED: "destroyed",
}


def timestamp(at: float | None) -> str | None:
    """Epoch seconds as RFC 3339 in UTC, to the millisecond."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def report(run: RunState, plan: Plan, shared: Mapping[str, StepState]) -> dict[str, Json]:
    """One line of `status --json`. `shared`: the states of the run's shared steps, by step name."""
    return {
        "run_id": run.run_id,
        "workflow": run.workflow,
        "source": run.source,
        "org": run.scope.org,
        "sandbox": run.scope.sandbox,
        "chain": run.variant,
        "state": run.status.value,
        "paused": any(map(stays_off, run.steps.values())),
        "created_at": timestamp(run.created_at),
        "finished_at": timestamp(run.finished_at),
        "error": failure(run.failure),
        "steps": [
            step(
                shared.get(name) if name in plan.shared else run.steps.get(name),
                name,
                run,
                shared=name in plan.shared,
                made=not declared.reads_only,
            )
            for name, declared in plan.steps.items()
        ],
    }


def step(state: StepState | None, name: str, run: RunState, *, shared: bool, made: bool) -> dict[str, Json]:
    """One step of such a line. What a step that makes nothing has read has no origin."""
    state = state or StepState(name=name)
    receipt = state.receipt
    return {
        "name": name,
        "state": shown(state, run),
        "id": receipt.id if receipt else None,
        "etag": receipt.etag if receipt else None,
        "version": receipt.version if receipt else None,
        "attempts": state.tries,
        "origin": receipt.origin.value if receipt and made else None,
        "shared": shared,
        "started_at": timestamp(state.started_at),
        "finished_at": timestamp(state.finished_at),
        "error": failure(state.failure),
    }


def shown(state: StepState, run: RunState) -> str:
    """The state of a step in the user's words."""
    if state.status is StepStatus.PENDING and state.due is not None:
        return "waiting"
    if state.status is StepStatus.INTENT and run.status in (RunStatus.FAILED, RunStatus.IN_DOUBT):
        return "in_doubt"
    return _SHOWN[state.status]


def failure(value: Failure | None) -> dict[str, Json] | None:
    """A failure in the six words of `status --json`."""
    if value is None:
        return None
    return {
        "kind": value.kind,
        "code": value.code,
        "status": value.status,
        "message": value.message,
        "hint": value.hint,
        "request_id": value.request_id,
    }
