"""Runs (contract 10.3): they come from the flows' schedules, some time after the start, and cannot be hurried."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from workflows.emulator.errors import connector, flow
from workflows.emulator.http import Call, Reply, Router, answer
from workflows.emulator.services import items
from workflows.emulator.table import Body, Entity
from workflows.emulator.world import World

TABLE = "runs"
KEPT = 20  # due runs made at once at most, the newest: a start years ago does not flood the list
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def _due(schedule: Body, since: float, until: float) -> Iterator[int]:
    """The scheduled moments after `since` up to `until`, in epoch seconds."""
    start = int(schedule["startTime"])
    if schedule["frequency"] == "once":
        if since < start <= until:
            yield start
        return
    step = int(schedule["interval"]) * _SECONDS[schedule["frequency"]]
    last = int((until - start) // step)
    first = max(0, int((since - start) // step) + 1, last - KEPT + 1)
    for number in range(first, last + 1):
        yield start + number * step


def catch_up(world: World, parent: Entity) -> None:
    """Make the runs of a flow that are due and can be seen by now, and let finished ones succeed."""
    config = world.platform.config
    now = time.time()
    seen = now - config.run_delay
    since = parent.store.get("runs_until", 0.0)
    parent.store["runs_until"] = seen
    open_runs: list[Entity] = parent.store.setdefault("open_runs", [])
    if parent.live and parent.body["state"] not in {"draft", "disabled"}:
        due = _due(parent.body["scheduleParams"], since, seen)
        open_runs.extend([_start(world, parent, moment + config.run_delay) for moment in due])
    finished = [run for run in open_runs if run.store["ends"] <= now]
    for run in finished:
        open_runs.remove(run)
        _finish(world, run)


def _start(world: World, parent: Entity, seen: float) -> Entity:
    platform = world.platform
    etag, created = platform.etag(), int(seen * 1000)
    body = {
        "id": platform.uuid(),
        "flowId": parent.id,
        "flowSpec": parent.body["flowSpec"],
        "providerRefId": platform.uuid(),
        "createdAt": created,
        "updatedAt": created,
        "imsOrgId": world.org.id,
        "sandboxName": world.sandbox.name,
        "state": "inProgress",
        "metrics": {
            "durationSummary": {"startedAtUTC": created},
            "statusSummary": {"status": "inProgress", "errors": []},
        },
        "activities": [],
        "etag": etag,
        "version": etag,
    }
    run = world.add(TABLE, id=body["id"], kind="run", name="", body=body, created=created, foreign=True)
    run.store |= {"ends": seen + platform.config.run_length, "flow": parent}
    parent.store["last_run"] = run
    return run


def _finish(world: World, run: Entity) -> None:
    platform = world.platform
    failed = platform.chance(platform.config.run_failures)
    etag, ended, rows = platform.etag(), int(run.store["ends"] * 1000), 100
    status = "failed" if failed else "success"
    errors = [{"code": "CONNECTOR-1308-500", "message": "The call to the vendor failed."}] if failed else []
    started = run.body["createdAt"]
    written = 0 if failed else rows
    body = {
        **run.body,
        "state": status,
        "updatedAt": ended,
        "etag": etag,
        "version": etag,
        "metrics": {
            "durationSummary": {"startedAtUTC": started, "completedAtUTC": ended},
            "sizeSummary": {"inputBytes": 64 * rows, "outputBytes": 64 * written},
            "recordSummary": {
                "inputRecordCount": rows,
                "outputRecordCount": written,
                "createdRecordCount": written,
                "failedRecordCount": rows - written,
            },
            "fileSummary": {"inputFileCount": 1, "outputFileCount": 0 if failed else 1, "activityRefs": []},
            "statusSummary": {"status": status, "errors": errors},
        },
    }
    world.change(TABLE, run, body)


def last(world: World, parent: Entity) -> Body | None:
    """A flow's `lastRunDetails`; None before its first run can be seen (contract 1.7)."""
    if "scheduleParams" not in parent.body:
        return None
    catch_up(world, parent)
    run: Entity | None = parent.store.get("last_run")
    if run is None:
        return None
    duration = run.body["metrics"]["durationSummary"]
    details = {"id": run.id, "state": run.body["state"], "startedAtUTC": duration["startedAtUTC"]}
    return details | ({"completedAtUTC": duration["completedAtUTC"]} if "completedAtUTC" in duration else {})


def _refresh(call: Call) -> None:
    """Bring the runs of the flows that a list asks for up to date: of all, if it does not say."""
    flows = call.world["flows"]
    wanted = [test for test in items.conditions(call.all("property")) if test.path == ("flowId",)]
    asked = wanted and wanted[0].operator == "=="
    parents = [flows.rows[id] for id in wanted[0].operands if id in flows.rows] if asked else flows.order
    for parent in parents:
        if "scheduleParams" in parent.body:
            catch_up(call.world, parent)


def _list(call: Call) -> Reply:
    _refresh(call)
    return items.listing(call, TABLE)


def _read(call: Call) -> Reply:
    run = call.world[TABLE].rows.get(call.params[0])
    if run is not None:
        catch_up(call.world, run.store["flow"])
    return items.read(call, TABLE)


def _create(call: Call) -> Reply:
    """A run on demand, only for a flow that is scheduled `once` (contract 10.3)."""
    body = call.object()
    parent = call.world["flows"].get(str(body.get("flowId")))
    if parent is None:
        raise flow(1430, 400, f"Flow not found with id {body.get('flowId')}.")
    params: Any = body.get("params")
    if parent.body["scheduleParams"]["frequency"] != "once":
        raise connector(1386, "The flow must be scheduled once.")
    if not isinstance(params, dict) or not {"startTime", "windowStartTime", "windowEndTime"} <= set(params):
        raise connector(1304, "Mandatory field params.startTime, .windowStartTime or .windowEndTime is missing.")
    copied = [one["params"] for one in parent.body["transformations"] if one["name"] == "Copy"]
    expected = copied[0]["deltaColumn"]["name"] if copied else None
    named = params.get("deltaColumn", {}).get("name", expected)
    if named != expected:
        raise connector(1382, f"The delta column {named} is not the flow's.")
    run = _start(call.world, parent, time.time())
    call.platform.books.created["run"] += 1
    parent.store.setdefault("open_runs", []).append(run)
    return answer({"id": run.id, "etag": run.body["etag"]}, 201)


def _act(call: Call) -> Reply:
    run = items.find(call, TABLE, call.params[0])
    parent: Entity = run.store["flow"]
    if (call.one("op") or "").upper().replace("-", "_") != "RE_TRIGGER" or run.body["state"] != "failed":
        detail = f"The action {call.one('op')} cannot be applied on the current state {run.body['state']}."
        raise flow(1422, 400, detail)
    if parent.body["state"] != "enabled":
        raise connector(1388, "The flow must be enabled.")
    again = _start(call.world, parent, time.time())
    parent.store["open_runs"].append(again)
    return answer({"items": [again.body]})


def _refuse(call: Call) -> Reply:
    raise flow(1427, 400, f"The user token is unauthorized to create/update flow runs ({call.params[0]}).")


def register(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/runs", "list", _list)
    router.add("POST", "/runs", "create", _create)
    router.add("GET", "/runs/*", "read", _read)
    router.add("PUT", "/runs/*", "update", _refuse)
    router.add("POST", "/runs/*/action", "action", _act)
