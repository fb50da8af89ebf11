"""A small disk of its own for a journal, which can be full; only where a file system may be mounted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

SIZE = "4m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A mounted file system."""

    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """No byte is free any more."""
        file = os.open(self._ballast, os.O_WRONLY | os.O_CREAT, 0o600)
        with suppress(OSError):
            while True:
                os.write(file, bytes(4096))
        os.close(file)

    def free(self) -> None:
        """There is room again."""
        self._ballast.unlink()


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """A disk in memory, mounted at `folder`. Skips the test, and says so, where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "headway-tests", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield Disk(folder=folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
