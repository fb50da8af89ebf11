"""The example that `docs/engine.md` leads to runs, and shows what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.py"


def test_a_lost_answer_and_a_power_cut_make_nothing_twice() -> None:
    ended = subprocess.run([sys.executable, QUICKSTART], capture_output=True, text=True, timeout=50, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "process 1",
        "  the cloud makes thing-1; timeout, no answer comes",
        "  the cloud makes thing-2; the power fails",
        "  is gone",
        "process 2",
        "  network is thing-1, recovered",
        "  server is thing-2, recovered",
        "process 3",
        "  network is thing-1, recovered",
        "  server is thing-2, recovered",
        "2 things for 2 steps",
    ]
