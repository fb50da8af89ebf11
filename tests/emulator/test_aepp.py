"""A client of the platform that nobody here wrote works against the emulator over real sockets, and asks nothing wrong.

AEPP brings half a gigabyte of dependencies, so it is not among ours: `make aepp` installs it beside them and runs this.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import emulating

PYTHON = os.environ.get("AEPP_PYTHON", sys.executable)
"""The interpreter that knows AEPP."""
SESSION = Path(__file__).with_name("aepp_session.py")


@pytest.mark.skipif(
    subprocess.run([PYTHON, "-c", "import aepp"], capture_output=True, check=False).returncode != 0,
    reason="AEPP is not installed: `make aepp` does it",
)
def test_the_chain_lists_pages_and_an_update(tmp_path: Path) -> None:
    with emulating("--port", "0") as platform:
        environ = {**os.environ, **platform.environ, "PYTHONWARNINGS": "ignore"}
        ended = subprocess.run(
            [PYTHON, str(SESSION), platform.url],
            cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        seen = json.loads(ended.stdout.splitlines()[-1])
        objects, report = platform.objects(), platform.report()
    assert set(seen.pop("created")) <= set(objects)
    assert (seen.pop("stale")["status"], seen.pop("second title")["title"]) == (412, "Title not unique")
    assert seen == {
        "tenant": "headway",
        "test": {"result": True},
        "target": "aepp target",
        "dataset": "aepp dataset",
        "mappings": ["_id", "personalEmail.address"],
        "updated": True,
        "about": ["CRMToAEP", "aepp dataset"],
        "connections": [
            "ServiceNow (comes with the emulator)",
            "aepp lake",
            "aepp snow",
            *map("page {}".format, range(7)),
        ],
        "flows": ["aepp flow"],
        "flows of the mapping": ["aepp flow"],
        "schemas": ["aepp adhoc", "aepp target"],
        "without ad hoc": ["aepp target"],
        "datasets": ["aepp dataset"],
        "mapping sets": True,
    }
    assert report["created"] == {
        "base_connection": 1, "class": 1, "dataset": 1, "dataset_base_connection": 8, "flow": 1, "mapping_set": 1,
        "schema": 2, "source_connection": 1, "target_connection": 1,
    }  # fmt: skip
    assert (report["mistakes"]["count"], report["conflicts"]) == (0, {"FLOW-1404-412": 1, "XDM-1521-400": 1})
