"""Seals of secrets: what many of them cost at once."""

import subprocess
import sys
from pathlib import Path

MANY = """
import resource
import anyio
from workflows.resources._seals import Seals

async def main():
    seals, before = Seals(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with anyio.create_task_group() as tasks:
        for number in range(24):
            tasks.start_soon(seals.seal, {"password": f"swordfish-{number}"})
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

anyio.run(main)
"""


def test_many_seals_at_once_take_the_memory_of_a_few() -> None:
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", MANY], check=True, capture_output=True, text=True, cwd=root)
    assert int(ended.stdout) < 120_000, "kilobytes; each hash takes 16 MB"
