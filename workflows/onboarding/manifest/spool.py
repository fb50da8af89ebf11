"""A checked manifest on disk: nothing is sent before all of it was read, and memory holds one batch."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from engine import codec
from workflows.onboarding.inputs import Inputs, decode
from workflows.onboarding.manifest.mistakes import ManifestErrors
from workflows.onboarding.manifest.mistakes import Path as KeyPath
from workflows.onboarding.manifest.reader import Reader, find_places
from workflows.onboarding.manifest.yaml_events import Place


class _Head(msgspec.Struct):
    """What is read of each line; the rest is only passed on."""

    source: str
    chain: str
    previously: str | None = None


_head = msgspec.json.Decoder(_Head).decode


@dataclass(frozen=True, slots=True)
class Spooled:
    """A source as the spool holds it: `text` is its inputs in the form in which the journal keeps them.

    What is made of the text is made when it is asked for: a finished source needs none of it.
    """

    source: str
    chain: str
    previously: str | None
    text: str

    @property
    def inputs(self) -> Inputs:
        """What the source says."""
        return decode(self.text)

    @classmethod
    def read(cls, line: bytes) -> Spooled:
        """From a line of the spool."""
        head = _head(line)
        return cls(head.source, head.chain, head.previously, line[:-1].decode())


class Spool:
    """The sources of a manifest in which nothing is wrong, in its order. Close it: it holds a temporary file.

    `count` is their number, `defaults` the file that says what they do not. The spool's own file has no name, and holds
    references to secrets, never secrets.
    """

    def __init__(self, file: IO[bytes], count: int, lines: Mapping[int, int], origin: tuple[str, Path | None]) -> None:
        self.count = count
        self._file = file
        self._origin = origin
        _, self.defaults = origin
        self._lines = lines

    def batches(self, size: int) -> Iterator[list[Spooled]]:
        """All sources, `size` at a time; as often as one likes."""
        place = 0
        while True:
            self._file.seek(place)
            batch = [Spooled.read(line) for line in islice(self._file, size)]
            place = self._file.tell()
            if not batch:
                return
            yield batch

    def line_of(self, source: str) -> int | None:
        """The line of the manifest in which the source of that name begins."""
        return self._lines.get(hash(source))

    def places(self, wanted: Mapping[str, Collection[KeyPath]]) -> Iterator[tuple[str, KeyPath, str, Place]]:
        """Where the manifest, or its defaults, say these things of these sources: name, path, file, place."""
        return find_places(*self._origin, wanted)

    def close(self) -> None:
        """Gives the temporary file back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def check_and_spool(path: str, defaults: Path | None = None, *, empty: bool = False) -> Spool:
    """Reads a manifest (`-` is stdin) to its end, and keeps what it says. `empty`: it may name no sources at all.

    Raises ManifestErrors with all mistakes, of the manifest and of the file of `defaults`.
    """
    reader = Reader(path, defaults)
    count = 0
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile(prefix="headway-"))
        for inputs in reader.sources():
            if not reader.mistakes:
                file.write(codec.canonical(inputs).encode() + b"\n")
                count += 1
        if not count and not empty and not reader.mistakes:
            reader.note_nothing()
        if reader.mistakes:
            raise ManifestErrors(reader.mistakes)
        stack.pop_all()
    return Spool(file, count, reader.lines, (path, defaults))
