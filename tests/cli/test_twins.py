"""What another journal made a second time of a source that has no schema of its own, which keeps journals apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.cli.conftest import Headway
from tests.cli.test_moved_targets import theirs, write  # noqa: F401 - fixtures
from tests.cli.test_refresh import delete, steps

COPIED = ("name", "description", "flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations")


def test_a_second_flow_is_told_by_drift_and_doubted_by_a_refresh_until_it_is_gone(
    headway: Headway,
    hand: httpx.Client,
    write: Callable[[str, str], Path],  # noqa: F811
) -> None:
    manifest = write("tabular", "adopted").name
    assert headway("run", manifest).code == 0
    flow = steps(headway, "cases")["flow"]["id"]
    (there,) = hand.get(f"/flowservice/flows/{flow}").json()["items"]
    copy: dict[str, Any] = {key: there[key] for key in COPIED if key in there}
    schedule = {**there["scheduleParams"], "startTime": there["scheduleParams"]["startTime"] + 3600}
    second = hand.post("/flowservice/flows", json={**copy, "scheduleParams": schedule}).raise_for_status().json()["id"]
    drifted = headway("drift", manifest)
    assert (drifted.code, f"cases  flow {flow}: {second} bears its marker, too" in drifted.out) == (2, True)
    (line,) = headway("drift", manifest, "--json").lines[:-1]
    assert [one["twins"] for one in line["drift"]] == [[second]]
    for options in (["--refresh"], []):
        ended = headway("run", manifest, *options)
        assert (ended.code, f"both exist: {flow}, {second}" in ended.err + ended.out) == (4, True)
    delete(hand, "flowservice/flows", second)
    assert headway("run", manifest).code == 0
    assert headway("drift", manifest).code == 0
