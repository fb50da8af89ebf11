"""Which form a manifest has: by its extension, or by its first line where that does not say."""

from __future__ import annotations

import io
from typing import IO, Literal

import orjson

from workflows.onboarding.manifest.line_files import CSV_HEADINGS

Form = Literal["yaml", "csv", "lines"]

EXTENSIONS: dict[str, Form | None] = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".csv": "csv",
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".json": None,
}
_MOST = 1 << 16


class _Again(io.RawIOBase):
    """A stream of which the first bytes were already read."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._head:
            self._head = self._rest.read(len(buffer))
        part, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def sniffed(stream: IO[bytes]) -> tuple[Form, IO[bytes]]:
    """The form that the first line with text shows, and the stream from its beginning."""
    head = line = stream.readline(_MOST)
    while line and not line.strip() and len(head) < _MOST:
        line = stream.readline(_MOST)
        head += line
    return _form(line.removeprefix(b"\xef\xbb\xbf").strip()), io.BufferedReader(_Again(head, stream))


def _form(line: bytes) -> Form:
    """A manifest in JSON is YAML, too; JSON lines begin with a source."""
    if line.startswith(b"{"):
        try:
            return "yaml" if orjson.loads(line).keys() & {"version", "sources"} else "lines"
        except orjson.JSONDecodeError:
            return "yaml"
    for delimiter in (b",", b";", b"\t"):
        cells = [cell.strip(b' "').decode(errors="replace").lower() for cell in line.split(delimiter)]
        if len(CSV_HEADINGS.keys() & cells) > 1:
            return "csv"
    return "yaml"
