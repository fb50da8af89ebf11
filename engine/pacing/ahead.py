"""How many permits there may be beyond the wire. Pure."""

from __future__ import annotations

SAMPLES = 256
"""Permits over which is averaged how many prepare. They come and go in crowds, with each commit: a bound that followed
each crowd would leave every third run without the permit that it gave back just now, and with one record more."""
SPARE = 2
"""Permits for each that prepares: they become ready in crowds, with each commit, and the wire lives on what waits."""


class Ahead:
    """Permits beyond the number that may be on the wire: for requests that are not ready to leave, because their intent
    is being written. Else each would leave a place on the wire empty for so long."""

    __slots__ = ("_out", "_preparing")

    def __init__(self) -> None:
        self._preparing = self._out = 0.0

    def sample(self, *, preparing: int, out: int) -> None:
        """How many permits are out whose requests are not ready, and are."""
        self._preparing += (preparing - self._preparing) / SAMPLES
        self._out += (out - self._out) / SAMPLES

    def of(self, most: int) -> int:
        """How many permits there may be beyond `most`: by Little's law as many as are preparing when `most` are out,
        and some to spare."""
        return int(most * min(SPARE * self._preparing / self._out, 1.0)) if self._out else 0
