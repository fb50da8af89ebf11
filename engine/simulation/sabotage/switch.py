"""What a switch is, and the weathers that several of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.simulation.weather import ANY, Weather

Patch = tuple[object, str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """`rule`: which clause it breaks. `patches`: what is put in whose place. `weather`: where it shows soonest.

    `harmless`: the clause only spares work; breaking it must break no promise, and that is shown, too.
    """

    rule: str
    patches: Callable[[], list[Patch]]
    weather: Weather = ANY
    harmless: bool = False


async def nothing(*_: object, **__: object) -> None:
    """What a rule's function does when it is forgotten."""


def never(*_: object, **__: object) -> bool:
    """What a rule's question answers when it is forgotten."""
    return False


QUIET: Mapping[str, Any] = {
    "outages": [0], "stop_rate": [0], "expiry_rate": [0], "storage_rate": [0], "jump_rate": [0], "mend_rate": [0],
    "adopts": [""],
}  # fmt: skip
FROZEN = ANY.but(
    servers=[True], freeze_rate=[0.004], freezes=[200], crash_rate=[0], kill_rate=[0], fault_rate=[0],
    calm_at=[600, 1500], rivals=[""], disaster=[0], **QUIET,
)  # fmt: skip
TAIL = ANY.but(
    lists=["tail"], fates=["late", "lost", "error"], fault_rate=[0.3, 0.5], calm_at=[1500], crash_rate=[0],
    kill_rate=[0], freeze_rate=[0], rivals=[""], disaster=[0], late=[59], runs=[2], **QUIET,
)  # fmt: skip

CHANGING = ANY.but(
    fates=["late", "late", "lost", "error_after"], late=[30, 59], calm_at=[600], freeze_rate=[0], rivals=[""],
    disaster=[0], adopts=[""],
)  # fmt: skip

RENAMING = ANY.but(
    scripts=[("run", "rename")], disaster=[0.6], disasters=["deleted"], rivals=[""], freeze_rate=[0], adopts=[""],
    lists=["ordered", "each"],
)  # fmt: skip
