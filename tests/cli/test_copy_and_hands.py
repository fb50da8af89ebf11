"""A copy of the journal that was put back, after somebody took down by hand what a mapping set stands on."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.cli.conftest import Headway, Platform
from tests.cli.test_refresh import steps


def test_a_mapping_set_on_a_schema_that_is_gone_is_made_anew(
    headway: Headway, platform: Platform, manifest: Path, hand: httpx.Client
) -> None:
    only = ("--only", "acme-accounts")
    platform.faults("kind=status,status=400,method=POST,service=flowservice,path=/flows$,times=1")
    assert headway("run", manifest.name, *only).code == 1
    shutil.copy("headway.db", "earlier.db")
    assert headway("run", manifest.name, *only).code == 0
    made = {name: step["id"] for name, step in steps(headway, "acme-accounts").items()}
    for path, name in (
        ("flowservice/flows", "flow"),
        ("flowservice/targetConnections", "target_connection"),
        ("catalog/dataSets", "dataset"),
        ("schemaregistry/tenant/schemas", "target_schema"),
    ):
        hand.delete(f"/{path}/{quote(made[name], safe='')}").raise_for_status()
    Path("headway.db").unlink()
    shutil.move("earlier.db", "headway.db")
    assert headway("run", manifest.name, *only).code == 0
    assert platform.report()["duplicates"]["count"] == 0
