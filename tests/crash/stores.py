"""The two kinds of store, and what befalls them: lost, copied, put back, replaced."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.postgres import Server


class Store(Protocol):
    """Where a journal is. `url` is what `--store` gets."""

    url: str

    def lose(self) -> None:
        """The journal is gone."""
        ...

    def copy(self) -> str:
        """Another journal with the same contents; its URL."""
        ...

    def put_back(self, copy: str) -> None:
        """A copy takes the journal's place; the copy stays."""
        ...


@dataclass(slots=True)
class SqliteStore:
    """A file in a folder of its own; `sidecar`: whether its lock file shares its fate."""

    path: Path
    sidecar: bool = True
    _copies: int = 0

    @property
    def url(self) -> str:
        return str(self.path)

    def _files(self, path: Path) -> Mapping[str, Path]:
        suffixes = ("", "-wal", "-shm", ".lock") if self.sidecar else ("", "-wal", "-shm")
        return {suffix: path.with_name(path.name + suffix) for suffix in suffixes}

    def lose(self) -> None:
        for file in self._files(self.path).values():
            file.unlink(missing_ok=True)

    def copy(self) -> str:
        self._copies += 1
        folder = self.path.with_name(f"copy-{self._copies}")
        folder.mkdir()
        target = folder / self.path.name
        self._copy(self.path, target)
        return str(target)

    def put_back(self, copy: str) -> None:
        self.lose()
        self._copy(Path(copy), self.path)

    def _copy(self, source: Path, target: Path) -> None:
        for suffix, file in self._files(source).items():
            if file.exists():
                shutil.copyfile(file, target.with_name(target.name + suffix))


@dataclass(slots=True)
class PostgresStore:
    """A database of the tests' own server."""

    server: Server
    name: str
    _copies: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def make(self) -> None:
        """An empty database."""
        self.server.execute(f"CREATE DATABASE {self.name}")

    def remove(self) -> None:
        """Neither it nor its copies are there any more."""
        for name in (self.name, *self._copies):
            self._drop(name)

    def lose(self) -> None:
        self._drop(self.name)
        self.make()

    def copy(self) -> str:
        self._copies.append(f"{self.name}_{len(self._copies)}")
        self._duplicate(self.name, self._copies[-1])
        return self.server.url(self._copies[-1])

    def put_back(self, copy: str) -> None:
        self._drop(self.name)
        self._duplicate(copy.partition("@/")[2].partition("?")[0], self.name)

    def _drop(self, name: str) -> None:
        self.server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _duplicate(self, source: str, target: str) -> None:
        """A template must be in use by nobody; a session outlives a killed client by a moment."""
        self.server.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{source}'")
        self.server.execute(f"CREATE DATABASE {target} TEMPLATE {source}")
